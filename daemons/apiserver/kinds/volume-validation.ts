import type { KeyToPath, Volume } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { validateFieldRef, validateResourceRef } from './env-validation.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { configKeyErrors, dns1123LabelErrors } from './name-syntax.ts'
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

/** A path that stays inside the volume. */
export const validateLocalPath = (text: string, path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (text.startsWith('/')) errors.push(invalid(path, text, 'must be a relative path'))
  if (text.split('/').includes('..')) errors.push(invalid(path, text, "must not contain '..'"))
  return errors
}

const validateFilePath = (text: string | undefined, path: string): FieldError[] => {
  if (!text) return [required(path)]
  const errors = validateLocalPath(text, path)
  // Names that begin so are how updates of such volumes are made atomic.
  if (text.startsWith('..') && errors.length === 0) errors.push(invalid(path, text, "must not start with '..'"))
  return errors
}

const validateItems = (items: readonly Draft<KeyToPath>[] | undefined, path: string): FieldError[] =>
  (items ?? []).flatMap(({ key, path: file, mode }, i) => [
    ...(key ? invalidEach(`${path}[${i}].key`, key, configKeyErrors(key)) : [required(`${path}[${i}].key`)]),
    ...validateFilePath(file, `${path}[${i}].path`),
    ...validateMode(mode, `${path}[${i}].mode`),
  ])

const validateDownward = (items: NonNullable<Draft<Volume>['downwardAPI']>['items'], path: string): FieldError[] =>
  (items ?? []).flatMap((item, i) => {
    const at = `${path}[${i}]`
    const errors = [...validateFilePath(item.path, `${at}.path`), ...validateMode(item.mode, `${at}.mode`)]
    if (item.fieldRef && item.resourceFieldRef)
      errors.push(invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
    else if (item.fieldRef) errors.push(...validateFieldRef(item.fieldRef, `${at}.fieldRef`, 'volume'))
    else if (item.resourceFieldRef)
      errors.push(...validateResourceRef(item.resourceFieldRef, `${at}.resourceFieldRef`, true))
    else errors.push(required(at, 'one of fieldRef and resourceFieldRef is required'))
    return errors
  })

const validateProjected = (projected: NonNullable<Draft<Volume>['projected']>, path: string): FieldError[] => {
  const errors = validateMode(projected.defaultMode, `${path}.defaultMode`)
  for (const [i, source] of (projected.sources ?? []).entries()) {
    const at = `${path}.sources[${i}]`
    const named = Object.keys(source).filter(key => source[key as keyof typeof source])
    if (named.length === 0) errors.push(required(at, 'must specify a projected volume source'))
    for (const extra of named.slice(1))
      errors.push(forbidden(`${at}.${extra}`, 'may not specify more than 1 volume type per source'))
    const { secret, configMap, downwardAPI, serviceAccountToken: token } = source
    if (secret) {
      if (!secret.name) errors.push(required(`${at}.secret.name`))
      errors.push(...validateItems(secret.items, `${at}.secret.items`))
    }
    if (configMap) {
      if (!configMap.name) errors.push(required(`${at}.configMap.name`))
      errors.push(...validateItems(configMap.items, `${at}.configMap.items`))
    }
    if (downwardAPI) errors.push(...validateDownward(downwardAPI.items, `${at}.downwardAPI`))
    if (token) {
      errors.push(...validateFilePath(token.path, `${at}.serviceAccountToken.path`))
      if ((token.expirationSeconds ?? 3600) < 600)
        errors.push(
          invalid(
            `${at}.serviceAccountToken.expirationSeconds`,
            token.expirationSeconds,
            'may not specify a duration less than 10 minutes',
          ),
        )
    }
  }
  return errors
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
    else if (!nfs.path.startsWith('/')) errors.push(invalid(`${at}.nfs.path`, nfs.path, 'must be an absolute path'))
  }
  if (claim && !claim.claimName) errors.push(required(`${at}.persistentVolumeClaim.claimName`))
  return errors
}

/** Volumes of a pod, and the names that mounts may use. */
export const validateVolumes = (
  volumes: readonly Draft<Volume>[] | undefined,
  path: string,
): { errors: FieldError[]; names: Set<string> } => {
  const errors: FieldError[] = []
  const names = new Set<string>()
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
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name))
      names.add(name)
    }
  }
  return { errors, names }
}
