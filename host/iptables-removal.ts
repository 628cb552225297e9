import { runOk, type Exec } from './exec.ts'

const programs = { ip: ['iptables-save', 'iptables-restore'], ip6: ['ip6tables-save', 'ip6tables-restore'] } as const

/**
 * The iptables-restore text that removes every chain with the prefix, and every rule elsewhere that jumps to one,
 * from a saved rule set; undefined when there is none. Only the tables named are looked at.
 */
export const removalText = (saved: string, prefix: string, tables: readonly string[]): string | undefined => {
  const out: string[] = []
  let table = ''
  let chains: string[] = []
  let rules: string[] = []
  const jumps = new RegExp(`\\s-[jg] ${prefix.replaceAll(/[^\w-]/g, String.raw`\$&`)}\\S*`)
  const flush = () => {
    const foreign = rules.filter(rule => jumps.test(rule) && !rule.startsWith(`-A ${prefix}`))
    if (tables.includes(table) && (chains.length > 0 || foreign.length > 0))
      out.push(
        `*${table}`,
        ...foreign.map(rule => rule.replace(/^-A/, '-D')),
        ...chains.map(chain => `-F ${chain}`),
        ...chains.map(chain => `-X ${chain}`),
        'COMMIT',
      )
    chains = []
    rules = []
  }
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line.slice(1).trim()
    else if (line.startsWith(`:${prefix}`)) chains.push(line.slice(1).split(' ')[0] ?? '')
    else if (line.startsWith('-A')) rules.push(line)
    else if (line === 'COMMIT') flush()
  }
  return out.length === 0 ? undefined : `${out.join('\n')}\n`
}

/** Removes the chains in one transaction per family; nothing happens when there are none or iptables is not installed. */
export const removeChains = async (
  exec: Exec,
  what: { family: 'ip' | 'ip6'; prefix: string; tables: readonly string[] },
): Promise<void> => {
  const [save, restore] = programs[what.family]
  const text = removalText(await runOk(exec, save, []), what.prefix, what.tables)
  if (text !== undefined) await runOk(exec, restore, ['--noflush', '--wait', '10'], { stdin: text, timeoutMs: 120_000 })
}
