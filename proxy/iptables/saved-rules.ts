import type { Rule, Table } from './op.ts'

/** Rules as the kernel has them: iptables-save's output (iptables-restore's input reads alike). */
export interface SavedTable {
  /** By name; `policy` is `-` for chains that users made. */
  chains: Map<string, { policy: string; rules: Rule[] }>
}

export type SavedRules = Map<Table, SavedTable>

/** Splits a line into words, honouring double quotes and backslashes within them. */
export const splitWords = (line: string): string[] => {
  const words: string[] = []
  let word = ''
  let quoted = false
  let started = false
  for (let i = 0; i < line.length; i++) {
    const c = line[i] ?? ''
    if (c === '\\' && quoted) word += line[++i] ?? ''
    else if (c === '"') {
      quoted = !quoted
      started = true
    } else if (!quoted && (c === ' ' || c === '\t')) {
      if (started) words.push(word)
      word = ''
      started = false
    } else {
      word += c
      started = true
    }
  }
  if (started) words.push(word)
  return words
}

/** Lines that are not rules of a table (comments, counters in brackets) are passed over. */
export const parseSavedRules = (text: string): SavedRules => {
  const tables: SavedRules = new Map()
  let current: SavedTable = { chains: new Map() }
  const chain = (name: string) => {
    let found = current.chains.get(name)
    if (found === undefined) current.chains.set(name, (found = { policy: '-', rules: [] }))
    return found
  }
  for (const raw of text.split('\n')) {
    const line = raw.replace(/^\[\d+:\d+\] /, '')
    if (line.startsWith('*')) {
      const table = line.slice(1).trim() as Table
      current = tables.get(table) ?? { chains: new Map() }
      tables.set(table, current)
    } else if (line.startsWith(':')) {
      const [name = '', policy = '-'] = line.slice(1).split(' ')
      chain(name).policy = policy
    } else if (line.startsWith('-A ')) {
      const [, name = '', ...rule] = splitWords(line)
      chain(name).rules.push(rule)
    } else if (line.startsWith('-I ')) {
      // In restore input: `-I CHAIN 1 rule`.
      const [, name = '', at = '', ...rule] = splitWords(line)
      chain(name).rules.unshift(/^\d+$/.test(at) ? rule : [at, ...rule])
    }
  }
  return tables
}

/** Where a rule leads: the word after -j or -g. */
export const targetOf = (rule: Rule): string | undefined => {
  const at = rule.findIndex(word => word === '-j' || word === '-g')
  return at === -1 ? undefined : rule[at + 1]
}
