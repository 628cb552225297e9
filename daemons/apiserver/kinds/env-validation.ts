import type { EnvFromSource, EnvVar, EnvVarSource } from 'kubernetes-types/core/v1.js'
import { canonicalQuantity } from './canonical-quantity.ts'
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
const hugePages = /^(limits|requests)\.hugepages-/
const byteUnits = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']
const subscript = /^(metadata\.(?:labels|annotations))\['(.+)'\]$/

export const validateFieldRef = (
  ref: Draft<EnvVarSource>['fieldRef'],
  path: string,
  where: 'env' | 'volume',
): FieldError[] => {
  const { fieldPath, apiVersion = 'v1' } = ref ?? {}
  if (!fieldPath) return [required(`${path}.fieldPath`)]
  if (apiVersion !== 'v1')
    return [
      invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: unsupported pod version: ${apiVersion}`),
    ]
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
  const { resource = '', divisor = '0' } = ref ?? {}
  const errors: FieldError[] = []
  if (containerNeeded && !ref?.containerName) errors.push(required(`${path}.containerName`))
  else if (resource === '') errors.push(required(`${path}.resource`))
  else if (!resources.includes(resource) && !hugePages.test(resource))
    errors.push(notSupported(`${path}.resource`, resource, resources))
  return [...errors, ...validateDivisor(resource, canonicalQuantity(String(divisor)), `${path}.divisor`)]
}

/** Upstream shows the resource as the wrong value, not the divisor. */
const validateDivisor = (resource: string, divisor: string, path: string): FieldError[] => {
  if (divisor === '0') return []
  const refuse = (values: string, what: string): FieldError[] => [
    invalid(path, resource, `only divisor's values ${values} are supported with the ${what} resource`),
  ]
  if (resource.endsWith('.cpu')) return ['1m', '1'].includes(divisor) ? [] : refuse('1m and 1', 'cpu')
  if (byteUnits.includes(divisor)) return []
  const values = byteUnits.join(', ')
  if (resource.endsWith('.memory')) return refuse(values, 'memory')
  if (resource.endsWith('.ephemeral-storage')) return refuse(values, 'local ephemeral storage')
  return hugePages.test(resource) ? refuse(values, 'hugepages') : []
}

const validateKeyRef = (ref: { name?: string | undefined; key?: string | undefined }, path: string): FieldError[] => {
  const errors: FieldError[] = []
  errors.push(...invalidEach(`${path}.name`, ref.name ?? '', dns1123SubdomainErrors(ref.name ?? '')))
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

const validateSourceName = (name: string | undefined, path: string): FieldError[] =>
  name ? invalidEach(path, name, dns1123SubdomainErrors(name)) : [required(path)]

export const validateEnvFrom = (sources: readonly Draft<EnvFromSource>[] | undefined, path: string): FieldError[] => {
  const errors: FieldError[] = []
  for (const [i, { prefix, configMapRef, secretRef }] of (sources ?? []).entries()) {
    const at = `${path}[${i}]`
    if (prefix) errors.push(...invalidEach(`${at}.prefix`, prefix, envNameErrors(prefix)))
    if (configMapRef) errors.push(...validateSourceName(configMapRef.name, `${at}.configMapRef.name`))
    if (secretRef) errors.push(...validateSourceName(secretRef.name, `${at}.secretRef.name`))
    // Upstream names the list here, not its entry.
    if (!configMapRef && !secretRef)
      errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'))
    if (configMapRef && secretRef)
      errors.push(invalid(path, '', 'may not have more than one field specified at a time'))
  }
  return errors
}
