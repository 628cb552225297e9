import { readsFirst } from '../cost.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import { formatDuration, formatTimestamp, parseDuration, parseTimestamp } from '../time-text.ts'
import type { CelStruct, CelValue } from '../value.ts'
import { CelDuration, CelTimestamp, CelTypeValue, CelUint, typeNameOf } from '../value.ts'
import { int, uint } from './operators.ts'

/** Characters, not UTF-16 units. */
export const characterCount = (text: string): bigint => {
  let count = 0n
  for (const _ of text) count++
  return count
}

/** As Go writes a double: `1e+06`, `+Inf`, `1` for 1.0. */
export const doubleText = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  if (size !== 0 && (size < 1e-4 || size >= 1e21)) return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2')
  return `${value}`
}

const intFromText = (text: string): bigint =>
  /^[+-]?\d+$/.test(text)
    ? int(BigInt(text.replace('+', '')))
    : fail(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)

const uintFromText = (text: string): CelUint =>
  /^\d+$/.test(text) ? uint(BigInt(text)) : fail(`strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)

const doubleFromText = (text: string): number => {
  if (/^[+-]?(?:inf|infinity)$/i.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (/^nan$/i.test(text)) return NaN
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)
    ? Number(text)
    : fail(`strconv.ParseFloat: parsing ${JSON.stringify(text)}: invalid syntax`)
}

const truncated = (value: number): bigint =>
  Number.isFinite(value) ? BigInt(Math.trunc(value)) : fail('integer overflow')

const textOfBytes = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return fail('invalid UTF-8 in bytes, cannot convert to string')
  }
}

const boolFromText = (text: string): boolean => {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true
  return /^(?:0|f|F|FALSE|false|False)$/.test(text)
    ? false
    : fail(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`)
}

const perSecond = 1_000_000_000n

const addNumbers = (table: FunctionTableBuilder): void => {
  table
    .add('int(int): int', (value: bigint) => value)
    .add('int(uint): int', (value: CelUint) => int(value.value))
    .add('int(double): int', (value: number) => int(truncated(value)))
    .add('int(string): int', intFromText, readsFirst)
    .add('int(timestamp): int', (value: CelTimestamp) => value.nanos / perSecond)
    .add('int(duration): int', (value: CelDuration) => value.nanos)
    .add('uint(uint): uint', (value: CelUint) => value)
    .add('uint(int): uint', uint)
    .add('uint(double): uint', (value: number) => uint(truncated(value)))
    .add('uint(string): uint', uintFromText, readsFirst)
    .add('double(double): double', (value: number) => value)
    .add('double(int): double', (value: bigint) => Number(value))
    .add('double(uint): double', (value: CelUint) => Number(value.value))
    .add('double(string): double', doubleFromText, readsFirst)
    .add('bool(bool): bool', (value: boolean) => value)
    .add('bool(string): bool', boolFromText, readsFirst)
}

const addTexts = (table: FunctionTableBuilder): void => {
  table
    .add('string(string): string', (value: string) => value)
    .add('string(bool): string', (value: boolean) => `${value}`)
    .add('string(int): string', (value: bigint) => `${value}`)
    .add('string(uint): string', (value: CelUint) => `${value.value}`)
    .add('string(double): string', doubleText)
    .add('string(bytes): string', textOfBytes, readsFirst)
    .add('string(timestamp): string', formatTimestamp)
    .add('string(duration): string', formatDuration)
    .add('bytes(string): bytes', (value: string) => Buffer.from(value), readsFirst)
    .add('bytes(bytes): bytes', (value: Uint8Array) => value)
    .add('timestamp(string): timestamp', (text: string) => parseTimestamp(text) ?? fail(`invalid timestamp: ${text}`))
    .add('timestamp(int): timestamp', (seconds: bigint) => new CelTimestamp(seconds * perSecond))
    .add('timestamp(timestamp): timestamp', (value: CelTimestamp) => value)
    .add(
      'duration(string): duration',
      (text: string) => parseDuration(text) ?? fail(`time: invalid duration ${JSON.stringify(text)}`),
    )
    .add('duration(int): duration', (nanos: bigint) => new CelDuration(nanos))
    .add('duration(duration): duration', (value: CelDuration) => value)
    .add('type(dyn): type', (value: CelValue) => new CelTypeValue(typeNameOf(value)))
    .add('dyn(A): dyn', (value: CelValue) => value)
}

const addSizes = (table: FunctionTableBuilder): void => {
  for (const form of ['size(TYPE): int', '[TYPE].size(): int'])
    table
      .add(form.replace('TYPE', 'string'), characterCount)
      .add(form.replace('TYPE', 'bytes'), (value: Uint8Array) => BigInt(value.length))
      .add(form.replace('TYPE', 'list<A>'), (value: readonly CelValue[]) => BigInt(value.length))
      .add(form.replace('TYPE', 'map<A, B>'), (value: CelStruct) => BigInt(value.size))
}

/** `int() uint() double() bool() string() bytes() timestamp() duration() type() dyn() size()`. */
export const addConversions = (table: FunctionTableBuilder): void => {
  addNumbers(table)
  addTexts(table)
  addSizes(table)
}
