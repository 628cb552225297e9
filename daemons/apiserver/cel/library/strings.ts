import { readsFirst, searches, writesResult } from '../cost.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import type { CelValue } from '../value.ts'
import { formatString } from './format-string.ts'

/** Positions count characters; texts of ASCII need no taking apart. */
const characters = (text: string): readonly string[] => Array.from(text)

const isAscii = (text: string): boolean => /^[\0-\x7f]*$/.test(text)

const slice = (text: string, start: number, end?: number): string =>
  isAscii(text) ? text.slice(start, end) : characters(text).slice(start, end).join('')

const lengthOf = (text: string): number => (isAscii(text) ? text.length : characters(text).length)

/** The position in characters of a position in UTF-16 units. */
const position = (text: string, at: number): bigint => BigInt(at < 0 ? -1 : lengthOf(text.slice(0, at)))

const charAt = (text: string, index: bigint): string => {
  const at = Number(index)
  if (at < 0 || at > lengthOf(text)) return fail(`index out of range: ${index}`)
  return slice(text, at, at + 1)
}

const indexOf = (text: string, part: string, from = 0n): bigint => {
  const start = Number(from)
  if (start < 0 || (start > lengthOf(text) && part !== '')) return fail(`index out of range: ${from}`)
  if (part === '') return from
  return position(text, text.indexOf(part, slice(text, 0, start).length))
}

const lastIndexOf = (text: string, part: string, from?: bigint): bigint => {
  const length = lengthOf(text)
  const start = from === undefined ? length : Number(from)
  if (start < 0 || (from !== undefined && start >= length && part !== '')) return fail(`index out of range: ${from}`)
  if (part === '') return BigInt(start)
  return position(text, text.lastIndexOf(part, slice(text, 0, start).length))
}

const substring = (text: string, start: bigint, end?: bigint): string => {
  const length = lengthOf(text)
  const last = end === undefined ? length : Number(end)
  const first = Number(start)
  if (first > last) return fail(`invalid substring range. start: ${start}, end: ${end ?? length}`)
  if (first < 0 || first > length) return fail(`index out of range: ${start}`)
  if (last < 0 || last > length) return fail(`index out of range: ${end}`)
  return slice(text, first, last)
}

const replace = (text: string, from: string, to: string, limit = -1n): string => {
  let left = limit < 0n ? Infinity : Number(limit)
  const parts = from === '' ? ['', ...characters(text), ''] : text.split(from)
  let result = parts[0] ?? ''
  for (const part of parts.slice(1)) result += (left-- > 0 ? to : from) + part
  return result
}

/** An empty separator gives the characters; a limit of 0 gives nothing, and the last part holds the rest. */
const split = (text: string, separator: string, limit = -1n): string[] => {
  const parts = separator === '' ? [...characters(text)] : text.split(separator)
  if (limit < 0n || BigInt(parts.length) <= limit) return parts
  if (limit === 0n) return []
  const kept = Number(limit) - 1
  return [...parts.slice(0, kept), parts.slice(kept).join(separator)]
}

/** Unicode's white space, as Go's strings.TrimSpace and CEL's table have it. */
const space = '[\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+'
const ends = new RegExp(`^${space}|${space}$`, 'gu')

const quotes: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}
// eslint-disable-next-line no-control-regex -- these are the characters that are escaped
const quote = (text: string): string => `"${text.replace(/[\x07\b\f\n\r\t\v\\"]/g, found => quotes[found] ?? found)}"`

const join = (list: readonly CelValue[], separator = ''): string =>
  list.map(item => (typeof item === 'string' ? item : fail('no such overload'))).join(separator)

const addSearches = (table: FunctionTableBuilder): void => {
  table
    .add('[string].contains(string): bool', (text: string, part: string) => text.includes(part), searches)
    .add(
      '[string].startsWith(string): bool',
      (text: string, part: string) => text.startsWith(part),
      args => readsFirst(args.slice(1), null),
    )
    .add(
      '[string].endsWith(string): bool',
      (text: string, part: string) => text.endsWith(part),
      args => readsFirst(args.slice(1), null),
    )
    .add('[string].charAt(int): string', charAt)
    .add('[string].indexOf(string): int', (text: string, part: string) => indexOf(text, part), searches)
    .add('[string].indexOf(string, int): int', indexOf, searches)
    .add('[string].lastIndexOf(string): int', (text: string, part: string) => lastIndexOf(text, part), searches)
    .add('[string].lastIndexOf(string, int): int', lastIndexOf, searches)
}

/** cel-go's strings extension, and Kubernetes' `format`. */
export const addStrings = (table: FunctionTableBuilder): void => {
  addSearches(table)
  table
    .add('[string].substring(int): string', (text: string, start: bigint) => substring(text, start), writesResult)
    .add('[string].substring(int, int): string', substring, writesResult)
    .add(
      '[string].replace(string, string): string',
      (text: string, from: string, to: string) => replace(text, from, to),
      writesResult,
    )
    .add('[string].replace(string, string, int): string', replace, writesResult)
    .add('[string].split(string): list<string>', (text: string, by: string) => split(text, by), readsFirst)
    .add('[string].split(string, int): list<string>', split, readsFirst)
    .add('[string].trim(): string', (text: string) => text.replace(ends, ''), writesResult)
    .add(
      '[string].lowerAscii(): string',
      (text: string) => text.replace(/[A-Z]+/g, found => found.toLowerCase()),
      writesResult,
    )
    .add(
      '[string].upperAscii(): string',
      (text: string) => text.replace(/[a-z]+/g, found => found.toUpperCase()),
      writesResult,
    )
    .add('[string].format(list<dyn>): string', formatString, writesResult)
    .add('strings.quote(string): string', quote, writesResult)
    .add('[list<string>].join(): string', (list: readonly CelValue[]) => join(list), writesResult)
    .add('[list<string>].join(string): string', join, writesResult)
}
