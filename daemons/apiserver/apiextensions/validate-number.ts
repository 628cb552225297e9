import { invalid } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import type { JsonSchema } from './json-schema.ts'

/** The whole numbers that a format can hold. */
const ranges: Readonly<Record<string, [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  uint64: [0, 2 ** 64],
}

const boundErrors = (value: number, schema: JsonSchema, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const { maximum, minimum } = schema
  if (maximum !== undefined && (schema.exclusiveMaximum === true ? value >= maximum : value > maximum)) {
    const than = schema.exclusiveMaximum === true ? 'less than' : 'less than or equal to'
    errors.push(invalid(path, value, `${path} in body should be ${than} ${maximum}`))
  }
  if (minimum !== undefined && (schema.exclusiveMinimum === true ? value <= minimum : value < minimum)) {
    const than = schema.exclusiveMinimum === true ? 'greater than' : 'greater than or equal to'
    errors.push(invalid(path, value, `${path} in body should be ${than} ${minimum}`))
  }
  return errors
}

/** Bounds, and what the format can hold. */
export const numberErrors = (value: number, schema: JsonSchema, path: string): FieldError[] => {
  const range = ranges[schema.format ?? '']
  const outside = range !== undefined && Number.isInteger(value) && (value < range[0] || value > range[1])
  return [
    ...(outside
      ? [
          invalid(
            '<nil>',
            '',
            `Checked value must be of type ${schema.type ?? 'integer'} with format ${schema.format} in ${path}`,
          ),
        ]
      : []),
    ...boundErrors(value, schema, path),
  ]
}

/** Decimal fractions are not what they seem in binary: 0.3 is a multiple of 0.1. */
export const multipleOfError = (value: number, schema: JsonSchema, path: string): FieldError[] => {
  const { multipleOf } = schema
  if (multipleOf === undefined || multipleOf <= 0) return []
  const quotient = value / multipleOf
  return Math.abs(quotient - Math.round(quotient)) < 1e-9
    ? []
    : [invalid(path, value, `${path} in body should be a multiple of ${multipleOf}`)]
}
