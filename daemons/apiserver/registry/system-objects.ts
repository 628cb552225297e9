import { isIPv6 } from 'node:net'
import type { KubeClient } from '../../../kube/client/client.ts'
import type { KubeObject, UnknownObject } from '../../../kube/object.ts'
import { equalJson } from '../../../kube/patch/json-value.ts'
import type { Resource } from '../../../kube/resource.ts'
import * as resources from '../../../kube/resources.ts'
import type { ServiceCIDR } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { AddressRange } from '../allocation/service-range.ts'
import type { Store } from '../store/store.ts'
import { autoUpdateAnnotation, flowSchemas, priorityLevels } from './flow-control-objects.ts'

type ServiceRange = Pick<AddressRange, 'cidr' | 'family'>

/** Where clients in pods reach the API. */
export interface ApiEndpoint {
  /** The first address of the service range. */
  clusterIp: string
  /** Of this server, as pods see it; none: the Endpoints are left alone. */
  address: string | undefined
  port: number
  /** Where ClusterIPs come from, the default family first. */
  serviceRanges: readonly [ServiceRange, ...ServiceRange[]]
}

/** An object that the server makes by itself. */
export interface Wanted {
  resource: Resource<KubeObject>
  object: UnknownObject
  /** What of an object that is there is put right again; undefined: it is left to its owner. */
  keep?: readonly string[]
  /** It is put right only while it carries this annotation, set to `true`. */
  whileAnnotated?: string
}

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease']

const namespaceObjects = namespaces.map((name): Wanted => ({
  resource: resources.namespaces,
  object: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
}))

const priorityClass = (name: string, value: number, description: string): Wanted => ({
  resource: resources.priorityClasses,
  object: {
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    preemptionPolicy: 'PreemptLowerPriority',
    description,
  },
})

const meta = { name: 'kubernetes', namespace: 'default' }

const service = ({ clusterIp, port, serviceRanges }: ApiEndpoint): Wanted => ({
  resource: resources.services,
  object: {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...meta, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      ipFamilies: [serviceRanges[0].family],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      ports: [{ name: 'https', protocol: 'TCP', port: 443, targetPort: port }],
    },
  },
})

const endpoints = (address: string, port: number): Wanted[] => [
  {
    resource: resources.endpoints,
    // The controller that mirrors Endpoints into slices must not make a second slice of these.
    object: {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: { ...meta, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
      subsets: [{ addresses: [{ ip: address }], ports: [{ name: 'https', port, protocol: 'TCP' }] }],
    },
    keep: ['subsets'],
  },
  {
    resource: resources.endpointSlices,
    object: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        ...meta,
        labels: {
          'kubernetes.io/service-name': 'kubernetes',
          'endpointslice.kubernetes.io/managed-by': 'skiff-apiserver',
        },
      },
      addressType: isIPv6(address) ? 'IPv6' : 'IPv4',
      endpoints: [{ addresses: [address], conditions: { ready: true } }],
      ports: [{ name: 'https', port, protocol: 'TCP' }],
    },
    keep: ['endpoints', 'ports'],
  },
]

/** Everything that is there from the first moment of a cluster, in the order it is made. */
export const systemObjects = (endpoint: ApiEndpoint): Wanted[] => [
  ...namespaceObjects,
  priorityClass(
    'system-node-critical',
    2_000_001_000,
    'Used for system critical pods that must not be moved from their current node.',
  ),
  priorityClass(
    'system-cluster-critical',
    2_000_000_000,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  ),
  service(endpoint),
  ...(endpoint.address === undefined ? [] : endpoints(endpoint.address, endpoint.port)),
]

const flowControl: readonly Wanted[] = [
  ...priorityLevels.map(object => ({ resource: resources.priorityLevelConfigurations, object })),
  ...flowSchemas.map(object => ({ resource: resources.flowSchemas, object })),
].map(({ resource, object }) => ({
  resource,
  object: object as KubeObject as UnknownObject,
  keep: ['spec'],
  whileAnnotated: autoUpdateAnnotation,
}))

const tries = 5

/** Does it again where another server on the same store has written the object, or taken its ClusterIP, in between. */
const againIfRaced = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (let n = 1; ; n++)
    try {
      return await attempt()
    } catch (error) {
      if (n === tries || !hasReason(error, 'AlreadyExists', 'Conflict', 'Invalid')) throw error
    }
}

