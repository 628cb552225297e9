import { crosses, readsItems, walksFirst } from '../cost.ts'
import { celCompare, celEquals } from '../equality.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import type { CelValue } from '../value.ts'
import { CelDuration, CelUint } from '../value.ts'
import { int, uint } from './operators.ts'

type List = readonly CelValue[]

const compare = (a: CelValue, b: CelValue): number => celCompare(a, b) ?? fail('no such overload')

const isSorted = (list: List): boolean =>
  list.every((item, index) => index === 0 || compare(list[index - 1] ?? null, item) <= 0)

/** Upstream's words for what an empty list has no smallest or largest of. */
const extreme = (list: List, sign: 1 | -1): CelValue => {
  const [first, ...rest] = list
  if (first === undefined) return fail(`${sign > 0 ? 'max' : 'min'} called on empty list`)
  return rest.reduce((best, item) => (compare(item, best) * sign > 0 ? item : best), first)
}

const sumOf = (list: List): CelValue => {
  const [first = 0n] = list
  if (typeof first === 'number')
    return list.reduce<number>((sum, item) => sum + (typeof item === 'number' ? item : fail('no such overload')), 0)
  if (first instanceof CelUint)
    return list.reduce<CelUint>(
      (sum, item) => (item instanceof CelUint ? uint(sum.value + item.value) : fail('no such overload')),
      new CelUint(0n),
    )
  if (first instanceof CelDuration)
    return list.reduce<CelDuration>(
      (sum, item) => (item instanceof CelDuration ? new CelDuration(sum.nanos + item.nanos) : fail('no such overload')),
      new CelDuration(0n),
    )
  return list.reduce<bigint>((sum, item) => (typeof item === 'bigint' ? int(sum + item) : fail('no such overload')), 0n)
}

const includesAll = (list: List, items: List): boolean =>
  items.every(item => list.some(other => celEquals(item, other)))

const comparable = ['int', 'uint', 'double', 'bool', 'string', 'bytes', 'timestamp', 'duration']

/** Kubernetes' lists library, and cel-go's sets. */
export const addLists = (table: FunctionTableBuilder): void => {
  for (const type of comparable)
    table
      .add(`[list<${type}>].isSorted(): bool`, isSorted, readsItems)
      .add(`[list<${type}>].max(): ${type}`, (list: List) => extreme(list, 1), readsItems)
      .add(`[list<${type}>].min(): ${type}`, (list: List) => extreme(list, -1), readsItems)
  for (const type of ['int', 'uint', 'double', 'duration'])
    table.add(`[list<${type}>].sum(): ${type}`, sumOf, walksFirst)
  table
    .add(
      '[list<A>].indexOf(A): int',
      (list: List, item: CelValue) => BigInt(list.findIndex(other => celEquals(other, item))),
      readsItems,
    )
    .add(
      '[list<A>].lastIndexOf(A): int',
      (list: List, item: CelValue) => BigInt(list.findLastIndex(other => celEquals(other, item))),
      readsItems,
    )
    .add('sets.contains(list<A>, list<A>): bool', includesAll, crosses)
    .add(
      'sets.equivalent(list<A>, list<A>): bool',
      (a: List, b: List) => includesAll(a, b) && includesAll(b, a),
      crosses,
    )
    .add(
      'sets.intersects(list<A>, list<A>): bool',
      (a: List, b: List) => b.some(item => includesAll(a, [item])),
      crosses,
    )
}
