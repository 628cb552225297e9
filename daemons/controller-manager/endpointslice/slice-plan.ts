import type { Node, Pod, Service } from 'kubernetes-types/core/v1.js'
import type { Endpoint, EndpointPort, EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { endpointSlices, services } from '../../../kube/resources.ts'
import { hostnameIn, isHeadless, mayBeEndpoint, podAddress, targetPorts } from '../endpoint/pod-endpoints.ts'
import { controllerReference, isDeleting } from '../owner.ts'
import { isPodReady } from '../pod-state.ts'
import { createWrite, deleteWrite, updateWrite, type Write } from '../write.ts'
import { packSlices } from './slice-packing.ts'

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const sliceController = 'endpointslice-controller.k8s.io'
const headlessLabel = 'service.kubernetes.io/headless'
const zoneLabel = 'topology.kubernetes.io/zone'

export interface SliceInput {
  service: Service
  pods: readonly Pod[]
  /** By name, for zones. */
  nodes: ReadonlyMap<string, Node>
  /** This controller's slices of the Service. */
  known: readonly EndpointSlice[]
  maxEndpoints: number
}

type AddressType = 'IPv4' | 'IPv6'

/** What slices are told apart by before their endpoints are packed: family and ports. */
interface Group {
  ports: EndpointPort[]
  endpoints: Endpoint[]
}

const endpointOf = (pod: Pod, address: string, { service, nodes }: SliceInput): Endpoint => {
  const serving = isPodReady(pod)
  const terminating = isDeleting(pod)
  const early = service.spec?.publishNotReadyAddresses === true
  const nodeName = pod.spec?.nodeName
  const zone = nodeName === undefined ? undefined : nodes.get(nodeName)?.metadata?.labels?.[zoneLabel]
  const hostname = hostnameIn(pod, service)
  return {
    addresses: [address],
    conditions: { ready: early || (serving && !terminating), serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: {
      kind: 'Pod',
      name: pod.metadata?.name ?? '',
      namespace: pod.metadata?.namespace ?? '',
      uid: pod.metadata?.uid ?? '',
    },
    ...(zone === undefined ? {} : { zone }),
  }
}

const groupsOf = (input: SliceInput, family: AddressType): Group[] => {
  const groups = new Map<string, Group>()
  for (const pod of input.pods) {
    const address = podAddress(pod, family)
    if (address === undefined || !mayBeEndpoint(pod, true)) continue
    const ports = targetPorts(input.service, pod)
    const key = JSON.stringify(ports)
    const group = groups.get(key) ?? { ports, endpoints: [] }
    group.endpoints.push(endpointOf(pod, address, input))
    groups.set(key, group)
  }
  return [...groups.values()]
}

export const sliceLabels = (service: Service, controller: string): Record<string, string> => {
  const { [headlessLabel]: _, ...labels } = service.metadata?.labels ?? {}
  return {
    ...labels,
    [serviceNameLabel]: service.metadata?.name ?? '',
    [managedByLabel]: controller,
    ...(isHeadless(service) ? { [headlessLabel]: '' } : {}),
  }
}

/** Families that the Service has addresses in; a Service that says nothing is IPv4. */
const familiesOf = (service: Service): AddressType[] => {
  const families = (service.spec?.ipFamilies ?? []).filter(family => family === 'IPv4' || family === 'IPv6')
  return families.length === 0 ? ['IPv4'] : families
}

const freshSlice = (service: Service, addressType: string, ports: EndpointPort[]): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  addressType,
  metadata: {
    generateName: `${service.metadata?.name}-`,
    namespace: service.metadata?.namespace ?? '',
    labels: sliceLabels(service, sliceController),
    ownerReferences: [controllerReference(service, services)],
  },
  endpoints: [],
  ports,
})

/** The fewest writes that make the slices say what the pods are: unchanged slices are left alone. */
export const planSlices = (input: SliceInput): Write[] => {
  const { service, maxEndpoints } = input
  const known = input.known.filter(slice => !isDeleting(slice))
  const families = familiesOf(service)
  const writes = known
    .filter(slice => !families.includes(slice.addressType as AddressType))
    .map(slice => deleteWrite(endpointSlices, slice))
  for (const family of families) {
    const groups = groupsOf(input, family)
    const ours = known.filter(slice => slice.addressType === family)
    // Without endpoints one empty slice stands for the Service, so that watchers see it is known.
    if (groups.length === 0) groups.push({ ports: [], endpoints: [] })
    const stale = ours.filter(slice => !groups.some(group => isDeepStrictEqual(slice.ports ?? [], group.ports)))
    for (const group of groups) {
      const same = ours.filter(slice => isDeepStrictEqual(slice.ports ?? [], group.ports))
      const packed = packSlices(same, group.endpoints, maxEndpoints)
      const labels = sliceLabels(service, sliceController)
      for (const { slice, endpoints } of packed.kept) {
        const relabel = !isDeepStrictEqual(slice.metadata?.labels, labels)
        if (endpoints === undefined && !relabel) continue
        const metadata = { ...slice.metadata, labels }
        writes.push(updateWrite(endpointSlices, { ...slice, metadata, endpoints: endpoints ?? slice.endpoints ?? [] }))
      }
      for (const endpoints of packed.created) {
        const reused = stale.pop()
        const fresh = freshSlice(service, family, group.ports)
        // A slice whose ports are out of use is taken over: one write instead of two, and no gap in between.
        if (reused === undefined) writes.push(createWrite(endpointSlices, { ...fresh, endpoints }))
        else
          writes.push(
            updateWrite(endpointSlices, {
              ...reused,
              metadata: { ...reused.metadata, labels },
              ports: group.ports,
              endpoints,
            }),
          )
      }
      writes.push(...packed.removed.map(slice => deleteWrite(endpointSlices, slice)))
    }
    writes.push(...stale.map(slice => deleteWrite(endpointSlices, slice)))
  }
  return writes
}
