import { isIP } from 'node:net'
import { ipBytes } from '../../../kube/ip-address.ts'
import { classes, types, type RecordData, type ResourceRecord } from '../message/message.ts'
import { labelsOf } from '../message/name.ts'
import type { ClusterIndex, EndpointEntry, NamedPort, ServiceEntry } from './cluster-index.ts'
import { addressOfReverse } from './reverse-name.ts'

/** How a `kubernetes` directive answers. */
export interface ClusterZones {
  /** The zone that reverse answers point into: the first that is not a reverse zone. */
  primary: string
  /** Seconds. */
  ttl: number
  pods: 'disabled' | 'insecure' | 'verified'
  endpointPodNames: boolean
  /** Empty: all. */
  onlyNamespaces: ReadonlySet<string>
  /** Addresses of this DNS service, for `ns.dns.ZONE`. */
  serverAddresses: readonly string[]
}

export type Found =
  | { kind: 'records'; answers: ResourceRecord[]; additionals: ResourceRecord[] }
  /** An ExternalName Service: the CNAME, and the name to go on with. */
  | { kind: 'alias'; alias: ResourceRecord; target: string }
  /** The name exists, with no record of that type. */
  | { kind: 'nodata' }
  | { kind: 'nxdomain' }

export interface Asked {
  /** Normal (lower case). */
  name: string
  type: number
  /** The zone of ours that it lies in. */
  zone: string
}

const nxdomain: Found = { kind: 'nxdomain' }
const nodata: Found = { kind: 'nodata' }
const DNS_VERSION = '1.1.0'
const DNS_VERSION_TTL = 28_800

const record = (name: string, type: number, ttl: number, data: RecordData): ResourceRecord => ({
  name,
  type,
  class: classes.IN,
  ttl,
  data,
})

const addressRecord = (name: string, ip: string, ttl: number): ResourceRecord =>
  record(name, isIP(ip) === 4 ? types.A : types.AAAA, ttl, { kind: 'bytes', bytes: ipBytes(ip) })

const soaTimes = { refresh: 7200, retry: 1800, expire: 86_400 }

/** The zone's SOA, in the authority of every negative answer: resolvers keep those for its `minimum`. */
export const soaRecord = (zone: string, serial: number, ttl: number): ResourceRecord =>
  record(zone, types.SOA, ttl, {
    kind: 'soa',
    primary: `ns.dns.${zone === '.' ? '' : zone}`,
    mailbox: `hostmaster.${zone === '.' ? '' : zone}`,
    serial: serial >>> 0,
    ...soaTimes,
    minimum: ttl,
  })

const found = (answers: ResourceRecord[], additionals: ResourceRecord[] = []): Found =>
  answers.length === 0 ? nodata : { kind: 'records', answers, additionals }

/** The addresses among `ips` that a question of this type asks for. */
const addressAnswers = (asked: Asked, ips: readonly string[], ttl: number): Found => {
  const family = asked.type === types.A ? 4 : asked.type === types.AAAA ? 6 : 0
  return found([...new Set(ips)].filter(ip => isIP(ip) === family).map(ip => addressRecord(asked.name, ip, ttl)))
}

/** The name of an endpoint below its Service: its hostname, its pod's where that is wanted, or its address with dashes. */
export const endpointHost = (entry: EndpointEntry, podNames: boolean): string => {
  if (entry.hostname !== '') return entry.hostname.toLowerCase()
  if (podNames && entry.podName !== '') return entry.podName.toLowerCase()
  return entry.ip.replaceAll(/[.:]/g, '-')
}

interface ServiceQuery {
  service: ServiceEntry
  /** '' for any. */
  endpoint: string
  /** Undefined: any port. */
  port: { name: string; protocol: string } | undefined
}

const portFits = (wanted: ServiceQuery['port'], port: NamedPort): boolean =>
  wanted === undefined || (port.name.toLowerCase() === wanted.name && port.protocol === wanted.protocol)

