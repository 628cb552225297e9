import type { Service } from 'kubernetes-types/core/v1.js'
import type { Endpoint, EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { RulesetRenderer } from '../../proxy/iptables/render-ruleset.ts'
import { defaultIptablesSettings, type IptablesSettings } from '../../proxy/iptables/settings.ts'
import { parseCidr } from '../../proxy/model/ip.ts'
import { planCluster } from '../../proxy/model/plan-cluster.ts'
import type { NodeView } from '../../proxy/model/service-port-plan.ts'
import { rulesOfRuleset } from '../../proxy/tracer/rules-of-ruleset.ts'
import { tracePacket } from '../../proxy/tracer/trace-packet.ts'
import type { Packet } from '../../proxy/tracer/packet.ts'

export const node: NodeView = { family: 'ip', nodeName: 'n1', zone: 'z1', nodeIps: [] }

export const settings: IptablesSettings = {
  ...defaultIptablesSettings,
  clusterCidr: parseCidr('10.244.0.0/16', 'ip'),
}

export const service = (name: string, spec: Service['spec'], more: Partial<Service> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  ...more,
  metadata: { namespace: 'default', name, ...more.metadata },
  spec: {
    type: 'ClusterIP',
    clusterIP: '10.96.0.50',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    ...spec,
  } as NonNullable<Service['spec']>,
})

export const slice = (of: string, endpoints: Endpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  ...more,
  metadata: { namespace: 'default', name: `${of}-abc`, labels: { 'kubernetes.io/service-name': of } },
  endpoints,
})

export const at = (
  address: string,
  nodeName = 'n2',
  conditions: Endpoint['conditions'] = { ready: true },
): Endpoint => ({
  addresses: [address],
  nodeName,
  conditions: conditions ?? {},
})

/** From objects straight to where a packet goes, through plan, rules and tracer. */
export const trace = (services: Service[], slices: EndpointSlice[], packet: Partial<Packet>) => {
  const renderer = new RulesetRenderer(settings)
  const rules = rulesOfRuleset(renderer.render(planCluster(services, slices, node).plans), renderer.jumps)
  const whole: Packet = {
    source: '10.244.0.9',
    destination: '10.96.0.50',
    protocol: 'tcp',
    destinationPort: 80,
    from: 'network',
    ...packet,
  }
  return tracePacket(whole, { rules, localAddresses: ['192.168.7.1'] })
}
