import type { EndpointPlan, ServicePortPlan } from '../model/service-port-plan.ts'
import { chainNamesOf, endpointChainName, fixedChains } from './chain-names.ts'
import type { Rule } from './op.ts'
import type { Chain } from './ruleset.ts'
import type { IptablesSettings } from './settings.ts'

/** What one Service port adds to the chains all Services share, and the chains of its own. */
export interface RenderedServicePort {
  chains: readonly Chain[]
  /** nat KUBE-SERVICES */
  portals: readonly Rule[]
  /** nat KUBE-NODEPORTS */
  nodePorts: readonly Rule[]
  /** filter KUBE-SERVICES */
  refusals: readonly Rule[]
  /** filter KUBE-EXTERNAL-SERVICES */
  externalRefusals: readonly Rule[]
  /** filter KUBE-PROXY-FIREWALL */
  firewalled: readonly Rule[]
  /** filter KUBE-NODEPORTS */
  healthChecks: readonly Rule[]
}

const comment = (text: string): Rule => ['-m', 'comment', '--comment', text]
const jump = (target: string): Rule => ['-j', target]

type Names = ReturnType<typeof chainNamesOf>

const toPort = (plan: ServicePortPlan, address: string, port: number = plan.port): Rule => [
  '-m',
  plan.protocol,
  '-p',
  plan.protocol,
  '-d',
  address,
  '--dport',
  String(port),
]

const toNodePort = (plan: ServicePortPlan): Rule => [
  '-m',
  plan.protocol,
  '-p',
  plan.protocol,
  '--dport',
  String(plan.nodePort),
]

const usesFirewall = (plan: ServicePortPlan): boolean =>
  plan.hasEndpoints && plan.loadBalancerIps.length > 0 && plan.sourceRanges.length > 0

/** The chain that picks an endpoint for traffic of one side, if that side has any. */
const policyChain = (route: ServicePortPlan['internal'], names: Names): string | undefined =>
  route === 'cluster' ? names.service : route === 'local' ? names.local : undefined

/** nat: which addresses lead into the chains of this port. */
const portalRules = (plan: ServicePortPlan, names: Names): Pick<RenderedServicePort, 'portals' | 'nodePorts'> => {
  const portals: Rule[] = []
  const internal = policyChain(plan.internal, names)
  if (internal !== undefined)
    portals.push([...comment(`${plan.name} cluster IP`), ...toPort(plan, plan.clusterIp), ...jump(internal)])
  if (!plan.hasEndpoints) return { portals, nodePorts: [] }
  // Even where this node has no endpoint for outside traffic, its own pods are short-circuited in KUBE-EXT.
  for (const ip of plan.externalIps)
    portals.push([...comment(`${plan.name} external IP`), ...toPort(plan, ip), ...jump(names.external)])
  const balanced = usesFirewall(plan) ? names.firewall : names.external
  for (const ip of plan.loadBalancerIps)
    portals.push([...comment(`${plan.name} loadbalancer IP`), ...toPort(plan, ip), ...jump(balanced)])
  const nodePorts =
    plan.nodePort === undefined ? [] : [[...comment(plan.name), ...toNodePort(plan), ...jump(names.external)]]
  return { portals, nodePorts }
}

/** filter: what is refused at once instead of being left to wander off by the default route. */
const refusalRules = (
  plan: ServicePortPlan,
  names: Names,
): Pick<RenderedServicePort, 'refusals' | 'externalRefusals' | 'firewalled' | 'healthChecks'> => {
  const refuse = (route: ServicePortPlan['internal'], match: Rule): Rule[] => {
    if (route === 'reject') return [[...comment(`${plan.name} has no endpoints`), ...match, ...jump('REJECT')]]
    if (route === 'drop') return [[...comment(`${plan.name} has no local endpoints`), ...match, ...jump('DROP')]]
    return []
  }
  const outside = [...plan.externalIps, ...plan.loadBalancerIps].map(ip => toPort(plan, ip))
  if (plan.nodePort !== undefined) outside.push(['-m', 'addrtype', '--dst-type', 'LOCAL', ...toNodePort(plan)])
  const notAccepted = comment(`${plan.name} traffic not accepted by ${names.firewall}`)
  const health = ['-m', 'tcp', '-p', 'tcp', '--dport', String(plan.healthCheckNodePort), ...jump('ACCEPT')]
  return {
    refusals: refuse(plan.internal, toPort(plan, plan.clusterIp)),
    externalRefusals: outside.flatMap(match => refuse(plan.external, match)),
    firewalled: usesFirewall(plan)
      ? plan.loadBalancerIps.map(ip => [...notAccepted, ...toPort(plan, ip), ...jump('DROP')])
      : [],
    healthChecks:
      plan.healthCheckNodePort === undefined ? [] : [[...comment(`${plan.name} health check node port`), ...health]],
  }
}

