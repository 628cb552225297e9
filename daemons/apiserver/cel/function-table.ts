import { CelError } from './cel-error.ts'
import type { CelType, SimpleName } from './cel-type.ts'
import { listType, mapType, opaqueType, optionalType } from './cel-type.ts'
import type { CallCost } from './cost.ts'
import type { CelValue } from './value.ts'

/** One way to call a function. A method's receiver is its first parameter. */
export interface Overload {
  readonly method: boolean
  readonly params: readonly CelType[]
  readonly result: CelType
  readonly run: (...args: CelValue[]) => CelValue
  readonly cost: CallCost | undefined
}

export type FunctionTable = ReadonlyMap<string, readonly Overload[]>

const simpleNames = new Set<string>([
  'bool',
  'int',
  'uint',
  'double',
  'string',
  'bytes',
  'null',
  'timestamp',
  'duration',
  'dyn',
])
const isSimpleName = (name: string): name is SimpleName => simpleNames.has(name)

/** Splits at the commas that are not inside angle brackets. */
const splitTypes = (text: string): string[] => {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '<') depth++
    else if (text[at] === '>') depth--
    else if (text[at] === ',' && depth === 0) {
      parts.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  const last = text.slice(start).trim()
  return last === '' ? parts : [...parts, last]
}

/** `list<A>`, `map<string, int>`, `optional<A>`, a simple name, a single capital for a parameter, or an opaque type. */
const parseType = (text: string): CelType => {
  if (isSimpleName(text)) return { kind: 'simple', name: text }
  if (/^[A-Z]$/.test(text)) return { kind: 'param', name: text }
  if (text === 'type') return { kind: 'type', of: { kind: 'simple', name: 'dyn' } }
  const generic = /^(list|map|optional)<(.+)>$/.exec(text)
  if (generic === null) return opaqueType(text)
  const [first, second] = splitTypes(generic[2] ?? '').map(parseType)
  if (first === undefined) throw new CelError('compile', `bad type in a signature: ${text}`)
  if (generic[1] === 'list') return listType(first)
  return generic[1] === 'optional' ? optionalType(first) : mapType(first, second ?? first)
}

/** What fails on the values it is given. */
export const fail = (message: string): never => {
  throw new CelError('runtime', message)
}

export class FunctionTableBuilder {
  private readonly table = new Map<string, Overload[]>()

  /**
   * Adds a function by its signature: `size(string): int`, or `[string].charAt(int): string` for a method. `run` gets
   * exactly what the signature says: values are looked at before it is called.
   */
  add(signature: string, run: (...args: never[]) => CelValue, cost?: CallCost): this {
    const parts = /^(?:\[(.+)\]\.)?([^(]+)\((.*)\): (.+)$/.exec(signature)
    if (parts === null) throw new CelError('compile', `bad signature: ${signature}`)
    const [, receiver, name = '', params = '', result = ''] = parts
    const types = splitTypes(params).map(parseType)
    const overload: Overload = {
      method: receiver !== undefined,
      params: receiver === undefined ? types : [parseType(receiver), ...types],
      result: parseType(result),
      run: run as (...args: CelValue[]) => CelValue,
      cost,
    }
    const known = this.table.get(name)
    if (known === undefined) this.table.set(name, [overload])
    else known.push(overload)
    return this
  }

  build(): FunctionTable {
    return this.table
  }
}
