import { Environment, ParseError } from '@marcbachmann/cel-js'
import type { ASTNode } from '@marcbachmann/cel-js'
import type { CelIssue } from './cel-error.ts'
import type { CelValue } from './value.ts'
import { CelUint } from './value.ts'

/** `offset` is where messages point: the operator, the dot, the opening parenthesis; as upstream's. */
export type Expression =
  | { kind: 'literal'; offset: number; value: CelValue }
  | { kind: 'identifier'; offset: number; name: string }
  | { kind: 'select'; offset: number; operand: Expression; field: string; optional: boolean }
  | { kind: 'has'; offset: number; select: Expression & { kind: 'select' } }
  | { kind: 'call'; offset: number; name: string; target: Expression | undefined; args: Expression[] }
  | { kind: 'list'; offset: number; elements: Expression[] }
  | { kind: 'map'; offset: number; entries: [Expression, Expression][] }
  | Comprehension
  | { kind: 'optMap'; offset: number; flat: boolean; target: Expression; variable: string; body: Expression }

export interface Comprehension {
  kind: 'comprehension'
  offset: number
  macro: ComprehensionMacro
  range: Expression
  /** One name, or two: index and value of a list, key and value of a map. */
  variables: string[]
  filter: Expression | undefined
  body: Expression
}

export type ComprehensionMacro =
  | 'all'
  | 'exists'
  | 'exists_one'
  | 'map'
  | 'filter'
  | 'transformList'
  | 'transformMap'
  | 'transformMapEntry'

/** Collects what the parser cannot see to be wrong; thrown as one error by whoever compiles. */
class Translation {
  readonly issues: CelIssue[] = []
  readonly source: string
  constructor(source: string) {
    this.source = source
  }

  find(text: string, from: number): number {
    const at = this.source.indexOf(text, from)
    return at < 0 ? from : at
  }

  complain(offset: number, message: string): void {
    this.issues.push({ offset, message })
  }
}

const binaryNames: Readonly<Record<string, string>> = { in: '@in', '[]': '_[_]', '[?]': '_[?_]' }

/** The library's unsigned integers are a class that it does not give out. */
const literal = (value: unknown): CelValue =>
  typeof value === 'object' && value !== null && 'value' in value && typeof value.value === 'bigint'
    ? new CelUint(value.value)
    : (value as CelValue)

const maxInt = 2n ** 63n - 1n

/** Whole numbers are checked here: `-9223372036854775808` is one number, and one more is no number at all. */
const literalNode = (t: Translation, node: ASTNode, negative: boolean): Expression => {
  const value = literal(node.args)
  const signed = negative && (typeof value === 'bigint' || typeof value === 'number') ? -value : value
  if (typeof signed === 'bigint' && (signed > maxInt || signed < -maxInt - 1n))
    t.complain(node.start, 'Syntax error: invalid int literal')
  return { kind: 'literal', offset: negative ? node.start - 1 : node.start, value: signed }
}

const variableName = (t: Translation, node: ASTNode): string => {
  if (node.op === 'id') return node.args
  t.complain(node.pos, 'argument must be a simple name')
  return '@invalid'
}

const memberComprehension = (
  t: Translation,
  at: { name: string; offset: number; target: ASTNode },
  args: readonly ASTNode[],
): Expression | undefined => {
  const two = (macro: ComprehensionMacro, variables: number, filtered: boolean): Expression => ({
    kind: 'comprehension',
    offset: at.offset,
    macro,
    range: translate(t, at.target),
    variables: args.slice(0, variables).map(arg => variableName(t, arg)),
    filter: filtered ? translate(t, args[variables]!) : undefined,
    body: translate(t, args.at(-1)!),
  })
  const count = args.length
  switch (at.name) {
    case 'all':
    case 'exists':
    case 'filter':
      if (count === 2) return two(at.name, 1, false)
      return count === 3 && at.name !== 'filter' ? two(at.name, 2, false) : undefined
    case 'exists_one':
    case 'existsOne':
      return count === 2 || count === 3 ? two('exists_one', count - 1, false) : undefined
    case 'map':
      return count === 2 || count === 3 ? two('map', 1, count === 3) : undefined
    case 'transformList':
    case 'transformMap':
    case 'transformMapEntry':
      return count === 3 || count === 4 ? two(at.name, 2, count === 4) : undefined
    default:
      return undefined
  }
}

