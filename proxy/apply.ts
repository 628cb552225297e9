import type { Exec } from '../host/exec.ts'
import { SkiffError } from '../kube/errors.ts'
import type { Family } from './model/ip.ts'
import { renderOps, type Op, type Table } from './iptables/op.ts'
import { parseSavedRules, type SavedRules } from './iptables/saved-rules.ts'

const programs = {
  ip: { restore: 'iptables-restore', save: 'iptables-save', iptables: 'iptables' },
  ip6: { restore: 'ip6tables-restore', save: 'ip6tables-save', iptables: 'ip6tables' },
} as const

export interface ApplyTarget {
  exec: Exec
  family: Family
  signal?: AbortSignal
}

const run = (target: ApplyTarget, program: keyof (typeof programs)['ip'], args: readonly string[], stdin = '') =>
  target.exec.run(programs[target.family][program], args, {
    stdin,
    // A big batch on a slow machine takes its time; killing it half way would only start it over.
    timeoutMs: 120_000,
    ...(target.signal === undefined ? {} : { signal: target.signal }),
  })

/** Names the line iptables-restore stumbled over: its own message has only the number. */
const offendingLine = (stderr: string, text: string): string => {
  const at = /line:? (\d+)/.exec(stderr)?.[1]
  const line = at === undefined ? undefined : text.split('\n')[Number(at) - 1]
  return line === undefined ? '' : ` (line ${at}: ${line})`
}

/**
 * Carries a batch out: the only place where rules are written. Each table's part is atomic.
 * Throws COMMAND_FAILED with the line that was refused; then the kernel holds what it held before that table.
 */
export const applyOps = async (target: ApplyTarget, ops: readonly Op[]): Promise<void> => {
  if (ops.length === 0) return
  const text = renderOps(ops)
  const result = await run(target, 'restore', ['--noflush', '--wait', '5'], text)
  if (result.exitCode === 0) return
  const said = result.stderr.trim().slice(0, 1000)
  throw new SkiffError(
    'COMMAND_FAILED',
    `${programs[target.family].restore}: exit code ${result.exitCode}: ${said}${offendingLine(said, text)}`,
  )
}

/** What stands in these tables. `legacy`: rules of the old kernel interface stand beside them and are seen first. */
export const readRules = async (
  target: ApplyTarget,
  tables: readonly Table[],
): Promise<{ saved: SavedRules; legacy: boolean }> => {
  const saved: SavedRules = new Map()
  let legacy = false
  for (const table of tables) {
    const result = await run(target, 'save', ['-t', table])
    if (result.exitCode !== 0)
      throw new SkiffError('COMMAND_FAILED', `${programs[target.family].save} -t ${table}: ${result.stderr.trim()}`)
    legacy ||= /iptables-legacy tables present/.test(result.stderr + result.stdout.slice(0, 400))
    for (const [name, rules] of parseSavedRules(result.stdout)) saved.set(name, rules)
  }
  return { saved, legacy }
}

/** True when the chain is there with at least one rule that has all of these words. */
export const chainHas = async (
  target: ApplyTarget,
  where: { table: Table; chain: string; words: readonly string[] },
): Promise<boolean> => {
  const result = await run(target, 'iptables', ['--wait', '5', '-t', where.table, '-S', where.chain])
  return (
    result.exitCode === 0 &&
    result.stdout.split('\n').some(line => line.startsWith('-A') && where.words.every(word => line.includes(word)))
  )
}
