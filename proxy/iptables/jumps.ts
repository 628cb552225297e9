import { fixedChains } from './chain-names.ts'
import type { Rule, Table } from './op.ts'

/** A rule in one of the kernel's own chains that leads into one of ours. */
export interface Jump {
  table: Table
  /** INPUT, FORWARD, … */
  from: string
  to: string
  rule: Rule
}

const jump = (table: Table, from: string, to: string, comment: string, onlyNew: boolean): Jump => {
  const match = onlyNew ? ['-m', 'conntrack', '--ctstate', 'NEW'] : []
  return { table, from, to, rule: [...match, '-m', 'comment', '--comment', comment, '-j', to] }
}

const portals = 'kubernetes service portals'
const outside = 'kubernetes externally-visible service portals'
const balancers = 'kubernetes load balancer firewall'

/**
 * Upstream's jumps, in the order in which they are put first, so the last of a chain ends up at its top. All stand
 * before Docker's rules, whose FORWARD chain ends in DROP.
 *
 * ```
 * arrives -> nat PREROUTING -> filter FORWARD|INPUT -> nat POSTROUTING -> leaves
 * sent by the node -> nat OUTPUT -> filter OUTPUT --------^
 * ```
 */
export const jumps: readonly Jump[] = [
  jump('filter', 'INPUT', fixedChains.externalServices, outside, true),
  jump('filter', 'FORWARD', fixedChains.externalServices, outside, true),
  jump('filter', 'INPUT', fixedChains.nodePorts, 'kubernetes health check service ports', false),
  jump('filter', 'FORWARD', fixedChains.services, portals, true),
  jump('filter', 'OUTPUT', fixedChains.services, portals, true),
  jump('filter', 'FORWARD', fixedChains.forward, 'kubernetes forwarding rules', false),
  jump('filter', 'INPUT', fixedChains.proxyFirewall, balancers, true),
  jump('filter', 'OUTPUT', fixedChains.proxyFirewall, balancers, true),
  jump('filter', 'FORWARD', fixedChains.proxyFirewall, balancers, true),
  jump('nat', 'OUTPUT', fixedChains.services, portals, false),
  jump('nat', 'PREROUTING', fixedChains.services, portals, false),
  jump('nat', 'POSTROUTING', fixedChains.postrouting, 'kubernetes postrouting rules', false),
]

/** Only where 127.0.0.1 serves NodePorts: what route_localnet opens to the neighbours is closed again here. */
export const firewallJumps: readonly Jump[] = ['INPUT', 'OUTPUT'].map(from => ({
  table: 'filter',
  from,
  to: fixedChains.firewall,
  rule: ['-j', fixedChains.firewall],
}))
