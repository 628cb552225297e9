import { SkiffError, unreachable } from '../../kube/errors.ts'

export type Table = 'nat' | 'filter' | 'mangle'

/** A rule as its words; a comment is one word, whatever is in it. */
export type Rule = readonly string[]

/** One line of iptables-restore's input. */
export type Op =
  | { kind: 'table'; table: Table }
  /** Makes the chain, or empties it where it stands (with --noflush). */
  | { kind: 'chain'; chain: string }
  | { kind: 'append'; chain: string; rule: Rule }
  /** Puts a rule first in a chain that is not ours. */
  | { kind: 'insert'; chain: string; rule: Rule }
  | { kind: 'delete-rule'; chain: string; rule: Rule }
  /** The chain must be empty and nothing may jump to it any more. */
  | { kind: 'delete-chain'; chain: string }
  | { kind: 'commit' }

const bare = /^[A-Za-z0-9_.,:/!=+[\]-]+$/

/** Quotes a word where it needs it; what could end the quotes or the line cannot be a word at all. */
export const renderWord = (word: string): string => {
  if (bare.test(word)) return word
  // Printable ASCII without quote and backslash: nothing in here can begin another word or line.
  if (word === '' || !/^[ !#-[\]-~]+$/.test(word))
    throw new SkiffError('INTERNAL', `a rule cannot carry the word ${JSON.stringify(word)}`)
  return `"${word}"`
}

export const renderRule = (rule: Rule): string => rule.map(renderWord).join(' ')

export const renderOp = (op: Op): string => {
  switch (op.kind) {
    case 'table':
      return `*${op.table}`
    case 'chain':
      return `:${renderWord(op.chain)} - [0:0]`
    case 'append':
      return `-A ${renderWord(op.chain)} ${renderRule(op.rule)}`
    case 'insert':
      return `-I ${renderWord(op.chain)} 1 ${renderRule(op.rule)}`
    case 'delete-rule':
      return `-D ${renderWord(op.chain)} ${renderRule(op.rule)}`
    case 'delete-chain':
      return `-X ${renderWord(op.chain)}`
    case 'commit':
      return 'COMMIT'
    default:
      return unreachable(op)
  }
}

/** The text of a whole batch, as iptables-restore reads it. */
export const renderOps = (ops: readonly Op[]): string => ops.map(op => `${renderOp(op)}\n`).join('')
