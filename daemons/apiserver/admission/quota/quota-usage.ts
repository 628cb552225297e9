import type { PersistentVolumeClaim, Pod, Service } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import type { Quantity } from '../../../../kube/quantity.ts'
import { draftOf } from '../../kinds/draft.ts'
import type { Kind } from '../../kinds/kind.ts'
import { qualifiedResource } from '../../registry/api-errors.ts'
import { type Amounts, parseAmounts, podAmounts } from '../pod-amounts.ts'

export const amountOf = (count: number): Quantity => ({ nano: BigInt(count) * 1_000_000_000n, format: 'DecimalSI' })

/** Resources of the core group that quotas also count by their bare name. */
const bareNames = new Set([
  'pods', 'services', 'persistentvolumeclaims', 'configmaps', 'secrets', 'resourcequotas', 'replicationcontrollers',
]) // prettier-ignore

/** Of a pod: what quotas know by these names without a prefix. */
const plainNames = new Set(['cpu', 'memory', 'ephemeral-storage'])

const isExtended = (name: string): boolean =>
  name.includes('/') && !name.startsWith('kubernetes.io/') && !name.includes('.kubernetes.io/')

const usageOfPod = (object: UnknownObject): Amounts => {
  const { spec, status } = draftOf<Pod>(object)
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return {}
  const usage: Record<string, Quantity> = { pods: amountOf(1) }
  for (const [name, quantity] of Object.entries(podAmounts(spec, 'requests'))) {
    const page = name.startsWith('hugepages-')
    if (plainNames.has(name) || page) usage[name] = quantity
    if (plainNames.has(name) || page || isExtended(name)) usage[`requests.${name}`] = quantity
  }
  for (const [name, quantity] of Object.entries(podAmounts(spec, 'limits')))
    if (plainNames.has(name)) usage[`limits.${name}`] = quantity
  return usage
}

const usageOfService = (object: UnknownObject): Amounts => {
  const spec = draftOf<Service>(object).spec
  const ports = spec?.ports ?? []
  const usage: Record<string, Quantity> = {
    services: amountOf(1),
    'services.nodeports': amountOf(0),
    'services.loadbalancers': amountOf(0),
  }
  if (spec?.type === 'NodePort') usage['services.nodeports'] = amountOf(ports.length)
  if (spec?.type === 'LoadBalancer') {
    const some = spec.allocateLoadBalancerNodePorts === false ? ports.filter(({ nodePort }) => nodePort) : ports
    usage['services.nodeports'] = amountOf(some.length)
    usage['services.loadbalancers'] = amountOf(1)
  }
  return usage
}

const usageOfClaim = (object: UnknownObject): Amounts => {
  const { metadata, spec } = draftOf<PersistentVolumeClaim>(object)
  const row = metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec?.storageClassName ?? ''
  const storage = parseAmounts(spec?.resources?.requests)['storage']
  const named = row === '' ? '' : `${row}.storageclass.storage.k8s.io/`
  return {
    persistentvolumeclaims: amountOf(1),
    ...(row === '' ? {} : { [`${named}persistentvolumeclaims`]: amountOf(1) }),
    ...(storage === undefined ? {} : { 'requests.storage': storage }),
    ...(storage === undefined || row === '' ? {} : { [`${named}requests.storage`]: storage }),
  }
}

/** What an object counts for, by the names that quotas have; every object counts as `count/RESOURCE`. */
export const usageOf = (kind: Pick<Kind, 'group' | 'plural'>, object: UnknownObject): Amounts => {
  const counted = { [`count/${qualifiedResource(kind)}`]: amountOf(1) }
  if (kind.group !== '') return counted
  switch (kind.plural) {
    case 'pods':
      return { ...counted, ...usageOfPod(object) }
    case 'services':
      return { ...counted, ...usageOfService(object) }
    case 'persistentvolumeclaims':
      return { ...counted, ...usageOfClaim(object) }
    default:
      return bareNames.has(kind.plural) ? { ...counted, [kind.plural]: amountOf(1) } : counted
  }
}

const computeNames = new Set([
  'cpu', 'memory', 'ephemeral-storage', 'requests.cpu', 'requests.memory', 'requests.ephemeral-storage', 'limits.cpu',
  'limits.memory', 'limits.ephemeral-storage',
]) // prettier-ignore

/** Whether a quota on this name concerns objects of the kind at all. */
export const concerns = ({ group, plural }: Pick<Kind, 'group' | 'plural'>, name: string): boolean => {
  if (name === `count/${qualifiedResource({ group, plural })}`) return true
  if (group !== '') return false
  if (bareNames.has(plural) && name === plural) return true
  switch (plural) {
    case 'pods':
      return computeNames.has(name) || /^(requests\.)?hugepages-/.test(name) || /^requests\..*\//.test(name)
    case 'services':
      return name === 'services.nodeports' || name === 'services.loadbalancers'
    case 'persistentvolumeclaims':
      return name === 'requests.storage' || name.includes('.storageclass.storage.k8s.io/')
    default:
      return false
  }
}

/**
 * Which containers leave out what a quota counts: `limits.cpu for: a,b; requests.memory for: a`; '' when none does.
 * A pod without it would use what nobody has counted.
 */
export const missingAmounts = (object: UnknownObject, names: readonly string[]): string => {
  const spec = draftOf<Pod>(object).spec
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
  const lacking = (name: string): string[] => {
    const which = name.startsWith('limits.') ? 'limits' : 'requests'
    const resource = name.replace(/^(limits|requests)\./, '')
    return containers
      .filter(({ resources }) => (resources?.[which] as Record<string, string> | undefined)?.[resource] === undefined)
      .map(container => container.name ?? '')
  }
  return names
    .filter(name => computeNames.has(name))
    .sort()
    .map(name => ({ name, without: lacking(name).sort() }))
    .filter(({ without }) => without.length > 0)
    .map(({ name, without }) => `${name} for: ${without.join(',')}`)
    .join('; ')
}
