import { joinsBoth, readsBoth, walksSecond } from '../cost.ts'
import { celCompare, celEquals, itemKey } from '../equality.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import { listKindOf, rememberListKind } from '../list-kind.ts'
import type { CelValue } from '../value.ts'
import { CelDuration, CelStruct, CelTimestamp, CelUint } from '../value.ts'

const minInt = -(2n ** 63n)
const maxInt = 2n ** 63n - 1n
const maxUint = 2n ** 64n - 1n

/** An int has 64 bits: what does not fit is an error, never wrapped. */
export const int = (value: bigint): bigint => (value < minInt || value > maxInt ? fail('integer overflow') : value)

export const uint = (value: bigint): CelUint =>
  value < 0n || value > maxUint ? fail('unsigned integer overflow') : new CelUint(value)

const nonZero = (divisor: bigint, what: 'division' | 'modulus'): bigint =>
  divisor === 0n ? fail(`${what} by zero`) : divisor

/** Lists of custom resources that are sets keep one of each; maps by key let the right side replace the left's items. */
const joinLists = (a: readonly CelValue[], b: readonly CelValue[]): readonly CelValue[] => {
  const kind = listKindOf(a)
  if (kind === undefined || kind.kind === 'atomic') return [...a, ...b]
  const keys = kind.kind === 'map' ? kind.keys : []
  const joined = [...a]
  for (const item of b) {
    const at = joined.findIndex(other => celEquals(itemKey(other, keys), itemKey(item, keys)))
    if (at < 0) joined.push(item)
    else if (kind.kind === 'map') joined[at] = item
  }
  return rememberListKind(joined, kind)
}

const addArithmetic = (table: FunctionTableBuilder): void => {
  table
    .add('_+_(int, int): int', (a: bigint, b: bigint) => int(a + b))
    .add('_-_(int, int): int', (a: bigint, b: bigint) => int(a - b))
    .add('_*_(int, int): int', (a: bigint, b: bigint) => int(a * b))
    .add('_/_(int, int): int', (a: bigint, b: bigint) => int(a / nonZero(b, 'division')))
    .add('_%_(int, int): int', (a: bigint, b: bigint) => int(a % nonZero(b, 'modulus')))
    .add('_+_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value + b.value))
    .add('_-_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value - b.value))
    .add('_*_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value * b.value))
    .add('_/_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value / nonZero(b.value, 'division')))
    .add('_%_(uint, uint): uint', (a: CelUint, b: CelUint) => uint(a.value % nonZero(b.value, 'modulus')))
    .add('_+_(double, double): double', (a: number, b: number) => a + b)
    .add('_-_(double, double): double', (a: number, b: number) => a - b)
    .add('_*_(double, double): double', (a: number, b: number) => a * b)
    .add('_/_(double, double): double', (a: number, b: number) => a / b)
    .add('-_(int): int', (a: bigint) => int(-a))
    .add('-_(double): double', (a: number) => -a)
    .add('!_(bool): bool', (a: boolean) => !a)
}

const addJoins = (table: FunctionTableBuilder): void => {
  table
    .add('_+_(string, string): string', (a: string, b: string) => a + b, joinsBoth)
    .add('_+_(bytes, bytes): bytes', (a: Uint8Array, b: Uint8Array) => Buffer.concat([a, b]), joinsBoth)
    .add('_+_(list<A>, list<A>): list<A>', joinLists, joinsBoth)
    .add(
      '_+_(timestamp, duration): timestamp',
      (a: CelTimestamp, b: CelDuration) => new CelTimestamp(a.nanos + b.nanos),
    )
    .add(
      '_+_(duration, timestamp): timestamp',
      (a: CelDuration, b: CelTimestamp) => new CelTimestamp(a.nanos + b.nanos),
    )
    .add('_+_(duration, duration): duration', (a: CelDuration, b: CelDuration) => new CelDuration(a.nanos + b.nanos))
    .add(
      '_-_(timestamp, timestamp): duration',
      (a: CelTimestamp, b: CelTimestamp) => new CelDuration(a.nanos - b.nanos),
    )
    .add(
      '_-_(timestamp, duration): timestamp',
      (a: CelTimestamp, b: CelDuration) => new CelTimestamp(a.nanos - b.nanos),
    )
    .add('_-_(duration, duration): duration', (a: CelDuration, b: CelDuration) => new CelDuration(a.nanos - b.nanos))
}

const contains = (item: CelValue, list: readonly CelValue[]): boolean => list.some(other => celEquals(item, other))

const numbers = ['int', 'uint', 'double'] as const
const ordered = ['bool', 'string', 'bytes', 'timestamp', 'duration'] as const

const addComparisons = (table: FunctionTableBuilder): void => {
  const orders: [string, (sign: number) => boolean][] = [
    ['_<_', sign => sign < 0],
    ['_<=_', sign => sign <= 0],
    ['_>_', sign => sign > 0],
    ['_>=_', sign => sign >= 0],
  ]
  const pairs = [
    ...ordered.map(type => `${type}, ${type}`),
    ...numbers.flatMap(left => numbers.map(right => `${left}, ${right}`)),
  ]
  for (const [name, holds] of orders)
    for (const pair of pairs)
      table.add(`${name}(${pair}): bool`, (a: CelValue, b: CelValue) => holds(celCompare(a, b) ?? NaN), readsBoth)
  table
    .add('_==_(A, A): bool', celEquals, readsBoth)
    .add('_!=_(A, A): bool', (a: CelValue, b: CelValue) => !celEquals(a, b), readsBoth)
    .add('@in(A, list<A>): bool', contains, walksSecond)
    .add('@in(A, map<A, B>): bool', (key: CelValue, map: CelStruct) => map.has(key))
}

/** `+ - * / % ! == != < <= > >= in`. */
export const addOperators = (table: FunctionTableBuilder): void => {
  addArithmetic(table)
  addJoins(table)
  addComparisons(table)
}
