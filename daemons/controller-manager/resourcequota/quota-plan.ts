import type {
  PersistentVolumeClaim,
  Pod,
  ResourceQuota,
  ResourceQuotaStatus,
  Service,
} from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import type { KubeObject } from '../../../kube/object.ts'
import { formatQuantity, parseQuantity, type Quantity } from '../../../kube/quantity.ts'
import { isPodTerminal } from '../pod-state.ts'
import { add, podUsage, type Amounts } from './pod-usage.ts'
import { inScope, scopeRules } from './quota-scopes.ts'

/** The objects of a resource in the quota's namespace; undefined: nothing is known of such a resource. */
export type ObjectsOf = (group: string, plural: string) => readonly KubeObject[] | undefined

const zero: Quantity = { nano: 0n, format: 'DecimalSI' }
const count = (items: readonly unknown[] | number): Quantity => ({
  nano: BigInt(typeof items === 'number' ? items : items.length) * 1_000_000_000n,
  format: 'DecimalSI',
})

/** Core resources that can be bounded by their plain name. */
const plain = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas'])

const nodePorts = (service: Service): number => {
  const ports = service.spec?.ports ?? []
  switch (service.spec?.type) {
    case 'NodePort':
      return ports.length
    case 'LoadBalancer':
      return service.spec.allocateLoadBalancerNodePorts === false
        ? ports.filter(port => (port.nodePort ?? 0) !== 0).length
        : ports.length
    default:
      return 0
  }
}

const serviceUsage = (name: string, services: readonly Service[]): Quantity | undefined => {
  switch (name) {
    case 'services':
      return count(services)
    case 'services.nodeports':
      return count(services.reduce((sum, service) => sum + nodePorts(service), 0))
    case 'services.loadbalancers':
      return count(services.filter(service => service.spec?.type === 'LoadBalancer'))
    default:
      return undefined
  }
}

const classSuffix = '.storageclass.storage.k8s.io/'
const classOf = (claim: PersistentVolumeClaim): string =>
  claim.metadata?.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? claim.spec?.storageClassName ?? ''

/** While a claim grows it is charged with whichever is more: what it asks for or what it was given. */
const storageOf = (claim: PersistentVolumeClaim): Quantity => {
  const asked = parseQuantity(claim.spec?.resources?.requests?.['storage'] ?? '0')
  const given = parseQuantity(claim.status?.allocatedResources?.['storage'] ?? '0')
  return given.nano > asked.nano ? given : asked
}

const claimUsage = (name: string, claims: readonly PersistentVolumeClaim[]): Quantity | undefined => {
  const at = name.indexOf(classSuffix)
  const what = at < 0 ? name : name.slice(at + classSuffix.length)
  const chosen = at < 0 ? claims : claims.filter(claim => classOf(claim) === name.slice(0, at))
  if (what === 'persistentvolumeclaims') return count(chosen)
  if (what !== 'requests.storage') return undefined
  const sum: Amounts = new Map([['storage', zero]])
  for (const claim of chosen) add(sum, 'storage', storageOf(claim))
  return sum.get('storage')
}

const isPodAmount = (name: string): boolean =>
  /^(cpu|memory|ephemeral-storage)$/.test(name) || /^(requests|limits)\./.test(name) || name.startsWith('hugepages-')

const podAmount = (name: string, pods: readonly Pod[]): Quantity => {
  const sum: Amounts = new Map([[name, zero]])
  for (const pod of pods) {
    const amount = podUsage(pod).get(name)
    if (amount !== undefined) add(sum, name, amount)
  }
  return sum.get(name) ?? zero
}

/** How much of one resource is used; undefined: that is not known. */
const usageOf = (quota: ResourceQuota, name: string, objectsOf: ObjectsOf): Quantity | undefined => {
  const rules = scopeRules(quota.spec)
  // The objects were listed under the resource that is named here, so they are of its type.
  const pods = ((objectsOf('', 'pods') ?? []) as readonly Pod[]).filter(pod => inScope(rules, pod))
  const unscoped = <T>(items: readonly T[]): readonly T[] => (rules.length === 0 ? items : [])
  const counted = /^count\/([^.]+)(?:\.(.+))?$/.exec(name)
  if (counted !== null) {
    const [, plural = '', group = ''] = counted
    if (group === '' && plural === 'pods') return count(pods)
    const objects = objectsOf(group, plural)
    return objects === undefined ? undefined : count(unscoped(objects))
  }
  if (name === 'pods') return count(pods.filter(pod => !isPodTerminal(pod)))
  if (plain.has(name)) return count(unscoped(objectsOf('', name) ?? []))
  const services = unscoped((objectsOf('', 'services') ?? []) as readonly Service[])
  const claims = unscoped((objectsOf('', 'persistentvolumeclaims') ?? []) as readonly PersistentVolumeClaim[])
  const known = serviceUsage(name, services) ?? claimUsage(name, claims)
  if (known !== undefined) return known
  return isPodAmount(name)
    ? podAmount(name, pods.filter(pod => !isPodTerminal(pod))) // prettier-ignore
    : undefined
}

/** The status that what is there gives; undefined when it is the one that stands. */
export const planQuotaStatus = (quota: ResourceQuota, objectsOf: ObjectsOf): ResourceQuotaStatus | undefined => {
  const hard = quota.spec?.hard ?? {}
  const used: Record<string, string> = {}
  for (const name of Object.keys(hard)) {
    const amount = usageOf(quota, name, objectsOf)
    // What cannot be counted now stays as it was counted last.
    const said = amount === undefined ? quota.status?.used?.[name] : formatQuantity(amount)
    if (said !== undefined) used[name] = said
  }
  const status: ResourceQuotaStatus = { hard: { ...hard }, used }
  const { hard: stoodHard = {}, used: stoodUsed = {} } = quota.status ?? {}
  return isDeepStrictEqual({ hard: stoodHard, used: stoodUsed }, status) ? undefined : status
}