/** KUBE-EXT: outside traffic. Crossing to another node needs masquerade, or the answer would bypass this node. */
const externalChain = (plan: ServicePortPlan, names: Names, settings: IptablesSettings): Chain => {
  const rules: Rule[] = []
  const what = `${plan.name} external destinations`
  const local = ['-m', 'addrtype', '--src-type', 'LOCAL']
  if (!plan.externalPolicyLocal) {
    rules.push([...comment(`masquerade traffic for ${what}`), ...jump(fixedChains.markMasq)])
  } else {
    const { clusterCidr } = settings
    if (clusterCidr !== undefined)
      rules.push([...comment(`pod traffic for ${what}`), '-s', clusterCidr, ...jump(names.service)])
    // The outside address is the node's own, so the kernel picks it as the source: the answer must come back here.
    rules.push([...comment(`masquerade LOCAL traffic for ${what}`), ...local, ...jump(fixedChains.markMasq)])
    rules.push([...comment(`route LOCAL traffic for ${what}`), ...local, ...jump(names.service)])
  }
  const policy = policyChain(plan.external, names)
  if (policy !== undefined) rules.push(jump(policy))
  return { table: 'nat', name: names.external, rules }
}

const firewallChain = (plan: ServicePortPlan, names: Names): Chain => {
  const label = comment(`${plan.name} loadbalancer IP`)
  const from = (source: string): Rule => [...label, '-s', source, ...jump(names.external)]
  const rules: Rule[] = plan.sourceRanges.map(from)
  // A VIP that is bound on the node makes the node's own packets carry it as their source.
  if (plan.sourceRangesHoldNode) rules.push(...plan.loadBalancerIps.map(from))
  rules.push(comment(`other traffic to ${plan.name} will be dropped by KUBE-PROXY-FIREWALL`))
  return { table: 'nat', name: names.firewall, rules }
}

/** Ten decimals, as upstream writes it (the kernel keeps 31 bits: iptables-save then shows 0.33333333349). */
const probability = (choices: number): string => (1 / choices).toFixed(10)

/**
 * The chain that picks: first an endpoint that remembers this client, then each in turn with probability 1/n of what
 * is left, the last one always.
 */
const pickRules = (plan: ServicePortPlan, endpoints: readonly EndpointPlan[]): Rule[] => {
  const target = (e: EndpointPlan) => endpointChainName(plan.name, plan.protocol, e.address)
  const label = (e: EndpointPlan) => comment(`${plan.name} -> ${e.address}`)
  const { affinitySeconds } = plan
  const remembered =
    affinitySeconds === undefined
      ? []
      : endpoints.map(e => {
          const recent = ['--rcheck', '--seconds', String(affinitySeconds), '--reap']
          return [...label(e), '-m', 'recent', '--name', target(e), ...recent, ...jump(target(e))]
        })
  const picked = endpoints.map((e, i) => {
    const left = endpoints.length - i
    const chance = left === 1 ? [] : ['-m', 'statistic', '--mode', 'random', '--probability', probability(left)]
    return [...label(e), ...chance, ...jump(target(e))]
  })
  return [...remembered, ...picked]
}

const endpointChain = (plan: ServicePortPlan, endpoint: EndpointPlan): Chain => {
  const name = endpointChainName(plan.name, plan.protocol, endpoint.address)
  const rewrite = ['-m', plan.protocol, '-p', plan.protocol, ...jump('DNAT'), '--to-destination', endpoint.address]
  const remember = plan.affinitySeconds === undefined ? [] : ['-m', 'recent', '--name', name, '--set']
  return {
    table: 'nat',
    name,
    rules: [
      // Hairpin: a pod that reaches itself through its Service must see the answer come from elsewhere.
      [...comment(plan.name), '-s', endpoint.ip, ...jump(fixedChains.markMasq)],
      [...comment(plan.name), ...remember, ...rewrite],
    ],
  }
}

/** Traffic to the ClusterIP from outside the pod network is masqueraded: its answers must come back by this node. */
const offCluster = (plan: ServicePortPlan, settings: IptablesSettings): Rule[] => {
  const start = [...comment(`${plan.name} cluster IP`), ...toPort(plan, plan.clusterIp)]
  if (settings.masqueradeAll) return [[...start, ...jump(fixedChains.markMasq)]]
  if (settings.clusterCidr === undefined) return []
  return [[...start, '!', '-s', settings.clusterCidr, ...jump(fixedChains.markMasq)]]
}

export const renderServicePort = (plan: ServicePortPlan, settings: IptablesSettings): RenderedServicePort => {
  const names = chainNamesOf(plan.name, plan.protocol)
  const chains: Chain[] = plan.reachableEndpoints.map(e => endpointChain(plan, e))
  for (const [name, endpoints] of [
    [names.service, plan.clusterEndpoints],
    [names.local, plan.localEndpoints],
  ] as const) {
    if (endpoints.length === 0) continue
    const marks = policyChain(plan.internal, names) === name ? offCluster(plan, settings) : []
    chains.push({ table: 'nat', name, rules: [...marks, ...pickRules(plan, endpoints)] })
  }
  if (plan.hasEndpoints && plan.externallyAccessible) chains.push(externalChain(plan, names, settings))
  if (usesFirewall(plan)) chains.push(firewallChain(plan, names))
  return { chains, ...portalRules(plan, names), ...refusalRules(plan, names) }
}
