import type { Endpoints, EndpointSubset, Service } from 'kubernetes-types/core/v1.js'
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { isIPv6 } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { endpoints as endpointsResource, endpointSlices } from '../../../kube/resources.ts'
import { controllerReference, isDeleting } from '../owner.ts'
import { createWrite, deleteWrite, updateWrite, type Write } from '../write.ts'
import { managedByLabel, serviceNameLabel } from './slice-plan.ts'
import { packSlices } from './slice-packing.ts'

export const mirroringController = 'endpointslicemirroring-controller.k8s.io'
/** Upstream's: of one subset no more than this many addresses are mirrored. */
const mostPerSubset = 1000

/** Endpoints that people write by hand, for a Service without a selector. */
export const isMirrored = (service: Service | undefined, endpoints: Endpoints | undefined): boolean =>
  service !== undefined &&
  service.spec?.selector === undefined &&
  service.spec?.type !== 'ExternalName' &&
  endpoints !== undefined &&
  endpoints.metadata?.labels?.['endpointslice.kubernetes.io/skip-mirror'] !== 'true' &&
  endpoints.metadata?.annotations?.['control-plane.alpha.kubernetes.io/leader'] === undefined

const endpointsOf = (subset: EndpointSubset, family: string): Endpoint[] =>
  [
    ...(subset.addresses ?? []).map(address => ({ address, ready: true })),
    ...(subset.notReadyAddresses ?? []).map(address => ({ address, ready: false })),
  ]
    .slice(0, mostPerSubset)
    .filter(({ address }) => isIPv6(address.ip) === (family === 'IPv6'))
    .map(({ address: { ip, hostname, nodeName, targetRef }, ready }) => ({
      addresses: [ip],
      conditions: { ready },
      ...(hostname === undefined ? {} : { hostname }),
      ...(nodeName === undefined ? {} : { nodeName }),
      ...(targetRef === undefined ? {} : { targetRef }),
    }))

const labelsOf = (endpoints: Endpoints): Record<string, string> => ({
  ...endpoints.metadata?.labels,
  [serviceNameLabel]: endpoints.metadata?.name ?? '',
  [managedByLabel]: mirroringController,
})

/** Makes the mirror slices say what the Endpoints object says; without one (undefined) they go. */
export const planMirror = (
  endpoints: Endpoints | undefined,
  known: readonly EndpointSlice[],
  maxEndpoints: number,
): Write[] => {
  const alive = known.filter(slice => !isDeleting(slice))
  if (endpoints === undefined) return alive.map(slice => deleteWrite(endpointSlices, slice))
  const labels = labelsOf(endpoints)
  const writes: Write[] = []
  const used = new Set<EndpointSlice>()
  for (const subset of endpoints.subsets ?? [])
    for (const addressType of ['IPv4', 'IPv6']) {
      const desired = endpointsOf(subset, addressType)
      if (desired.length === 0) continue
      const ports = (subset.ports ?? []).map(port => ({
        ...port,
        name: port.name ?? '',
        protocol: port.protocol ?? 'TCP',
      }))
      const same = alive.filter(
        slice => !used.has(slice) && slice.addressType === addressType && isDeepStrictEqual(slice.ports ?? [], ports),
      )
      for (const slice of same) used.add(slice)
      const packed = packSlices(same, desired, maxEndpoints)
      for (const { slice, endpoints: next } of packed.kept)
        if (next !== undefined || !isDeepStrictEqual(slice.metadata?.labels, labels))
          writes.push(
            updateWrite(endpointSlices, {
              ...slice,
              metadata: { ...slice.metadata, labels },
              endpoints: next ?? slice.endpoints,
            }),
          )
      for (const next of packed.created)
        writes.push(
          createWrite(endpointSlices, {
            apiVersion: 'discovery.k8s.io/v1',
            kind: 'EndpointSlice',
            metadata: {
              generateName: `${endpoints.metadata?.name}-`,
              namespace: endpoints.metadata?.namespace ?? '',
              labels,
              ownerReferences: [controllerReference(endpoints, endpointsResource)],
            },
            addressType,
            endpoints: next,
            ports,
          }),
        )
      writes.push(...packed.removed.map(slice => deleteWrite(endpointSlices, slice)))
    }
  return [...writes, ...alive.filter(slice => !used.has(slice)).map(slice => deleteWrite(endpointSlices, slice))]
}
