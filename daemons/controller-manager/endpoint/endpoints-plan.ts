import type { EndpointAddress, Endpoints, EndpointSubset, Pod, Service } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { endpoints } from '../../../kube/resources.ts'
import { isPodReady } from '../pod-state.ts'
import { createWrite, deleteWrite, updateWrite, type Write } from '../write.ts'
import { hasEndpointsOfPods, hostnameIn, isHeadless, mayBeEndpoint, podAddress, targetPorts } from './pod-endpoints.ts'

const managedByLabel = 'endpoints.kubernetes.io/managed-by'
const headlessLabel = 'service.kubernetes.io/headless'
const overCapacity = 'endpoints.kubernetes.io/over-capacity'
/** Upstream's: an Endpoints object holds no more addresses; slices hold the rest. */
const mostAddresses = 1000

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const addressOf = (pod: Pod, service: Service, ip: string): EndpointAddress => {
  const hostname = hostnameIn(pod, service)
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: {
      kind: 'Pod',
      name: pod.metadata?.name ?? '',
      namespace: pod.metadata?.namespace ?? '',
      uid: pod.metadata?.uid ?? '',
    },
  }
}

interface Group {
  ports: ReturnType<typeof targetPorts>
  ready: EndpointAddress[]
  notReady: EndpointAddress[]
}

/** Addresses with the same ports stand in one subset, sorted, so that the same pods give the same object. */
export const subsetsOf = (
  service: Service,
  pods: readonly Pod[],
): { subsets: EndpointSubset[]; truncated: boolean } => {
  const family = service.spec?.ipFamilies?.[0] === 'IPv6' ? 'IPv6' : 'IPv4'
  const early = service.spec?.publishNotReadyAddresses === true
  const groups = new Map<string, Group>()
  for (const pod of pods) {
    const ip = podAddress(pod, family)
    if (ip === undefined || !mayBeEndpoint(pod, early)) continue
    const ports = targetPorts(service, pod)
    if (ports.length === 0 && !isHeadless(service)) continue
    const key = JSON.stringify(ports)
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] }
    groups.set(key, group)
    ;(early || isPodReady(pod) ? group.ready : group.notReady).push(addressOf(pod, service, ip))
  }
  const byIp = (a: EndpointAddress, b: EndpointAddress) =>
    compareText(a.ip, b.ip) || compareText(a.targetRef?.uid ?? '', b.targetRef?.uid ?? '')
  const sorted = [...groups.entries()].sort(([a], [b]) => compareText(a, b)).map(([, group]) => group)
  const readyCount = sorted.reduce((sum, group) => sum + group.ready.length, 0)
  const total = sorted.reduce((sum, group) => sum + group.notReady.length, readyCount)
  let readyLeft = mostAddresses
  let notReadyLeft = Math.max(0, mostAddresses - readyCount)
  const subsets = sorted.flatMap(group => {
    const ready = group.ready.sort(byIp).slice(0, readyLeft)
    const notReady = group.notReady.sort(byIp).slice(0, notReadyLeft)
    readyLeft -= ready.length
    notReadyLeft -= notReady.length
    if (ready.length + notReady.length === 0) return []
    const ports = group.ports.map(({ name, ...port }) => (name === '' ? port : { name, ...port }))
    return {
      ...(ready.length === 0 ? {} : { addresses: ready }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
      ...(ports.length === 0 ? {} : { ports }),
    }
  })
  return { subsets, truncated: total > mostAddresses }
}

/** What brings the Endpoints object of a Service up to date. `service` is undefined when it is gone. */
export const planEndpoints = (
  service: Service | undefined,
  pods: readonly Pod[],
  known: Endpoints | undefined,
): Write[] => {
  if (service === undefined) return known === undefined ? [] : [deleteWrite(endpoints, known)]
  if (!hasEndpointsOfPods(service)) return []
  const { subsets, truncated } = subsetsOf(service, pods)
  const { [headlessLabel]: _, ...serviceLabels } = service.metadata?.labels ?? {}
  const labels = {
    ...serviceLabels,
    [managedByLabel]: 'endpoint-controller',
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
  }
  const { [overCapacity]: __, ...kept } = known?.metadata?.annotations ?? {}
  const annotations = truncated ? { ...kept, [overCapacity]: 'truncated' } : kept
  const next: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      ...(known === undefined
        ? { name: service.metadata?.name ?? '', namespace: service.metadata?.namespace ?? '' }
        : known.metadata),
      labels,
      ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    },
    ...(subsets.length === 0 ? {} : { subsets }),
  }
  if (Object.keys(annotations).length === 0) delete next.metadata?.annotations
  if (known === undefined) return [createWrite(endpoints, next)]
  const same =
    isDeepStrictEqual(known.subsets ?? [], subsets) &&
    isDeepStrictEqual(known.metadata?.labels ?? {}, labels) &&
    isDeepStrictEqual(known.metadata?.annotations ?? {}, annotations)
  return same ? [] : [updateWrite(endpoints, next)]
}
