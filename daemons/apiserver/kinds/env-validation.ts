import type { EnvFromSource, EnvVar, EnvVarSource } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { configKeyErrors, dns1123SubdomainErrors, envNameErrors, qualifiedNameErrors } from './name-syntax.ts'

/** Fields of a pod that variables and files may show. */
const envFields = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
]
const volumeFields = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid']
const resources = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
]
const subscript = /^(metadata\.(?:labels|annotations))\['(.+)'\]$/

export const validateFieldRef = (
  ref: Draft<EnvVarSource>['fieldRef'],
  path: string,
  where: 'env' | 'volume',
): FieldError[] => {
  const fieldPath = ref?.fieldPath
  if (!fieldPath) return [required(`${path}.fieldPath`)]
  const [, map, key] = subscript.exec(fieldPath) ?? []
  if (map !== undefined && key !== undefined)
    return invalidEach(path, key, qualifiedNameErrors(map.endsWith('annotations') ? key.toLowerCase() : key))
  const supported = where === 'env' ? envFields : volumeFields
  if (supported.includes(fieldPath)) return []
  if ([...envFields, ...volumeFields].includes(fieldPath))
    return [notSupported(`${path}.fieldPath`, fieldPath, supported)]
  return [
    invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`),
  ]
}

export const validateResourceRef = (
  ref: Draft<EnvVarSource>['resourceFieldRef'],
  path: string,
  containerNeeded: boolean,
): FieldError[] => {
  if (containerNeeded && !ref?.containerName) return [required(`${path}.containerName`)]
  if (!ref?.resource) return [required(`${path}.resource`)]
  return resources.includes(ref.resource) || /^(limits|requests)\.hugepages-/.test(ref.resource)
    ? []
    : [notSupported(`${path}.resource`, ref.resource, resources)]
}

const validateKeyRef = (ref: { name?: string | undefined; key?: string | undefined }, path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (!ref.name) errors.push(required(`${path}.name`))
  else errors.push(...invalidEach(`${path}.name`, ref.name, dns1123SubdomainErrors(ref.name)))
  if (!ref.key) errors.push(required(`${path}.key`))
  else errors.push(...invalidEach(`${path}.key`, ref.key, configKeyErrors(ref.key)))
  return errors
}

const validateValueFrom = (variable: Draft<EnvVar>, path: string): FieldError[] => {
  const from = variable.valueFrom
  if (!from) return []
  const errors: FieldError[] = []
  let count = 0
  if (from.fieldRef && ++count) errors.push(...validateFieldRef(from.fieldRef, `${path}.fieldRef`, 'env'))
  if (from.resourceFieldRef && ++count)
    errors.push(...validateResourceRef(from.resourceFieldRef, `${path}.resourceFieldRef`, false))
  if (from.configMapKeyRef && ++count) errors.push(...validateKeyRef(from.configMapKeyRef, `${path}.configMapKeyRef`))
  if (from.secretKeyRef && ++count) errors.push(...validateKeyRef(from.secretKeyRef, `${path}.secretKeyRef`))
  if (count === 0)
    errors.push(
      invalid(path, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'),
    )
  else if (variable.value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'))
  else if (count > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'))
  return errors
}

export const validateEnv = (env: readonly Draft<EnvVar>[] | undefined, path: string): FieldError[] => {
  const errors: FieldError[] = []
  for (const [i, variable] of (env ?? []).entries()) {
    const at = `${path}[${i}]`
    if (!variable.name) errors.push(required(`${at}.name`))
    else errors.push(...invalidEach(`${at}.name`, variable.name, envNameErrors(variable.name)))
    errors.push(...validateValueFrom(variable, `${at}.valueFrom`))
  }
  return errors
}

export const validateEnvFrom = (sources: readonly Draft<EnvFromSource>[] | undefined, path: string): FieldError[] => {
  const errors: FieldError[] = []
  for (const [i, { prefix, configMapRef, secretRef }] of (sources ?? []).entries()) {
    const at = `${path}[${i}]`
    if (prefix) errors.push(...invalidEach(`${at}.prefix`, prefix, envNameErrors(prefix)))
    if (configMapRef && !configMapRef.name) errors.push(required(`${at}.configMapRef.name`))
    if (secretRef && !secretRef.name) errors.push(required(`${at}.secretRef.name`))
    if (!configMapRef && !secretRef) errors.push(invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'))
    if (configMapRef && secretRef) errors.push(invalid(at, '', 'may not have more than one field specified at a time'))
  }
  return errors
}
