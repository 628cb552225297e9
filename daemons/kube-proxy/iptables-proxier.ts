import type { Journal } from '../../host/journal.ts'
import { applyOps, chainHas, readRules, type ApplyTarget } from '../../proxy/apply.ts'
import { fixedChains } from '../../proxy/iptables/chain-names.ts'
import { planCleanup, planFullSync, planPartialSync } from '../../proxy/iptables/plan-sync.ts'
import { canaryTables, RulesetRenderer } from '../../proxy/iptables/render-ruleset.ts'
import type { Ruleset } from '../../proxy/iptables/ruleset.ts'
import type { IptablesSettings } from '../../proxy/iptables/settings.ts'
import type { ServicePortPlan } from '../../proxy/model/service-port-plan.ts'
import type { Op } from '../../proxy/iptables/op.ts'

export interface SyncReport {
  kind: 'full' | 'partial' | 'none'
  /** Lines given to iptables-restore, by table. */
  written: Readonly<Record<string, number>>
  ruleset: Ruleset
  /** The error of a partial sync that was made good by a full one. */
  partialFailure: unknown
  /** Rules of iptables-legacy stand beside ours (known after a full sync). */
  legacy: boolean
}

const linesByTable = (ops: readonly Op[]): Record<string, number> => {
  const lines: Record<string, number> = {}
  let table = ''
  for (const op of ops) {
    if (op.kind === 'table') table = op.table
    lines[table] = (lines[table] ?? 0) + 1
  }
  return lines
}

/** Keeps the kernel's rules like the plans: the first time, and whenever it lost track, by writing all of them. */
export class IptablesProxier {
  readonly #target: ApplyTarget
  readonly #journal: Journal
  #renderer: RulesetRenderer
  /** What the kernel holds of ours; undefined: not known. */
  #standing: Ruleset | undefined
  constructor(target: ApplyTarget, settings: IptablesSettings, journal: Journal) {
    this.#target = target
    this.#journal = journal
    this.#renderer = new RulesetRenderer(settings)
  }

  /** New settings are in force from the next sync on. */
  configure(settings: IptablesSettings): void {
    this.#renderer = new RulesetRenderer(settings)
  }

  /** The next sync writes everything. */
  forget(): void {
    this.#standing = undefined
  }

  async sync(plans: Iterable<ServicePortPlan>): Promise<SyncReport> {
    const ruleset = this.#renderer.render(plans)
    let partialFailure: unknown
    if (this.#standing !== undefined) {
      const ops = planPartialSync(this.#standing, ruleset)
      const report = { written: linesByTable(ops), ruleset, partialFailure: undefined, legacy: false }
      if (ops.length === 0) return { kind: 'none', ...report }
      try {
        await applyOps(this.#target, ops)
        this.#standing = ruleset
        return { kind: 'partial', ...report }
      } catch (error) {
        // A table before the refused one may have been written: what stands is not known any more.
        this.#standing = undefined
        this.#target.signal?.throwIfAborted()
        partialFailure = error
      }
    }
    const { family } = this.#target
    this.#journal.record({ kind: 'iptables', family, prefix: 'KUBE-', tables: ['nat', 'filter', 'mangle'] })
    const { saved, legacy } = await readRules(this.#target, ['mangle', 'filter', 'nat'])
    const batches = planFullSync({ ruleset, jumps: this.#renderer.jumps, saved })
    // Small batches go together: one program start instead of one a table.
    for (const ops of joined(batches)) await applyOps(this.#target, ops)
    this.#standing = ruleset
    return { kind: 'full', written: linesByTable(batches.flat()), ruleset, partialFailure, legacy }
  }

  /** A look at the places where flushed rules show: the canaries and the chains that lead into ours. */
  async intact(): Promise<boolean> {
    const places = [
      ...canaryTables.map(table => ({ table, chain: fixedChains.canary, words: [] })),
      { table: 'filter', chain: 'FORWARD', words: [`-j ${fixedChains.forward}`] },
      { table: 'nat', chain: 'PREROUTING', words: [`-j ${fixedChains.services}`] },
      { table: 'nat', chain: 'POSTROUTING', words: [`-j ${fixedChains.postrouting}`] },
    ] as const
    for (const place of places) if (!(await chainHas(this.#target, place))) return false
    return true
  }
}

const joined = (batches: readonly Op[][]): Op[][] =>
  batches.reduce<Op[][]>((out, ops) => {
    const last = out.at(-1)
    if (last !== undefined && last.length + ops.length <= 3000) last.push(...ops)
    else out.push([...ops])
    return out
  }, [])

/** --cleanup: takes all rules of kube-proxy out; a second time does nothing. */
export const cleanupIptables = async (target: ApplyTarget): Promise<void> => {
  const { saved } = await readRules(target, ['mangle', 'filter', 'nat'])
  await applyOps(target, planCleanup(saved))
}
