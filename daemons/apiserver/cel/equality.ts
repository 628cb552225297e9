import { listKindOf } from './list-kind.ts'
import type { CelValue } from './value.ts'
import { CelDuration, CelOpaque, CelOptional, CelStruct, CelTimestamp, CelTypeValue, CelUint, isList } from './value.ts'

const numeric = (value: CelValue): number | bigint | undefined => {
  if (value instanceof CelUint) return value.value
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined
}

const sameMaps = (a: CelStruct, b: CelStruct): boolean => {
  const keys = a.keys()
  if (keys.length !== b.size) return false
  return keys.every(key => {
    const left = a.get(key)
    const right = b.get(key)
    return left !== undefined && right !== undefined && celEquals(left, right)
  })
}

/** The identity of an item of a list that is a map by keys. */
export const itemKey = (item: CelValue, keys: readonly string[]): CelValue[] =>
  item instanceof CelStruct ? keys.map(key => item.get(key) ?? null) : [item]

/** Lists of custom resources that are sets, or maps by keys, are equal in any order. */
const sameLists = (a: readonly CelValue[], b: readonly CelValue[]): boolean => {
  if (a.length !== b.length) return false
  if (listKindOf(a) === undefined || listKindOf(b) === undefined)
    return a.every((item, index) => celEquals(item, b[index] ?? null))
  return a.every(item => b.some(other => celEquals(item, other)))
}

/** Equality across types: numbers by their value, what cannot be compared is not equal. */
export const celEquals = (a: CelValue, b: CelValue): boolean => {
  if (a === b) return true
  const left = numeric(a)
  const right = numeric(b)
  // eslint-disable-next-line eqeqeq -- 1 and 1.0 and 1u are equal
  if (left !== undefined && right !== undefined) return left == right
  if (isList(a)) return isList(b) && sameLists(a, b)
  if (a instanceof CelStruct) return b instanceof CelStruct && sameMaps(a, b)
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  if (a instanceof CelTimestamp) return b instanceof CelTimestamp && a.nanos === b.nanos
  if (a instanceof CelDuration) return b instanceof CelDuration && a.nanos === b.nanos
  if (a instanceof CelTypeValue) return b instanceof CelTypeValue && a.name === b.name
  if (a instanceof CelOpaque) return b instanceof CelOpaque && a.typeName === b.typeName && a.key === b.key
  if (a instanceof CelOptional && b instanceof CelOptional)
    return a.value === undefined || b.value === undefined ? a.value === b.value : celEquals(a.value, b.value)
  return false
}

/** Negative, zero or positive; undefined where the two have no order. NaN has none either. */
export const celCompare = (a: CelValue, b: CelValue): number | undefined => {
  const left = numeric(a)
  const right = numeric(b)
  if (left !== undefined && right !== undefined) return left < right ? -1 : left > right ? 1 : left >= right ? 0 : NaN
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b))
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b)
  if (
    (a instanceof CelTimestamp && b instanceof CelTimestamp) ||
    (a instanceof CelDuration && b instanceof CelDuration)
  )
    return a.nanos < b.nanos ? -1 : a.nanos > b.nanos ? 1 : 0
  return undefined
}
