import type { FieldError } from './kind.ts'

/**
 * Builders of field errors with upstream's reasons and words (apimachinery's validation/field package). Values are
 * shown as upstream shows them: strings quoted, numbers and booleans plain, everything else as JSON.
 */
const shown = (value: unknown): string => (value === undefined ? 'null' : JSON.stringify(value))

const make = (reason: FieldError['reason'], field: string, head: string, detail: string): FieldError => ({
  reason,
  field,
  message: detail === '' ? head : `${head}: ${detail}`,
})

export const required = (field: string, detail = ''): FieldError =>
  make('FieldValueRequired', field, 'Required value', detail)

export const invalid = (field: string, value: unknown, detail: string): FieldError =>
  make('FieldValueInvalid', field, `Invalid value: ${shown(value)}`, detail)

/** Each detail becomes an error of its own: what the syntax rules of names return. */
export const invalidEach = (field: string, value: unknown, details: readonly string[]): FieldError[] =>
  details.map(detail => invalid(field, value, detail))

export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError =>
  make(
    'FieldValueNotSupported',
    field,
    `Unsupported value: ${shown(value)}`,
    `supported values: ${supported.map(v => JSON.stringify(v)).join(', ')}`,
  )

export const duplicate = (field: string, value: unknown): FieldError =>
  make('FieldValueDuplicate', field, `Duplicate value: ${shown(value)}`, '')

export const forbidden = (field: string, detail: string): FieldError =>
  make('FieldValueForbidden', field, 'Forbidden', detail)

export const tooLong = (field: string, maxBytes: number): FieldError =>
  make('FieldValueTooLong', field, 'Too long', `may not be more than ${maxBytes} bytes`)

export const tooMany = (field: string, count: number, max: number): FieldError =>
  make('FieldValueTooMany', field, `Too many: ${count}`, `must have at most ${max} items`)

export const notFound = (field: string, value: unknown): FieldError =>
  make('FieldValueNotFound', field, `Not found: ${shown(value)}`, '')

export const immutableMessage = 'field is immutable'

/** `>= 0`, for counts and seconds. */
export const nonNegative = (field: string, value: number | undefined): FieldError[] =>
  value !== undefined && value !== null && value < 0
    ? [invalid(field, value, 'must be greater than or equal to 0')]
    : []

/** One of a closed list; a missing value is required. */
export const oneOf = (field: string, value: string | undefined, supported: readonly string[]): FieldError[] => {
  if (value === undefined || value === null || value === '') return [required(field)]
  return supported.includes(value) ? [] : [notSupported(field, value, supported)]
}
