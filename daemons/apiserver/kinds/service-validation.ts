import type { Service, ServicePort } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, oneOf, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { validateLabels } from './metadata-validation.ts'
import {
  cidrErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  nonSpecialIpErrors,
  portNameErrors,
  portNumberErrors,
  qualifiedNameErrors,
} from './name-syntax.ts'
import { validateAddresses, validateAddressUpdate } from './service-address-validation.ts'
import { isExternallyReached, needsHealthCheckPort } from './service-update.ts'

type Row = Draft<Service>
type Spec = NonNullable<Row['spec']>

const types = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort']
const protocols = ['SCTP', 'TCP', 'UDP']
const maxAffinitySeconds = 86_400
const kubeletPort = 10_250

const validatePort = (port: Draft<ServicePort>, path: string, many: boolean): FieldError[] => {
  const errors: FieldError[] = []
  if (!port.name) {
    if (many) errors.push(required(`${path}.name`))
  } else errors.push(...invalidEach(`${path}.name`, port.name, dns1123LabelErrors(port.name)))
  errors.push(...invalidEach(`${path}.port`, port.port ?? 0, portNumberErrors(port.port ?? 0)))
  errors.push(...oneOf(`${path}.protocol`, port.protocol, protocols))
  const target = port.targetPort
  if (typeof target === 'number') errors.push(...invalidEach(`${path}.targetPort`, target, portNumberErrors(target)))
  else if (target !== undefined) errors.push(...invalidEach(`${path}.targetPort`, target, portNameErrors(target)))
  if (port.appProtocol !== undefined)
    errors.push(...invalidEach(`${path}.appProtocol`, port.appProtocol, qualifiedNameErrors(port.appProtocol)))
  return errors
}

const validatePorts = (spec: Spec): FieldError[] => {
  const errors: FieldError[] = []
  const ports = spec.ports ?? []
  const headless = spec.clusterIP === 'None'
  if (ports.length === 0 && !headless && spec.type !== 'ExternalName') errors.push(required('spec.ports'))
  const names = new Set<string>()
  const pairs = new Set<string>()
  const nodePorts = new Set<string>()
  for (const [i, port] of ports.entries()) {
    const path = `spec.ports[${i}]`
    errors.push(...validatePort(port, path, ports.length > 1))
    if (port.name) {
      if (names.has(port.name)) errors.push(duplicate(`${path}.name`, port.name))
      names.add(port.name)
    }
    const pair = `${port.protocol}/${port.port}`
    if (pairs.has(pair)) errors.push(duplicate(path, { protocol: port.protocol, port: port.port }))
    pairs.add(pair)
    if (!port.nodePort) continue
    if (spec.type === 'ClusterIP')
      errors.push(forbidden(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'"))
    const nodePair = `${port.protocol}/${port.nodePort}`
    if (nodePorts.has(nodePair)) errors.push(duplicate(`${path}.nodePort`, port.nodePort))
    nodePorts.add(nodePair)
  }
  return errors
}

const validateType = (spec: Spec): FieldError[] => {
  const errors: FieldError[] = []
  const headless = spec.clusterIP === 'None'
  switch (spec.type) {
    case 'LoadBalancer':
    case 'NodePort':
      if (headless)
        errors.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`))
      break
    case 'ExternalName':
      if (!spec.externalName) errors.push(required('spec.externalName'))
      else
        errors.push(
          ...invalidEach(
            'spec.externalName',
            spec.externalName,
            dns1123SubdomainErrors(spec.externalName.replace(/\.$/, '')),
          ),
        )
      break
    case 'ClusterIP':
      break
    default:
      return oneOf('spec.type', spec.type, types)
  }
  return errors
}

const validatePolicies = (spec: Spec): FieldError[] => {
  const errors = oneOf('spec.sessionAffinity', spec.sessionAffinity, ['ClientIP', 'None'])
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds
  if (spec.sessionAffinity === 'ClientIP' && seconds !== undefined && (seconds <= 0 || seconds > maxAffinitySeconds))
    errors.push(
      invalid(
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
        seconds,
        `must be greater than 0 and less than ${maxAffinitySeconds}`,
      ),
    )
  const external = spec.externalTrafficPolicy
  if (!isExternallyReached(spec)) {
    if (external)
      errors.push(invalid('spec.externalTrafficPolicy', external, 'may only be set for externally-accessible services'))
  } else errors.push(...oneOf('spec.externalTrafficPolicy', external, ['Cluster', 'Local']))
  if (spec.type !== 'ExternalName')
    errors.push(...oneOf('spec.internalTrafficPolicy', spec.internalTrafficPolicy, ['Cluster', 'Local']))
  if (spec.healthCheckNodePort && !needsHealthCheckPort(spec))
    errors.push(
      invalid(
        'spec.healthCheckNodePort',
        spec.healthCheckNodePort,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    )
  const distributions = ['PreferClose', 'PreferSameNode', 'PreferSameZone']
  if (spec.trafficDistribution && !distributions.includes(spec.trafficDistribution))
    errors.push(notSupported('spec.trafficDistribution', spec.trafficDistribution, distributions))
  return errors
}

export const validateService = (service: Row): FieldError[] => {
  const spec = service.spec ?? {}
  const errors = [
    ...validatePorts(spec),
    ...validateType(spec),
    ...validateAddresses(spec),
    ...validatePolicies(spec),
    ...validateLabels(spec.selector, 'spec.selector'),
  ]
  for (const [i, ip] of (spec.externalIPs ?? []).entries())
    errors.push(...invalidEach(`spec.externalIPs[${i}]`, ip, nonSpecialIpErrors(ip)))
  const ranges = spec.loadBalancerSourceRanges ?? []
  if (ranges.length > 0 && spec.type !== 'LoadBalancer')
    errors.push(forbidden('spec.LoadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"))
  for (const [i, range] of ranges.entries())
    errors.push(...invalidEach(`spec.LoadBalancerSourceRanges[${i}]`, range, cidrErrors(range.trim())))
  if (spec.loadBalancerClass && spec.type !== 'LoadBalancer')
    errors.push(forbidden('spec.loadBalancerClass', "may only be used when `type` is 'LoadBalancer'"))
  if (spec.allocateLoadBalancerNodePorts !== undefined && spec.type !== 'LoadBalancer')
    errors.push(forbidden('spec.allocateLoadBalancerNodePorts', "may only be used when `type` is 'LoadBalancer'"))
  // The nodes' agents listen there: a load balancer would open them to everybody.
  if (spec.type === 'LoadBalancer')
    for (const [i, { port }] of (spec.ports ?? []).entries())
      if (port === kubeletPort)
        errors.push(
          invalid(
            `spec.ports[${i}]`,
            port,
            `may not expose port ${kubeletPort} externally since it is used by kubelet`,
          ),
        )
  return errors
}

/** What a load balancer was told when it was made. */
const validateSettled = (next: Row, old: Row): FieldError[] => {
  const errors: FieldError[] = []
  const [spec, before] = [next.spec ?? {}, old.spec ?? {}]
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(before))
    if (spec.healthCheckNodePort !== before.healthCheckNodePort)
      errors.push(forbidden('spec.healthCheckNodePort', 'field is immutable'))
  if (spec.type === 'LoadBalancer' && before.type === 'LoadBalancer')
    if (spec.loadBalancerClass !== before.loadBalancerClass)
      errors.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, 'may not change once set'))
  return errors
}

export const validateServiceUpdate = (next: Row, old: Row): FieldError[] => [
  ...validateSettled(next, old),
  ...validateAddressUpdate(next.spec ?? {}, old.spec ?? {}),
]
