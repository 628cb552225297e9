/** What the node's own rules are made of. */
export interface NodeRulesInput {
  podCidr: string
  /** All pods of the cluster. */
  clusterCidr: string
  /** All Services of the cluster. */
  serviceCidr: string
  /** IPv4 addresses of the cluster's nodes: pods reach them as themselves. */
  nodeAddresses: readonly string[]
}

/** The chains of one table as `iptables -S CHAIN` prints them; undefined for a chain that is not there. */
export interface CurrentRules {
  forward: string
  skiffForward: string | undefined
  postrouting: string
  skiffPostrouting: string | undefined
}

export const chainPrefix = 'SKIFF-'
const FORWARD = 'SKIFF-FORWARD'
const POSTROUTING = 'SKIFF-POSTROUTING'

/**
 * Rules of SKIFF-FORWARD, in the words and order of `iptables -S`. They accept what goes to and comes from this
 * node's pods, because Docker sets the policy of FORWARD to DROP and with br_netfilter it sees bridged traffic too.
 * What still goes to a Service's address here has no endpoint: it is left to kube-proxy's rules, which refuse it.
 */
const forwardRules = ({ podCidr, serviceCidr }: NodeRulesInput): string[] => [
  `-A ${FORWARD} -d ${serviceCidr} -j RETURN`,
  `-A ${FORWARD} -s ${podCidr} -j ACCEPT`,
  `-A ${FORWARD} -d ${podCidr} -j ACCEPT`,
]

/** Rules of SKIFF-POSTROUTING: pod to pod and pod to node keep their addresses, the rest leaves as the node. */
const postroutingRules = ({ podCidr, clusterCidr, nodeAddresses }: NodeRulesInput): string[] => [
  ...[...new Set(nodeAddresses)].sort().map(address => `-A ${POSTROUTING} -d ${address}/32 -j RETURN`),
  `-A ${POSTROUTING} -s ${podCidr} ! -d ${clusterCidr} -m addrtype ! --dst-type LOCAL -j MASQUERADE --random-fully`,
]

const rulesOf = (printed: string | undefined): string[] =>
  (printed ?? '').split('\n').filter(line => line.startsWith('-A '))

/** Every jump of `chain` to `target`. */
const jumps = (printed: string, target: string): string[] =>
  rulesOf(printed).filter(rule => rule.endsWith(` -j ${target}`))

/** Our jump must stand before anything that drops. What others insert before it (Docker's, kube-proxy's) may stay. */
const jumpHolds = (printed: string, target: string): boolean => {
  const rules = rulesOf(printed)
  const at = rules.findIndex(rule => rule.endsWith(` -j ${target}`))
  return (
    at >= 0 && !rules.slice(0, at).some(rule => / -j (DROP|REJECT)\b/.test(rule)) && jumps(printed, target).length === 1
  )
}

interface Part {
  table: string
  chain: string
  hook: string
  rules: string[]
  hookPrinted: string
  chainPrinted: string | undefined
}

const restorePart = ({ table, chain, hook, rules, hookPrinted, chainPrinted }: Part): string => {
  const same = chainPrinted !== undefined && rulesOf(chainPrinted).join('\n') === rules.join('\n')
  const lines: string[] = []
  // Naming a chain with --noflush makes it, or empties it.
  if (!same) lines.push(`:${chain} - [0:0]`, ...rules)
  if (!jumpHolds(hookPrinted, chain))
    lines.push(...jumps(hookPrinted, chain).map(rule => rule.replace(/^-A/, '-D')), `-I ${hook} 1 -j ${chain}`)
  return lines.length === 0 ? '' : [`*${table}`, ...lines, 'COMMIT', ''].join('\n')
}

/** Input for one `iptables-restore --noflush` that puts the rules in place; '' when they are. Pure. */
export const planNodeRules = (input: NodeRulesInput, current: CurrentRules): string =>
  restorePart({
    table: 'nat',
    chain: POSTROUTING,
    hook: 'POSTROUTING',
    rules: postroutingRules(input),
    hookPrinted: current.postrouting,
    chainPrinted: current.skiffPostrouting,
  }) +
  restorePart({
    table: 'filter',
    chain: FORWARD,
    hook: 'FORWARD',
    rules: forwardRules(input),
    hookPrinted: current.forward,
    chainPrinted: current.skiffForward,
  })