const ensure = (client: KubeClient, wanted: Wanted): Promise<void> => againIfRaced(() => ensureOnce(client, wanted))

const ensureOnce = async (client: KubeClient, wantedObject: Wanted): Promise<void> => {
  const { resource, object, keep, whileAnnotated } = wantedObject
  const { name = '', namespace } = object.metadata ?? {}
  const place = namespace === undefined ? {} : { namespace }
  try {
    const live = (await client.get(resource, name, place)) as UnknownObject
    if (whileAnnotated !== undefined && live.metadata?.annotations?.[whileAnnotated] !== 'true') return
    if (keep === undefined || keep.every(field => equalJson(live[field], object[field]))) return
    const wanted = Object.fromEntries(keep.map(field => [field, object[field]]))
    await client.update(resource, { ...live, ...wanted } as KubeObject)
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error
    await client.create(resource, object)
  }
}

/** The namespaces that other objects of the system are in. */
export const ensureNamespaces = async (client: KubeClient): Promise<void> => {
  for (const wanted of namespaceObjects) await ensure(client, wanted)
}

/** Makes what is missing and puts right what the API server owns; what is right is not written again. */
export const ensureSystemObjects = async (
  client: KubeClient,
  endpoint: ApiEndpoint,
  more: readonly Wanted[] = [],
): Promise<void> => {
  for (const wanted of systemObjects(endpoint)) await ensure(client, wanted)
  // None of them needs another, and together they cost one commit.
  await Promise.all([
    ...[...flowControl, ...more].map(wanted => ensure(client, wanted)),
    againIfRaced(() => ensureServiceCidr(client, endpoint)),
  ])
}

/**
 * The ranges of the command line, as an object. The first to be written stays; one of a single family gets the second
 * when the cluster gets it, as upstream has it.
 */
const ensureServiceCidr = async (client: KubeClient, { serviceRanges }: ApiEndpoint): Promise<void> => {
  const name = 'kubernetes'
  const resource = resources.serviceCidrs
  const cidrs = serviceRanges.map(({ cidr }) => cidr)
  const made: ServiceCIDR = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name },
    spec: { cidrs },
  }
  const found = await client.get(resource, name).catch((error: unknown) => {
    if (!hasReason(error, 'NotFound')) throw error
    return client.create(resource, made)
  })
  const known = found.spec?.cidrs ?? []
  const grown = known.length === 1 && cidrs.length === 2 && known[0] === cidrs[0]
  const live = grown ? await client.update(resource, { ...found, spec: { cidrs } }) : found
  if (live.status?.conditions?.some(({ type }) => type === 'Ready') === true) return
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: '',
    message: 'Kubernetes default Service CIDR is ready',
    lastTransitionTime: live.metadata?.creationTimestamp ?? '',
  }
  await client.update(resource, { ...live, status: { conditions: [ready] } }, { subresource: 'status' })
}

/** What the API server owns and anybody may delete: `kubectl delete all --all` takes the Service along. */
const ownedPrefixes = [
  '/registry/core/services/default/kubernetes',
  '/registry/core/endpoints/default/kubernetes',
  '/registry/core/configmaps/kube-system/extension-apiserver-authentication',
  '/registry/discovery.k8s.io/endpointslices/default/kubernetes',
  '/registry/scheduling.k8s.io/priorityclasses/system-',
  '/registry/flowcontrol.apiserver.k8s.io/flowschemas/',
  '/registry/flowcontrol.apiserver.k8s.io/prioritylevelconfigurations/',
  '/registry/networking.k8s.io/servicecidrs/kubernetes',
]

/** Makes again what is deleted of the system's objects, as soon as it is gone. Returns what stops it. */
export const restoreSystemObjects = (
  store: Store,
  restore: () => Promise<void>,
  onError: (error: unknown) => void,
): (() => void) => {
  const stops = ownedPrefixes.map(prefix =>
    store.watch(prefix, store.revision, ({ type }) => {
      // Not within the commit that tells of it.
      if (type === 'delete') setImmediate(() => void restore().catch(onError))
    }),
  )
  return () => stops.forEach(stop => stop())
}
