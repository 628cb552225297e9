import type { ServicePortPlan } from './model/service-port-plan.ts'

/** Arguments of one `conntrack` call that forgets flows; it exits 1 when there were none. */
export type ForgetFlows = readonly string[]

const base = (plan: ServicePortPlan): string[] => [
  '-D',
  '-p',
  plan.protocol,
  '-f',
  plan.clusterIp.includes(':') ? 'ipv6' : 'ipv4',
]

const ways = (plan: ServicePortPlan): string[][] => [
  ...[plan.clusterIp, ...plan.externalIps, ...plan.loadBalancerIps].map(ip => [
    '--orig-dst',
    ip,
    '--dport',
    String(plan.port),
  ]),
  ...(plan.nodePort === undefined ? [] : [['--dport', String(plan.nodePort)]]),
]

/** Flows that no rule has rewritten: their answers would come from the very address and port that was asked. */
const untranslated = (plan: ServicePortPlan): string[][] => [
  ...[plan.clusterIp, ...plan.externalIps, ...plan.loadBalancerIps].map(ip => {
    const port = String(plan.port)
    return ['--orig-dst', ip, '--dport', port, '--reply-src', ip]
  }),
  ...(plan.nodePort === undefined
    ? []
    : [['--dport', String(plan.nodePort), '--reply-port-src', String(plan.nodePort)]]),
]

/**
 * UDP has no end of connection: a client that keeps sending from one port is kept on the endpoint that conntrack knows,
 * also when that is gone, and on no endpoint at all when it began before there was one. Such flows are forgotten.
 * TCP and SCTP find out by themselves.
 */
export const staleFlows = (
  before: ReadonlyMap<string, ServicePortPlan>,
  after: ReadonlyMap<string, ServicePortPlan>,
): ForgetFlows[] => {
  const calls: ForgetFlows[] = []
  for (const [key, old] of before) {
    if (old.protocol !== 'udp' || after.get(key) === old) continue
    const kept = new Set(after.get(key)?.reachableEndpoints.map(e => e.address))
    for (const endpoint of old.reachableEndpoints)
      if (!kept.has(endpoint.address))
        for (const way of ways(old)) calls.push([...base(old), ...way, '--dst-nat', endpoint.ip])
  }
  for (const [key, plan] of after)
    if (plan.protocol === 'udp' && plan.hasEndpoints && before.get(key)?.hasEndpoints !== true)
      for (const way of untranslated(plan)) calls.push([...base(plan), ...way])
  return calls
}

/** Key of a plan in the maps above. */
export const planKey = (plan: ServicePortPlan): string => `${plan.name}/${plan.protocol}`
