import { invalid } from './field-error.ts'
import type { FieldError } from './kind.ts'

type IntOrString = number | string

const percentMessage =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"

/** The number before a percent sign; undefined for a plain count or something else. */
export const percentOf = (value: IntOrString | undefined): number | undefined =>
  typeof value === 'string' && /^\d+%$/.test(value) ? Number(value.slice(0, -1)) : undefined

/** A count or a percentage, neither below zero. */
export const validateIntOrPercent = (path: string, value: IntOrString | undefined): FieldError[] => {
  if (typeof value === 'number') return value < 0 ? [invalid(path, value, 'must be greater than or equal to 0')] : []
  if (value === undefined || percentOf(value) !== undefined) return []
  return [invalid(path, value, percentMessage)]
}

/** `0` and `0%`. */
export const isZero = (value: IntOrString | undefined): boolean => value === 0 || percentOf(value) === 0
