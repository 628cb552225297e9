import type { Jump } from '../iptables/jumps.ts'
import type { Rule, Table } from '../iptables/op.ts'
import type { Ruleset } from '../iptables/ruleset.ts'
import type { SavedRules } from '../iptables/saved-rules.ts'

const builtIn: Readonly<Record<string, readonly string[]>> = {
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
}

/** A rendered ruleset with its jumps, as it would stand in a kernel that holds nothing else: for tracing before applying. */
export const rulesOfRuleset = (ruleset: Ruleset, jumps: readonly Jump[]): SavedRules => {
  const rules: SavedRules = new Map()
  for (const [table, names] of Object.entries(builtIn)) {
    const chains = new Map(names.map(name => [name, { policy: 'ACCEPT', rules: [] as Rule[] }]))
    rules.set(table as Table, { chains })
  }
  for (const chain of ruleset.values())
    rules.get(chain.table)?.chains.set(chain.name, { policy: '-', rules: [...chain.rules] })
  for (const jump of jumps) rules.get(jump.table)?.chains.get(jump.from)?.rules.unshift(jump.rule)
  return rules
}
