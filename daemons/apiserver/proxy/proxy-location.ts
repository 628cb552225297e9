import { BlockList, isIP, isIPv6 } from 'node:net'
import type { Node, Pod, Service } from 'kubernetes-types/core/v1.js'
import { apiError } from '../../../kube/status.ts'
import type { AdmissionReader } from '../admission/plugin.ts'
import { slicesOf } from '../aggregator/availability.ts'
import { draftOf } from '../kinds/draft.ts'
import { nodeAddress } from '../streaming/kubelet-target.ts'

/** Where a proxy subresource leads. */
export interface ProxyLocation {
  secure: boolean
  host: string
  port: number
  /** The kubelet itself, which is shown the API server's certificate; everybody else is not. */
  kubelet: boolean
}

interface Wanted {
  namespace: string
  /** `name`, `name:port` or `scheme:name:port`. */
  id: string
}

interface Named {
  scheme: string
  name: string
  /** '' where it is not given. */
  port: string
}

const notAllowed = new BlockList()
for (const [network, bits] of [
  ['0.0.0.0', 32],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
] as const)
  notAllowed.addSubnet(network, bits)
for (const [network, bits] of [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  notAllowed.addSubnet(network, bits, 'ipv6')

/** Go's IsGlobalUnicast: whoever writes a pod's status must not lead the API server to itself or to the host's secrets. */
export const isProxyable = (address: string): boolean =>
  isIP(address) !== 0 && !notAllowed.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

const requireProxyable = (address: string): void => {
  if (!isProxyable(address)) throw apiError('BadRequest', 'address not allowed')
}

/** Throws ApiError BadRequest. */
export const splitSchemeNamePort = (kind: string, id: string): Named => {
  const parts = id.split(':')
  const [scheme = '', name = '', port = ''] = parts.length === 3 ? parts : ['', ...parts]
  if (parts.length > 3 || name === '' || !['', 'http', 'https'].includes(scheme))
    throw apiError('BadRequest', `invalid ${kind} request ${JSON.stringify(id)}`)
  return { scheme, name, port }
}

const knownPorts: Readonly<Record<string, number>> = { http: 80, https: 443 }

const portNumber = (text: string): number => {
  const port = knownPorts[text] ?? (/^\d{1,5}$/.test(text) ? Number(text) : 0)
  if (port >= 1 && port <= 65_535) return port
  const why = /^\d+$/.test(text) ? `address ${text}: invalid port` : `lookup tcp/${text}: unknown port`
  throw apiError('ServiceUnavailable', `error trying to reach service: dial tcp: ${why}`)
}

const locationOf = (scheme: string, host: string, port: string): ProxyLocation => ({
  secure: scheme === 'https',
  host,
  port: port === '' ? (knownPorts[scheme] ?? 80) : portNumber(port),
  kubelet: false,
})

const found = (reader: AdmissionReader, plural: string, namespace: string, name: string) => {
  const object = reader.get('', plural, namespace, name)
  if (object === undefined)
    throw apiError('NotFound', `${plural} ${JSON.stringify(name)} not found`, { name, kind: plural })
  return object
}

/** Of a pod: the port that is named, else the first its containers have. */
export const podLocation = (reader: AdmissionReader, { namespace, id }: Wanted): ProxyLocation => {
  const { scheme, name, port } = splitSchemeNamePort('pod', id)
  const { spec, status } = draftOf<Pod>(found(reader, 'pods', namespace, name))
  const first = (spec?.containers ?? []).flatMap(({ ports = [] }) => ports[0] ?? [])[0]
  const address = status?.podIPs?.[0]?.ip ?? status?.podIP ?? ''
  requireProxyable(address)
  return locationOf(scheme, address, port || String(first?.containerPort ?? ''))
}

/** An endpoint is believed only where a pod of the namespace has its address. */
const isPodAddress = (
  reader: AdmissionReader,
  namespace: string,
  address: string,
  target: { kind?: string | undefined; name?: string | undefined; namespace?: string | undefined } | undefined,
): boolean => {
  if (target?.kind !== 'Pod' || (target.namespace ?? namespace) !== namespace) return false
  const pod = reader.get('', 'pods', namespace, target.name ?? '')
  const { podIP, podIPs = [] } = (pod && draftOf<Pod>(pod).status) ?? {}
  return podIP === address || podIPs.some(({ ip }) => ip === address)
}

/** Of a Service: one of its ready endpoints, by chance. */
export const serviceLocation = (reader: AdmissionReader, { namespace, id }: Wanted): ProxyLocation => {
  const { scheme, name, port } = splitSchemeNamePort('service', id)
  const { ports = [] } = draftOf<Service>(found(reader, 'services', namespace, name)).spec ?? {}
  let portName = port
  if (/^\d+$/.test(port)) {
    const declared = ports.find(candidate => candidate.port === Number(port))
    if (declared === undefined)
      throw apiError('ServiceUnavailable', `no service port ${port} found for service ${JSON.stringify(name)}`)
    portName = declared.name ?? ''
  }
  const choices = slicesOf(reader, namespace, name).flatMap(slice => {
    const served = (slice.ports ?? []).find(candidate => (candidate.name ?? '') === portName)?.port
    if (served === undefined) return []
    return (slice.endpoints ?? []).flatMap(({ addresses = [], conditions, targetRef }) => {
      const address = addresses[0] ?? ''
      const usable = conditions?.ready !== false && isPodAddress(reader, namespace, address, targetRef)
      return usable && isProxyable(address) ? [{ address, port: served }] : []
    })
  })
  const chosen = choices[Math.floor(Math.random() * choices.length)]
  if (chosen === undefined)
    throw apiError('ServiceUnavailable', `no endpoints available for service ${JSON.stringify(id)}`)
  return locationOf(scheme, chosen.address, String(chosen.port))
}

/** Of a node: its kubelet, or another port of the same host. */
export const nodeLocation = (reader: AdmissionReader, { id }: Wanted): ProxyLocation => {
  const { scheme, name, port } = splitSchemeNamePort('node', id)
  const kubelet = nodeAddress(draftOf<Node>(found(reader, 'nodes', '', name)), name)
  if (port === '' || port === String(kubelet.port)) return { secure: true, ...kubelet, kubelet: true }
  requireProxyable(kubelet.host)
  return locationOf(scheme, kubelet.host, port)
}
