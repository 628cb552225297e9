import type { Rule, Table } from './op.ts'

/** A chain of ours with all its rules. Chains of unchanged Services stay the same object from one sync to the next. */
export interface Chain {
  table: Table
  name: string
  rules: readonly Rule[]
}

/** Everything that should stand in the kernel, by `table/chain`, in the order it is written. */
export type Ruleset = ReadonlyMap<string, Chain>

export const chainKey = (table: Table, chain: string): string => `${table}/${chain}`

export const rulesetOf = (chains: readonly Chain[]): Ruleset =>
  new Map(chains.map(chain => [chainKey(chain.table, chain.name), chain]))

const sameRule = (a: Rule, b: Rule): boolean =>
  a === b || (a.length === b.length && a.every((word, i) => word === b[i]))

export const sameRules = (a: readonly Rule[], b: readonly Rule[]): boolean =>
  a === b || (a.length === b.length && a.every((rule, i) => sameRule(rule, b[i] ?? [])))

export const countRules = (ruleset: Ruleset, table: Table): number => {
  let count = 0
  for (const chain of ruleset.values()) if (chain.table === table) count += chain.rules.length
  return count
}