const srvAnswers = (
  asked: Asked,
  targets: readonly { host: string; port: number; ips: readonly string[] }[],
  ttl: number,
): Found => {
  const byId = new Map(targets.map(target => [`${target.host} ${target.port}`, target]))
  const unique = [...byId.values()]
  const weight = Math.max(1, Math.floor(100 / Math.max(1, unique.length)))
  const answers = unique.map(({ host, port }) =>
    record(asked.name, types.SRV, ttl, { kind: 'srv', priority: 0, weight, port, target: host }),
  )
  const additionals = new Map<string, ResourceRecord>()
  for (const { host, ips } of targets)
    for (const ip of ips) additionals.set(`${host} ${ip}`, addressRecord(host, ip, ttl))
  return found(answers, [...additionals.values()])
}

const clusterIpAnswers = (asked: Asked, { service, port }: ServiceQuery, ttl: number): Found => {
  const ports = service.ports.filter(candidate => portFits(port, candidate))
  if (ports.length === 0 && port !== undefined) return nxdomain
  if (asked.type !== types.SRV) return addressAnswers(asked, service.clusterIps, ttl)
  const host = `${service.name}.${service.namespace}.svc.${asked.zone}`
  return srvAnswers(
    asked,
    ports.map(candidate => ({ host, port: candidate.port, ips: service.clusterIps })),
    ttl,
  )
}

const endpointAnswers = (asked: Asked, query: ServiceQuery, index: ClusterIndex, zones: ClusterZones): Found => {
  const { service, endpoint, port } = query
  const entries = index
    .endpoints(service)
    .filter(entry => endpoint === '' || endpointHost(entry, zones.endpointPodNames) === endpoint)
    .filter(entry => port === undefined || entry.ports.some(candidate => portFits(port, candidate)))
  // DNS specification 1.1.0, 2.4.1: a headless Service without ready endpoints is NXDOMAIN.
  if (entries.length === 0) return nxdomain
  if (asked.type !== types.SRV)
    return addressAnswers(
      asked,
      entries.map(entry => entry.ip),
      zones.ttl,
    )
  const targets = entries.flatMap(entry =>
    entry.ports
      .filter(candidate => portFits(port, candidate))
      .map(candidate => ({
        host: `${endpointHost(entry, zones.endpointPodNames)}.${service.name}.${service.namespace}.svc.${asked.zone}`,
        port: candidate.port,
        ips: [entry.ip],
      })),
  )
  return srvAnswers(asked, targets, zones.ttl)
}

const lookupService = (asked: Asked, labels: readonly string[], index: ClusterIndex, zones: ClusterZones): Found => {
  // labels, outermost last: [_port, _protocol | endpoint], service, namespace
  const namespace = labels.at(-1)
  if (namespace === undefined) return nodata
  if (!namespaceShown(namespace, index, zones)) return nxdomain
  const name = labels.at(-2)
  if (name === undefined) return nodata
  const service = index.service(namespace, name)
  if (service === undefined) return nxdomain
  const rest = labels.slice(0, -2)
  if (service.kind === 'external') return rest.length === 0 ? externalAnswer(asked, service, zones) : nxdomain
  const [first = '', second = ''] = rest
  if (rest.length > 2) return nxdomain
  if (rest.length === 2) {
    if (!first.startsWith('_') || !second.startsWith('_')) return nxdomain
    const query = { service, endpoint: '', port: { name: first.slice(1), protocol: second.slice(1) } }
    return service.kind === 'cluster'
      ? clusterIpAnswers(asked, query, zones.ttl)
      : endpointAnswers(asked, query, index, zones)
  }
  // `_tcp.hello.default.svc…` exists as soon as something stands below it (RFC 8020).
  if (first.startsWith('_')) return service.ports.some(port => port.protocol === first.slice(1)) ? nodata : nxdomain
  const query = { service, endpoint: first, port: undefined }
  return first === '' && service.kind === 'cluster'
    ? clusterIpAnswers(asked, query, zones.ttl)
    : endpointAnswers(asked, query, index, zones)
}

const externalAnswer = (asked: Asked, service: ServiceEntry, zones: ClusterZones): Found => {
  const { externalName } = service
  // An address is no name to point at: upstream answers nothing either.
  if (externalName === '' || isIP(externalName) !== 0) return nxdomain
  if (asked.type === types.SRV) return nodata
  const target = externalName.endsWith('.') ? externalName : `${externalName}.`
  return { kind: 'alias', alias: record(asked.name, types.CNAME, zones.ttl, { kind: 'name', name: target }), target }
}

