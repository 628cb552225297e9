import { invalid, invalidEach } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { qualifiedNameErrors } from './name-syntax.ts'
import { nanoOf, validateQuantity } from './resource-validation.ts'

/** What is counted by the object; these amounts are whole numbers. */
const counted = new Set([
  'pods', 'resourcequotas', 'services', 'replicationcontrollers', 'secrets', 'configmaps', 'persistentvolumeclaims',
  'services.nodeports', 'services.loadbalancers',
]) // prettier-ignore
const measured = new Set([
  'cpu', 'memory', 'ephemeral-storage', 'requests.cpu', 'requests.memory', 'requests.storage',
  'requests.ephemeral-storage', 'limits.cpu', 'limits.memory', 'limits.ephemeral-storage',
]) // prettier-ignore

export const isHugePages = (name: string): boolean => name.startsWith('hugepages-')

/** Without a domain: what a quota may bound. */
export const isStandardQuotaResource = (name: string): boolean =>
  counted.has(name) || measured.has(name) || isHugePages(name) || name.startsWith('requests.hugepages-')

/** A resource of any kind: one Kubernetes knows, or one with a domain in front. */
export const validateResourceName = (name: string, path: string): FieldError[] => {
  const errors = invalidEach(path, name, qualifiedNameErrors(name))
  if (errors.length > 0 || name.includes('/') || name === 'storage' || isStandardQuotaResource(name)) return errors
  return [invalid(path, name, 'must be a standard resource type or fully qualified')]
}

/** A device that nodes offer: not in one of Kubernetes' own domains, and no bound of a quota. */
export const isExtendedResource = (name: string): boolean =>
  name.includes('/') && !/(^|\.)kubernetes\.io\//.test(name) && !name.startsWith('requests.')

export const validateQuotaResource = (name: string, amount: string, path: string): FieldError[] => {
  const errors = validateResourceName(name, path)
  if (!name.includes('/') && !isStandardQuotaResource(name))
    errors.push(invalid(path, name, 'must be a standard resource for quota'))
  errors.push(...validateQuantity(amount, path))
  const nano = nanoOf(amount)
  if ((counted.has(name) || isExtendedResource(name)) && nano !== undefined && (nano / 1_000_000n) % 1000n !== 0n)
    errors.push(invalid(path, amount, 'must be an integer'))
  return errors
}
