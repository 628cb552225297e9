import type { Service } from 'kubernetes-types/core/v1.js'
import { objectKey } from '../../kube/object.ts'
import { parseCidr, parseIp, parsePort, type Cidr, type Family, type Ip, type Port } from './ip.ts'
import type { PlanProblem, Protocol } from './service-port-plan.ts'

/** A port of a Service as the proxy needs it, before endpoints are looked at. */
export interface ServicePort {
  name: string
  portName: string
  protocol: Protocol
  clusterIp: Ip
  port: Port
  nodePort: Port | undefined
  externalIps: readonly Ip[]
  loadBalancerIps: readonly Ip[]
  sourceRanges: readonly Cidr[]
  healthCheckNodePort: Port | undefined
  affinitySeconds: number | undefined
  internalPolicyLocal: boolean
  externalPolicyLocal: boolean
}

const protocols: Readonly<Record<string, Protocol>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' }
const dnsLabel = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/

/** Labels by which others claim a Service (KEP-2447 and the endpoints controllers' own). */
const leftAlone = ['service.kubernetes.io/service-proxy-name', 'service.kubernetes.io/headless']

/** True for Services that get rules: not headless, not ExternalName, not claimed by another proxy. */
export const isProxied = (service: Service): boolean => {
  const labels = service.metadata?.labels ?? {}
  if (leftAlone.some(label => Object.hasOwn(labels, label))) return false
  const { clusterIP, type } = service.spec ?? {}
  return type !== 'ExternalName' && clusterIP !== undefined && clusterIP !== '' && clusterIP !== 'None'
}

const ofFamily = <T>(values: readonly unknown[] | undefined, parse: (value: unknown) => T | undefined): T[] =>
  [...new Set(values ?? [])].flatMap(value => parse(value) ?? [])

const loadBalancerIps = (service: Service, family: Family): Ip[] => {
  if (service.spec?.type !== 'LoadBalancer') return []
  // ipMode Proxy (KEP-1860): the balancer sends to node ports, its address must not be short-circuited here.
  const ingress = (service.status?.loadBalancer?.ingress ?? []) as { ip?: string; ipMode?: string }[]
  return ofFamily(
    ingress.filter(row => row.ipMode !== 'Proxy').map(row => row.ip),
    ip => parseIp(ip, family),
  )
}

/** The API server fills in 10800 s; the kernel's `recent` match takes up to a day, which is upstream's bound too. */
const affinitySeconds = (service: Service): number | undefined => {
  if (service.spec?.sessionAffinity !== 'ClientIP') return undefined
  const seconds = service.spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  return typeof seconds === 'number' && Number.isInteger(seconds) && seconds > 0 && seconds <= 86_400 ? seconds : 10_800
}

/**
 * The ports of a Service in one address family. What cannot be parsed is left out and named: names that are no DNS
 * labels never become words of a rule.
 */
export const servicePorts = (service: Service, family: Family): { ports: ServicePort[]; problems: PlanProblem[] } => {
  const problems: PlanProblem[] = []
  const { namespace = '', name = '' } = service.metadata ?? {}
  const object = `Service ${JSON.stringify(objectKey(service))}`
  if (!isProxied(service)) return { ports: [], problems }
  if (!dnsLabel.test(namespace) || !dnsLabel.test(name))
    return { ports: [], problems: [{ object, field: 'metadata.name', message: 'is not a DNS label' }] }
  const spec = service.spec ?? {}
  const clusterIp = ofFamily([...(spec.clusterIPs ?? []), spec.clusterIP], ip => parseIp(ip, family))[0]
  if (clusterIp === undefined) return { ports: [], problems }
  const shared = {
    clusterIp,
    externalIps: ofFamily(spec.externalIPs, ip => parseIp(ip, family)),
    loadBalancerIps: loadBalancerIps(service, family),
    sourceRanges: ofFamily(spec.loadBalancerSourceRanges, cidr => parseCidr(cidr, family)),
    healthCheckNodePort: parsePort(spec.healthCheckNodePort),
    affinitySeconds: affinitySeconds(service),
    internalPolicyLocal: spec.internalTrafficPolicy === 'Local',
    externalPolicyLocal: spec.externalTrafficPolicy === 'Local',
  }
  const ports = (spec.ports ?? []).flatMap((row, index): ServicePort[] => {
    const field = `spec.ports[${index}]`
    const protocol = protocols[row.protocol ?? 'TCP']
    const port = parsePort(row.port)
    const portName = row.name ?? ''
    if (protocol === undefined || port === undefined || (portName !== '' && !dnsLabel.test(portName))) {
      problems.push({ object, field, message: `is not usable: ${JSON.stringify(row)}` })
      return []
    }
    const full = portName === '' ? `${namespace}/${name}` : `${namespace}/${name}:${portName}`
    return [{ ...shared, name: full, portName, protocol, port, nodePort: parsePort(row.nodePort) }]
  })
  return { ports, problems }
}