const memberCall = (t: Translation, node: ASTNode & { op: 'rcall' }): Expression => {
  const [name, target, args] = node.args
  const offset = t.find('(', t.find(`${name}`, target.end))
  const comprehension = memberComprehension(t, { name, offset, target }, args)
  if (comprehension !== undefined) return comprehension
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2)
    return {
      kind: 'optMap',
      offset,
      flat: name === 'optFlatMap',
      target: translate(t, target),
      variable: variableName(t, args[0]!),
      body: translate(t, args[1]!),
    }
  const translated = args.map(arg => translate(t, arg))
  return { kind: 'call', offset, name, target: translate(t, target), args: translated }
}

const hasMacro = (t: Translation, node: ASTNode & { op: 'call' }): Expression => {
  const offset = t.find('(', node.start)
  const select = translate(t, node.args[1][0]!)
  if (select.kind === 'select' && !select.optional) return { kind: 'has', offset, select }
  t.complain(offset, 'invalid argument to has() macro')
  return { kind: 'literal', offset, value: false }
}

const binary = (t: Translation, node: ASTNode, args: readonly [ASTNode, ASTNode]): Expression => {
  const [left, right] = args
  const token = node.op === '[]' || node.op === '[?]' ? '[' : node.op
  return {
    kind: 'call',
    offset: t.find(token, left.end),
    name: binaryNames[node.op] ?? `_${node.op}_`,
    target: undefined,
    args: [translate(t, left), translate(t, right)],
  }
}

const translate = (t: Translation, node: ASTNode): Expression => {
  switch (node.op) {
    case 'value':
      return literalNode(t, node, false)
    case 'id':
      return { kind: 'identifier', offset: node.start, name: node.args }
    case '.':
    case '.?': {
      const dot = t.source.lastIndexOf('.', node.pos - 1)
      const operand = translate(t, node.args[0])
      return { kind: 'select', offset: dot, operand, field: node.args[1], optional: node.op === '.?' }
    }
    case 'call': {
      const [name, args] = node.args
      if (name === 'has' && args.length === 1) return hasMacro(t, node)
      const translated = args.map(arg => translate(t, arg))
      return { kind: 'call', offset: t.find('(', node.start), name, target: undefined, args: translated }
    }
    case 'rcall':
      return memberCall(t, node)
    case 'list':
      return { kind: 'list', offset: node.start, elements: node.args.map(arg => translate(t, arg)) }
    case 'map':
      return {
        kind: 'map',
        offset: node.start,
        entries: node.args.map(([key, value]) => [translate(t, key), translate(t, value)]),
      }
    case '?:':
      return {
        kind: 'call',
        offset: t.find('?', node.args[0].end),
        name: '_?_:_',
        target: undefined,
        args: node.args.map(arg => translate(t, arg)),
      }
    case '!_':
    case '-_':
      if (node.op === '-_' && node.args.op === 'value' && node.args.start === node.start + 1)
        return literalNode(t, node.args, true)
      return { kind: 'call', offset: node.start, name: node.op, target: undefined, args: [translate(t, node.args)] }
    default:
      return binary(t, node, node.args)
  }
}

const parser = new Environment({ enableOptionalTypes: true, limits: { maxDepth: 200, maxListElements: 10_000 } })

/** The expression a text spells, or what is wrong with it. Only the library's parser is used, never its evaluator. */
export const parseExpression = (source: string): { expression: Expression | undefined; issues: CelIssue[] } => {
  try {
    const t = new Translation(source)
    const expression = translate(t, parser.parse(source).ast)
    return { expression, issues: t.issues }
  } catch (error) {
    if (!(error instanceof ParseError)) throw error
    const offset = Math.min(error.range?.start ?? 0, source.length)
    return { expression: undefined, issues: [{ offset, message: `Syntax error: ${error.summary}` }] }
  }
}
