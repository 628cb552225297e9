import type { KeyToPath, Volume } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { validateFieldRef, validateResourceRef } from './env-validation.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { validateFilePath } from './local-path.ts'
import { dns1123LabelErrors } from './name-syntax.ts'
import type { Volumes } from './mount-validation.ts'
import { validateNetworkSources } from './network-volume-validation.ts'
import { validateClaimSpec } from './persistent-volume-claim-spec.ts'
import { validateQuantity } from './resource-validation.ts'

const modeMessage = 'must be a number between 0 and 0777 (octal), both inclusive'
const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
]

const validateMode = (mode: number | undefined, path: string): FieldError[] =>
  mode !== undefined && mode !== null && (mode < 0 || mode > 0o777) ? [invalid(path, mode, modeMessage)] : []

const validateItems = (items: readonly Draft<KeyToPath>[] | undefined, path: string): FieldError[] =>
  (items ?? []).flatMap(({ key, path: file, mode }, i) => [
    ...(key ? [] : [required(`${path}[${i}].key`)]),
    ...validateFilePath(file, `${path}[${i}].path`),
    ...validateMode(mode, `${path}[${i}].mode`),
  ])

/** Upstream names the volume here, not its entry. */
const validateDownward = (items: NonNullable<Draft<Volume>['downwardAPI']>['items'], at: string): FieldError[] =>
  (items ?? []).flatMap(item => {
    const errors = [...validateFilePath(item.path, `${at}.path`), ...validateMode(item.mode, `${at}.mode`)]
    if (item.fieldRef && item.resourceFieldRef)
      errors.push(invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
    else if (item.fieldRef) errors.push(...validateFieldRef(item.fieldRef, `${at}.fieldRef`, 'volume'))
    else if (item.resourceFieldRef)
      errors.push(...validateResourceRef(item.resourceFieldRef, `${at}.resourceFieldRef`, true))
    else errors.push(required(at, 'one of fieldRef and resourceFieldRef is required'))
    return errors
  })

type Projected = NonNullable<Draft<Volume>['projected']>
type Token = NonNullable<NonNullable<Projected['sources']>[number]['serviceAccountToken']>

/** The path of the token's file is named as the whole volume's. */
const validateToken = (token: Token, { at, path }: { at: string; path: string }): FieldError[] => {
  const { expirationSeconds: seconds = 3600 } = token
  const errors: FieldError[] = []
  if (seconds < 600)
    errors.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
  if (seconds > 2 ** 32)
    errors.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
  return [...errors, ...validateFilePath(token.path, `${path}.path`)]
}

const validateProjected = (projected: Projected, path: string): FieldError[] => {
  const errors = validateMode(projected.defaultMode, `${path}.defaultMode`)
  const files = new Set<string>()
  const claim = (file: string | undefined, shown: string | undefined): void => {
    if (!file) return
    if (files.has(file)) errors.push(invalid(path, shown, 'conflicting duplicate paths'))
    files.add(file)
  }
  for (const [i, source] of (projected.sources ?? []).entries()) {
    const at = `${path}.sources[${i}]`
    for (const kind of ['secret', 'configMap'] as const) {
      const { name, items } = source[kind] ?? {}
      if (source[kind] && !name) errors.push(required(`${at}.${kind}.name`))
      errors.push(...validateItems(items, `${at}.${kind}.items`))
      for (const item of items ?? []) claim(item.path, name)
    }
    const { downwardAPI, serviceAccountToken: token } = source
    if (downwardAPI) errors.push(...validateDownward(downwardAPI.items, `${at}.downwardAPI`))
    for (const item of downwardAPI?.items ?? []) claim(item.path, item.path)
    if (token) errors.push(...validateToken(token, { at: `${at}.serviceAccountToken`, path }))
    if (Object.values(source).filter(Boolean).length > 1)
      errors.push(forbidden(at, 'may not specify more than 1 volume type per source'))
  }
  return errors
}

const validateEphemeral = (source: NonNullable<Draft<Volume>['ephemeral']>, path: string): FieldError[] => {
  const template = source.volumeClaimTemplate
  if (!template) return [required(`${path}.volumeClaimTemplate`)]
  return validateClaimSpec(template.spec ?? {}, `${path}.volumeClaimTemplate.spec`)
}

/** One source of a volume, of a pod or (as far as they share it) of a PersistentVolume. */
export const validateVolumeSource = (volume: Draft<Volume>, at: string): FieldError[] => {
  const errors: FieldError[] = []
  const { emptyDir, hostPath, secret, configMap, downwardAPI, projected, nfs, persistentVolumeClaim: claim } = volume
  if (emptyDir?.sizeLimit) errors.push(...validateQuantity(emptyDir.sizeLimit, `${at}.emptyDir.sizeLimit`))
  if (hostPath) {
    if (!hostPath.path) errors.push(required(`${at}.hostPath.path`))
    else if (hostPath.path.split('/').includes('..'))
      errors.push(invalid(`${at}.hostPath.path`, hostPath.path, "must not contain '..'"))
    if (!hostPathTypes.includes(hostPath.type ?? ''))
      errors.push(notSupported(`${at}.hostPath.type`, hostPath.type, hostPathTypes))
  }
  if (secret) {
    if (!secret.secretName) errors.push(required(`${at}.secret.secretName`))
    errors.push(...validateMode(secret.defaultMode, `${at}.secret.defaultMode`))
    errors.push(...validateItems(secret.items, `${at}.secret.items`))
  }
  if (configMap) {
    if (!configMap.name) errors.push(required(`${at}.configMap.name`))
    errors.push(...validateMode(configMap.defaultMode, `${at}.configMap.defaultMode`))
    errors.push(...validateItems(configMap.items, `${at}.configMap.items`))
  }
  if (downwardAPI) {
    errors.push(...validateMode(downwardAPI.defaultMode, `${at}.downwardAPI.defaultMode`))
    errors.push(...validateDownward(downwardAPI.items, `${at}.downwardAPI`))
  }
  if (projected) errors.push(...validateProjected(projected, `${at}.projected`))
  if (nfs) {
    if (!nfs.server) errors.push(required(`${at}.nfs.server`))
    if (!nfs.path) errors.push(required(`${at}.nfs.path`))
    if (!nfs.path?.startsWith('/')) errors.push(invalid(`${at}.nfs.path`, nfs.path ?? '', 'must be an absolute path'))
  }
  if (claim && !claim.claimName) errors.push(required(`${at}.persistentVolumeClaim.claimName`))
  if (volume.ephemeral) errors.push(...validateEphemeral(volume.ephemeral, `${at}.ephemeral`))
  return [...errors, ...validateNetworkSources(volume, at)]
}

/** Volumes of a pod, and those that mounts may use. */
export const validateVolumes = (
  volumes: readonly Draft<Volume>[] | undefined,
  path: string,
): { errors: FieldError[]; byName: Volumes } => {
  const errors: FieldError[] = []
  const byName = new Map<string, Draft<Volume>>()
  for (const [i, volume] of (volumes ?? []).entries()) {
    const at = `${path}[${i}]`
    const name = volume.name ?? ''
    const sources = Object.keys(volume).filter(key => key !== 'name' && volume[key as keyof typeof volume])
    for (const extra of sources.slice(1))
      errors.push(forbidden(`${at}.${extra}`, 'may not specify more than 1 volume type'))
    if (sources.length === 0) errors.push(required(at, 'must specify a volume type'))
    errors.push(...validateVolumeSource(volume, at))
    if (name === '') errors.push(required(`${at}.name`))
    else {
      const wrong = invalidEach(`${at}.name`, name, dns1123LabelErrors(name))
      errors.push(...wrong)
      if (byName.has(name)) errors.push(duplicate(`${at}.name`, name))
      byName.set(name, volume)
    }
  }
  return { errors, byName }
}
