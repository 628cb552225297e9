import type { Container, Pod, PodSpec, ResourceRequirements } from 'kubernetes-types/core/v1.js'
import { objectKey } from '../../../kube/object.ts'
import { quantityToBytes, quantityToMilli } from '../../../kube/quantity.ts'
import { affinityTermsOf, type AffinityTerms } from './affinity-terms.ts'

/** Amounts by resource name: `cpu` in thousandths of a core, everything else in its own unit (bytes, counts). */
export type Resources = Record<string, number>

export interface HostPort {
  /** `0.0.0.0` when the container names none. */
  ip: string
  protocol: string
  port: number
}

/** A pod as the scheduler sees it: what it asks for, worked out once. */
export interface PodInfo {
  readonly key: string
  readonly pod: Pod
  readonly requests: Resources
  /** cpu and memory with stand-ins for containers that name none: what scoring counts, so that such pods spread too. */
  readonly scored: { cpu: number; memory: number }
  readonly hostPorts: readonly HostPort[]
  readonly priority: number
  /** uid of the controlling owner, '' without one. */
  readonly controllerUid: string
  readonly affinity: AffinityTerms
}

/** Upstream's stand-ins for a container that requests nothing: a tenth of a core and 200 MB. */
const STAND_IN = { cpu: 100, memory: 200 * 1024 * 1024 }

/** A quantity in the unit that Resources has for that name. */
export const amountOf = (resource: string, quantity: string): number =>
  resource === 'cpu' ? quantityToMilli(quantity) : quantityToBytes(quantity)

export const resourcesOf = (quantities: Record<string, string> | undefined): Resources =>
  Object.fromEntries(Object.entries(quantities ?? {}).map(([name, quantity]) => [name, amountOf(name, quantity)]))

const addTo = (sum: Resources, more: Resources): void => {
  for (const [name, amount] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + amount
}

const raiseTo = (most: Resources, other: Resources): void => {
  for (const [name, amount] of Object.entries(other)) most[name] = Math.max(most[name] ?? 0, amount)
}

const requestsOf = (container: Container, standIn: boolean): Resources => {
  const requests = resourcesOf(container.resources?.requests)
  if (!standIn) return requests
  return { ...requests, cpu: requests['cpu'] ?? STAND_IN.cpu, memory: requests['memory'] ?? STAND_IN.memory }
}

/**
 * What a pod takes of a node: its containers and sidecars together, or the greediest moment of its start when an init
 * container asks for more, plus its overhead. (KEP-753 for sidecars; pod-level requests, KEP-2837, win where set.)
 */
export const podRequests = (spec: PodSpec | undefined, standIn = false): Resources => {
  const sum: Resources = {}
  for (const container of spec?.containers ?? []) addTo(sum, requestsOf(container, standIn))
  const sidecars: Resources = {}
  const starting: Resources = {}
  for (const container of spec?.initContainers ?? []) {
    const requests = requestsOf(container, standIn)
    if (container.restartPolicy === 'Always') {
      addTo(sum, requests)
      addTo(sidecars, requests)
      raiseTo(starting, sidecars)
    } else {
      const moment = { ...sidecars }
      addTo(moment, requests)
      raiseTo(starting, moment)
    }
  }
  raiseTo(sum, starting)
  const wholePod = (spec as { resources?: ResourceRequirements } | undefined)?.resources
  Object.assign(sum, resourcesOf(wholePod?.requests))
  addTo(sum, resourcesOf(spec?.overhead))
  return sum
}

const hostPortsOf = (spec: PodSpec | undefined): HostPort[] =>
  [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter(c => c.restartPolicy === 'Always')].flatMap(
    container =>
      (container.ports ?? []).flatMap(({ hostIP, hostPort, protocol, containerPort }) => {
        const port = hostPort ?? (spec?.hostNetwork === true ? containerPort : 0)
        return port > 0 ? [{ ip: hostIP || '0.0.0.0', protocol: protocol ?? 'TCP', port }] : []
      }),
  )

/** Throws SkiffError or ApiError when a quantity or a selector of the pod cannot be read. */
export const podInfoOf = (pod: Pod): PodInfo => {
  const scored = podRequests(pod.spec, true)
  return {
    key: objectKey(pod),
    pod,
    requests: podRequests(pod.spec),
    scored: { cpu: scored['cpu'] ?? 0, memory: scored['memory'] ?? 0 },
    hostPorts: hostPortsOf(pod.spec),
    priority: pod.spec?.priority ?? 0,
    controllerUid: pod.metadata?.ownerReferences?.find(owner => owner.controller === true)?.uid ?? '',
    affinity: affinityTermsOf(pod),
  }
}
