import { walksFirst } from '../cost.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import type { CelValue } from '../value.ts'
import { CelDuration, CelOptional, CelStruct, CelTimestamp, CelUint, isList } from '../value.ts'

const isZero = (value: CelValue): boolean => {
  if (value === null || value === false || value === 0 || value === 0n || value === '') return true
  if (value instanceof CelUint) return value.value === 0n
  if (isList(value) || value instanceof Uint8Array) return value.length === 0
  if (value instanceof CelStruct) return value.size === 0
  return (value instanceof CelTimestamp || value instanceof CelDuration) && value.nanos === 0n
}

const first = (list: readonly CelValue[]): CelOptional =>
  list[0] === undefined ? CelOptional.none : new CelOptional(list[0])

const last = (list: readonly CelValue[]): CelOptional => first(list.slice(-1))

const unwrap = (list: readonly CelValue[]): readonly CelValue[] =>
  list.flatMap(item => {
    if (!(item instanceof CelOptional)) return fail('no such overload')
    return item.value === undefined ? [] : [item.value]
  })

/** Optional values; `or`, `orValue`, `optMap`, `optFlatMap` and `?.` are the compiler's, as they do not look at every argument. */
export const addOptionals = (table: FunctionTableBuilder): void => {
  table
    .add('optional.of(A): optional<A>', (value: CelValue) => new CelOptional(value))
    .add('optional.ofNonZeroValue(A): optional<A>', (value: CelValue) =>
      isZero(value) ? CelOptional.none : new CelOptional(value),
    )
    .add('optional.none(): optional<A>', () => CelOptional.none)
    .add('[optional<A>].hasValue(): bool', (held: CelOptional) => held.value !== undefined)
    .add(
      '[optional<A>].value(): A',
      (held: CelOptional) => held.value ?? (held.value === null ? null : fail('optional.none() dereference')),
    )
  table
    .add('[list<A>].first(): optional<A>', first)
    .add('[list<A>].last(): optional<A>', last)
    .add('optional.unwrap(list<optional<A>>): list<A>', unwrap, walksFirst)
    .add('[list<optional<A>>].unwrapOpt(): list<A>', unwrap, walksFirst)
}
