import { randomUUID } from 'node:crypto'
import { isIP, isIPv4 } from 'node:net'
import type { Service } from 'kubernetes-types/core/v1.js'
import { formatIp, parseIp } from '../../../kube/ip-address.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { draftOf } from '../kinds/draft.ts'
import type { Claim } from '../kinds/kind.ts'
import { needsClusterIp, needsHealthCheckPort } from '../kinds/service-update.ts'

/**
 * What a Service holds of the cluster's addresses and ports, one stored record a number, written in the transaction of
 * the Service itself: two servers that choose the same number meet in the store. An address is upstream's IPAddress;
 * upstream keeps the ports as one bitmap, which all writers would queue for.
 */
export const ipAddressPrefix = '/registry/networking.k8s.io/ipaddresses/'
/** A group with a dot, as custom resources have: the store keeps it in etcd below its own name. */
export const nodePortPrefix = '/registry/allocation.skiff/nodeports/'

export const familyLabel = 'ipaddress.kubernetes.io/ip-family'
export const managedByLabel = 'ipaddress.kubernetes.io/managed-by'
/** Upstream's name of who gives addresses to Services. */
export const allocatorName = 'ipallocator.k8s.io'

export const ipAddressKey = (address: string): string => `${ipAddressPrefix}${formatIp(parseIp(address))}`
export const nodePortKey = (port: number): string => `${nodePortPrefix}${port}`

/** The addresses a Service says it has; none: headless, or another name for something outside. What is no address stays as it is. */
export const clusterIpsOf = (service: UnknownObject): string[] => {
  const { spec } = draftOf<Service>(service)
  if (!needsClusterIp(spec)) return []
  const addresses = spec?.clusterIPs?.length ? spec.clusterIPs : spec?.clusterIP ? [spec.clusterIP] : []
  return addresses.includes('None') ? [] : [...addresses]
}

/** Node ports and the one for health checks, each once. */
export const nodePortsOf = (service: UnknownObject): number[] => {
  const { spec } = draftOf<Service>(service)
  const outside = spec?.type === 'NodePort' || spec?.type === 'LoadBalancer'
  const ports = outside ? (spec.ports ?? []).map(({ nodePort }) => nodePort ?? 0) : []
  if (needsHealthCheckPort(spec)) ports.push(spec?.healthCheckNodePort ?? 0)
  return [...new Set(ports.filter(port => port > 0))]
}

const ownerOf = (service: UnknownObject) => {
  const { namespace = '', name = '' } = service.metadata ?? {}
  return { resource: 'services', namespace, name }
}

const ipAddressRecord = (key: string, service: UnknownObject, now: string): UnknownObject => {
  const name = key.slice(ipAddressPrefix.length)
  return {
    kind: 'IPAddress',
    apiVersion: 'networking.k8s.io/v1',
    metadata: {
      name,
      uid: randomUUID(),
      creationTimestamp: now,
      labels: { [familyLabel]: isIPv4(name) ? 'IPv4' : 'IPv6', [managedByLabel]: allocatorName },
    },
    spec: { parentRef: ownerOf(service) },
  }
}

const nodePortRecord = (port: number, service: UnknownObject, now: string): UnknownObject => ({
  kind: 'NodePort',
  apiVersion: 'allocation.skiff/v1',
  metadata: { name: String(port), creationTimestamp: now },
  spec: { parentRef: ownerOf(service) },
})

export const ipAddressClaim = (address: string, service: UnknownObject): Claim => {
  const key = ipAddressKey(address)
  return { key, record: now => ipAddressRecord(key, service, now) }
}

export const nodePortClaim = (port: number, service: UnknownObject): Claim => ({
  key: nodePortKey(port),
  record: now => nodePortRecord(port, service, now),
})

export const claimsOf = (service: UnknownObject): Claim[] => [
  ...clusterIpsOf(service)
    .filter(address => isIP(address) !== 0)
    .map(address => ipAddressClaim(address, service)),
  ...nodePortsOf(service).map(port => nodePortClaim(port, service)),
]

/** What a record belongs to; of an IPAddress it may be anything. */
export const parentOf = (
  record: UnknownObject,
): { group: string; resource: string; namespace: string; name: string } => {
  const {
    group = '',
    resource = '',
    namespace = '',
    name = '',
  } = draftOf<{ spec: { parentRef: { group: string; resource: string; namespace: string; name: string } } }>(record)
    .spec?.parentRef ?? {}
  return { group, resource, namespace, name }
}

export const isHeldBy = (record: UnknownObject, service: UnknownObject): boolean => {
  const { group, resource, namespace, name } = parentOf(record)
  const owner = ownerOf(service)
  return group === '' && resource === owner.resource && namespace === owner.namespace && name === owner.name
}