const namespaceShown = (name: string, index: ClusterIndex, zones: ClusterZones): boolean =>
  index.hasNamespace(name) && (zones.onlyNamespaces.size === 0 || zones.onlyNamespaces.has(name))

/** `10-244-0-5.default.pod.cluster.local.` */
const lookupPod = (asked: Asked, labels: readonly string[], index: ClusterIndex, zones: ClusterZones): Found => {
  if (zones.pods === 'disabled') return nxdomain
  const namespace = labels.at(-1)
  if (namespace === undefined) return nodata
  if (!namespaceShown(namespace, index, zones)) return nxdomain
  if (labels.length === 1) return nodata
  const dashed = labels[0] ?? ''
  if (labels.length !== 2) return nxdomain
  const v4 = /^\d+-\d+-\d+-\d+$/.test(dashed)
  const ip = v4 ? dashed.replaceAll('-', '.') : dashed.replaceAll('-', ':')
  if (isIP(ip) === 0) return nxdomain
  if (zones.pods === 'verified' && !index.podNamespaces(ip).includes(namespace)) return nxdomain
  return addressAnswers(asked, [ip], zones.ttl)
}

const lookupReverse = (asked: Asked, index: ClusterIndex, zones: ClusterZones): Found => {
  const ip = addressOfReverse(asked.name)
  if (ip === undefined) return nxdomain
  const service = index.serviceByIp(ip)
  const shown = (namespace: string) => zones.onlyNamespaces.size === 0 || zones.onlyNamespaces.has(namespace)
  const names =
    service !== undefined && shown(service.namespace)
      ? [`${service.name}.${service.namespace}`]
      : index.endpointsByIp(ip).flatMap(entry => {
          const [namespace = '', name = ''] = entry.service.split('/')
          return shown(namespace) ? [`${endpointHost(entry, zones.endpointPodNames)}.${name}.${namespace}`] : []
        })
  if (names.length === 0) return nxdomain
  if (asked.type !== types.PTR) return nodata
  return found(
    [...new Set(names)].map(name =>
      record(asked.name, types.PTR, zones.ttl, { kind: 'name', name: `${name}.svc.${zones.primary}` }),
    ),
  )
}

const lookupApex = (asked: Asked, index: ClusterIndex, zones: ClusterZones): Found => {
  const server = `ns.dns.${asked.zone === '.' ? '' : asked.zone}`
  if (asked.type === types.SOA) return found([soaRecord(asked.zone, index.generation, zones.ttl)])
  if (asked.type !== types.NS) return nodata
  return found(
    [record(asked.name, types.NS, zones.ttl, { kind: 'name', name: server })],
    zones.serverAddresses.map(ip => addressRecord(server, ip, zones.ttl)),
  )
}

export const isReverseZone = (zone: string): boolean => zone.endsWith('in-addr.arpa.') || zone.endsWith('ip6.arpa.')

/** What the cluster says to a question, by the DNS-based service discovery specification 1.1.0. Pure. */
export const lookup = (asked: Asked, index: ClusterIndex, zones: ClusterZones): Found => {
  if (asked.name === asked.zone) return lookupApex(asked, index, zones)
  if (isReverseZone(asked.zone)) return lookupReverse(asked, index, zones)
  const below = labelsOf(asked.name).slice(0, labelsOf(asked.name).length - labelsOf(asked.zone).length)
  const last = below.at(-1)
  if (last === 'svc') return lookupService(asked, below.slice(0, -1), index, zones)
  if (last === 'pod') return lookupPod(asked, below.slice(0, -1), index, zones)
  if (last === 'dns-version' && below.length === 1) {
    if (asked.type !== types.TXT) return nodata
    const text = Buffer.from([DNS_VERSION.length, ...Buffer.from(DNS_VERSION)])
    return found([record(asked.name, types.TXT, DNS_VERSION_TTL, { kind: 'bytes', bytes: text })])
  }
  if (last === 'dns' && below.length === 1) return nodata
  if (last === 'dns' && below.length === 2 && below[0] === 'ns')
    return addressAnswers(asked, zones.serverAddresses, zones.ttl)
  return nxdomain
}
