import { fail } from '../function-table.ts'
import { formatDuration, formatTimestamp } from '../time-text.ts'
import type { CelValue } from '../value.ts'
import { CelDuration, CelStruct, CelTimestamp, CelTypeValue, CelUint, isList, typeNameOf } from '../value.ts'
import { doubleText } from './conversions.ts'

/** `%s`: texts as they are, lists and maps in CEL's own spelling with sorted keys. */
const asText = (value: CelValue): string => {
  if (typeof value === 'string') return value
  if (value === null) return 'null'
  if (typeof value === 'number') return doubleText(value)
  if (typeof value === 'bigint' || typeof value === 'boolean') return `${value}`
  if (value instanceof CelUint) return `${value.value}`
  if (value instanceof CelTimestamp) return formatTimestamp(value)
  if (value instanceof CelDuration) return formatDuration(value)
  if (value instanceof CelTypeValue) return value.name
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  if (isList(value)) return `[${value.map(asText).join(', ')}]`
  if (value instanceof CelStruct)
    return `{${value
      .keys()
      .map(key => `${asText(key)}: ${asText(value.get(key) ?? null)}`)
      .sort()
      .join(', ')}}`
  return fail(
    `string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given ${typeNameOf(value)}`,
  )
}

const whole = (value: CelValue): bigint | undefined => {
  if (typeof value === 'bigint') return value
  return value instanceof CelUint ? value.value : undefined
}

const asDecimal = (value: CelValue): string =>
  whole(value)?.toString() ??
  (typeof value === 'number'
    ? doubleText(value)
    : fail(`decimal clause can only be used on integers, was given ${typeNameOf(value)}`))

const floating = (value: CelValue): number => {
  if (typeof value === 'number') return value
  const int = whole(value)
  return int === undefined
    ? fail(`fixed-point clause can only be used on doubles, was given ${typeNameOf(value)}`)
    : Number(int)
}

const special = (value: number): string | undefined =>
  Number.isFinite(value) ? undefined : doubleText(value).replace('+', '')

const asFixed = (value: CelValue, places: number): string => {
  const number = floating(value)
  return special(number) ?? number.toFixed(places)
}

const asScientific = (value: CelValue, places: number): string => {
  const number = floating(value)
  return special(number) ?? number.toExponential(places).replace(/e([+-])(\d)$/, 'e$10$2')
}

const asHex = (value: CelValue, upper: boolean): string => {
  const int = whole(value)
  const text =
    int !== undefined
      ? int.toString(16)
      : typeof value === 'string' || value instanceof Uint8Array
        ? Buffer.from(value).toString('hex')
        : fail(`only integers, byte buffers, and strings can be formatted as hex, was given ${typeNameOf(value)}`)
  return upper ? text.toUpperCase() : text
}

const inBase = (value: CelValue, base: 2 | 8): string => {
  if (base === 2 && typeof value === 'boolean') return value ? '1' : '0'
  const what =
    base === 2 ? 'only integers and bools can be formatted as binary' : 'octal clause can only be used on integers'
  return whole(value)?.toString(base) ?? fail(`${what}, was given ${typeNameOf(value)}`)
}

const clause = (verb: string, places: number, value: CelValue): string => {
  switch (verb) {
    case 's':
      return asText(value)
    case 'd':
      return asDecimal(value)
    case 'f':
      return asFixed(value, places)
    case 'e':
      return asScientific(value, places)
    case 'x':
    case 'X':
      return asHex(value, verb === 'X')
    case 'b':
      return inBase(value, 2)
    case 'o':
      return inBase(value, 8)
    default:
      return fail(`could not parse formatting clause: unrecognized formatting clause "${verb}"`)
  }
}

/** `"%s has %d of %.2f".format([...])`, as cel-go's strings extension has it: %s %d %f %e %b %o %x %X %%. */
export const formatString = (format: string, args: readonly CelValue[]): string => {
  let next = 0
  return format.replace(
    /%(?:%|(?:\.(\d+))?([^%]?))/g,
    (found, precision: string | undefined, verb: string | undefined) => {
      if (found === '%%') return '%'
      if (verb === undefined || verb === '') return fail('could not parse formatting clause: unexpected end of string')
      const value = args[next]
      if (value === undefined) return fail(`index ${next} out of range`)
      next++
      const places = precision === undefined ? 6 : Number(precision)
      if (places > 100) return fail(`could not parse formatting clause: precision ${places} is too large`)
      return clause(verb, places, value)
    },
  )
}
