import { isProxyChain, isServiceChain } from './chain-names.ts'
import type { Jump } from './jumps.ts'
import type { Op, Table } from './op.ts'
import { chainKey, sameRules, type Chain, type Ruleset } from './ruleset.ts'
import { targetOf, type SavedRules } from './saved-rules.ts'

const tables: readonly Table[] = ['mangle', 'filter', 'nat']

/** Emptied first, so that none of them holds another; then removed. */
const removal = (names: readonly string[]): { declare: Op[]; remove: Op[] } => ({
  declare: names.map(chain => ({ kind: 'chain', chain })),
  remove: names.map(chain => ({ kind: 'delete-chain', chain })),
})

const declaration = (chain: Chain): Op => ({ kind: 'chain', chain: chain.name })
const body = (chain: Chain): Op[] => chain.rules.map(rule => ({ kind: 'append', chain: chain.name, rule }))

/**
 * From one ruleset of ours to the next: only the chains that differ are written, those that are gone are removed.
 * Presumes the kernel holds `before`; where it does not, iptables-restore refuses the whole batch and changes nothing.
 */
export const planPartialSync = (before: Ruleset, after: Ruleset): Op[] =>
  tables.flatMap((table): Op[] => {
    const changed = [...after].flatMap(([key, chain]) => {
      const old = before.get(key)
      const same = old !== undefined && (old === chain || sameRules(old.rules, chain.rules))
      return chain.table === table && !same ? [chain] : []
    })
    const gone = [...before].flatMap(([key, chain]) => (chain.table === table && !after.has(key) ? [chain.name] : []))
    if (changed.length === 0 && gone.length === 0) return []
    const { declare, remove } = removal(gone)
    return [
      { kind: 'table', table },
      ...changed.map(declaration),
      ...declare,
      ...changed.flatMap(body),
      ...remove,
      { kind: 'commit' },
    ]
  })

/** Chains whose accept rules would let a packet pass before KUBE-SERVICES can refuse it. */
const mustComeAfter = ['SKIFF-FORWARD']

/**
 * Jumps that are not there, put first in their chains. When one of a chain is missing, or stands behind somebody
 * else's accept rules, all of that chain are taken out and put back, so that their order is always the same.
 */
export const planJumps = (wanted: readonly Jump[], saved: SavedRules, table: Table): Op[] => {
  const chains = [...new Set(wanted.filter(j => j.table === table).map(j => j.from))]
  return chains.flatMap((from): Op[] => {
    const mine = wanted.filter(j => j.table === table && j.from === from)
    const standing = saved.get(table)?.chains.get(from)?.rules ?? []
    const at = (target: string) => standing.findIndex(rule => targetOf(rule) === target)
    const last = Math.max(...mine.map(j => at(j.to)))
    const overtaken = mustComeAfter.some(name => at(name) !== -1 && at(name) < last)
    const missing = mine.some(j => at(j.to) === -1)
    if (!missing && !overtaken) return []
    const ours = standing.filter(rule => mine.some(j => j.to === targetOf(rule)))
    return [
      ...ours.map((rule): Op => ({ kind: 'delete-rule', chain: from, rule })),
      ...mine.map((j): Op => ({ kind: 'insert', chain: from, rule: j.rule })),
    ]
  })
}

interface FullSync {
  ruleset: Ruleset
  jumps: readonly Jump[]
  /** What iptables-save showed just before. */
  saved: SavedRules
  /** Most rules in one batch: iptables-nft's cost of a batch grows faster than its size. */
  maxRulesPerBatch?: number
}

/** Cuts the chains of a table into batches; a chain comes after all it jumps to, so every cut leaves working rules. */
const batches = (chains: readonly Chain[], standing: ReadonlySet<string>, max: number): Op[][] => {
  const total = chains.reduce((sum, chain) => sum + chain.rules.length, 0)
  if (total <= max) return [[...chains.map(declaration), ...chains.flatMap(body)]]
  const out: { declare: Op[]; rules: Op[] }[] = []
  let current: { declare: Op[]; rules: Op[] } = { declare: [], rules: [] }
  const cut = () => {
    out.push(current)
    current = { declare: [], rules: [] }
  }
  for (const chain of chains) {
    if (current.rules.length > 0 && current.rules.length + chain.rules.length > max) cut()
    current.declare.push(declaration(chain))
    for (const op of body(chain)) {
      // A chain that already serves traffic is replaced in one step, however long it is.
      if (current.rules.length >= max && !standing.has(chain.name)) cut()
      current.rules.push(op)
    }
  }
  cut()
  return out.map(batch => [...batch.declare, ...batch.rules])
}

/**
 * Everything anew, whatever stands: our chains are written, Service chains nobody wants any more are removed, jumps
 * are put back. One batch, or several for a big cold start.
 */
export const planFullSync = ({ ruleset, jumps, saved, maxRulesPerBatch = 2000 }: FullSync): Op[][] => {
  const all = [...ruleset.values()]
  return tables.flatMap(table => {
    const standing = new Set(saved.get(table)?.chains.keys())
    const stale = [...standing].filter(name => isServiceChain(name) && !ruleset.has(chainKey(table, name)))
    const { declare, remove } = removal(stale)
    const mine = all.filter(chain => chain.table === table)
    const parts = batches(mine, standing, maxRulesPerBatch)
    const end: Op[] = [...planJumps(jumps, saved, table), ...remove, { kind: 'commit' }]
    return parts.map((part, i): Op[] => {
      const lastPart = i === parts.length - 1
      return [{ kind: 'table', table }, ...(lastPart ? declare : []), ...part, ...(lastPart ? end : commitOnly)]
    })
  })
}

const commitOnly: readonly Op[] = [{ kind: 'commit' }]

/** Takes every chain of ours and every jump to them out again: --cleanup. Nothing of ours there: no ops. */
export const planCleanup = (saved: SavedRules): Op[] =>
  tables.flatMap((table): Op[] => {
    const chains = saved.get(table)?.chains ?? new Map<string, never>()
    const mine = [...chains.keys()].filter(isProxyChain)
    if (mine.length === 0) return []
    const { declare, remove } = removal(mine)
    const detach = [...chains].flatMap(([chain, { rules }]) =>
      isProxyChain(chain)
        ? []
        : rules.flatMap((rule): Op[] =>
            isProxyChain(targetOf(rule) ?? '') ? [{ kind: 'delete-rule', chain, rule }] : [],
          ),
    )
    return [{ kind: 'table', table }, ...declare, ...detach, ...remove, { kind: 'commit' }]
  })
