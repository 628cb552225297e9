import { equalJson, getKey, isJsonObject, type JsonObject } from '../../../kube/patch/json-value.ts'
import { invalid, notSupported, required, tooLong, tooMany } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { matcherOf } from './go-pattern.ts'
import { isIntOrString, joinPath, type JsonSchema, propertyOf, valuesOf } from './json-schema.ts'
import { hasFormat } from './string-formats.ts'
import { multipleOfError, numberErrors } from './validate-number.ts'

/** A value and the value that stood there before; undefined: there was none, or it cannot be told which it was. */
interface Place {
  path: string
  old: unknown
}

/** JSON's types as OpenAPI names them. */
export const typeOf = (value: unknown): string => {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  switch (typeof value) {
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'number'
    case 'string':
    case 'boolean':
      return typeof value
    default:
      return 'object'
  }
}

const typesOf = (schema: JsonSchema): string[] =>
  isIntOrString(schema) ? ['integer', 'string'] : schema.type === undefined || schema.type === '' ? [] : [schema.type]

const typeInvalid = (path: string, value: unknown, detail: string): FieldError => ({
  reason: 'FieldValueTypeInvalid',
  field: path,
  message: `Invalid value: ${JSON.stringify(value)}: ${detail}`,
})

const typeErrors = (value: unknown, schema: JsonSchema, path: string): FieldError[] => {
  const types = typesOf(schema)
  const type = typeOf(value)
  if (types.length === 0 || types.includes(type) || (type === 'integer' && types.includes('number'))) return []
  return [typeInvalid(path, type, `${path} in body must be of type ${types.join(',')}: ${JSON.stringify(type)}`)]
}

const stringErrors = (value: string, schema: JsonSchema, path: string): FieldError[] => {
  const errors: FieldError[] = []
  // Go counts runes, JavaScript UTF-16 units.
  const length = schema.maxLength === undefined && schema.minLength === undefined ? 0 : Array.from(value).length
  if (schema.maxLength !== undefined && length > schema.maxLength) errors.push(tooLong(path, schema.maxLength))
  if (schema.minLength !== undefined && length < schema.minLength)
    errors.push(invalid(path, value, `${path} in body should be at least ${schema.minLength} chars long`))
  if (schema.pattern !== undefined && schema.pattern !== '' && !matcherOf(schema.pattern)(value))
    errors.push(invalid(path, value, `${path} in body should match '${schema.pattern}'`))
  if (schema.format !== undefined && !hasFormat(value, schema.format))
    errors.push(typeInvalid(path, value, `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`))
  return errors
}

const listErrors = (list: readonly unknown[], schema: JsonSchema, { path, old }: Place): FieldError[] => {
  const { items, minItems, maxItems } = schema
  const errors =
    items === undefined
      ? []
      : list.flatMap((item, index) =>
          validateValue(item, items, { path: `${path}[${index}]`, old: correlate(item, { schema, old }) }),
        )
  if (minItems !== undefined && list.length < minItems)
    errors.push(invalid(path, list.length, `${path} in body should have at least ${minItems} items`))
  if (maxItems !== undefined && list.length > maxItems) errors.push(tooMany(path, list.length, maxItems))
  if (schema.uniqueItems === true && list.some((item, i) => list.slice(0, i).some(other => equalJson(item, other))))
    errors.push(invalid(path, '', `${path} in body shouldn't contain duplicates`))
  return errors
}

/** The item an update had before: of a map list the one with the same keys; items of other lists are not told apart. */
export const correlate = (item: unknown, { schema, old }: { schema: JsonSchema; old: unknown }): unknown => {
  if (!Array.isArray(old) || schema['x-kubernetes-list-type'] !== 'map' || !isJsonObject(item)) return undefined
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  return old.find(
    other => isJsonObject(other) && keys.every(key => equalJson(getKey(other, key), getKey(item, key))),
  ) as unknown
}

const objectErrors = (value: JsonObject, schema: JsonSchema, { path, old }: Place): FieldError[] => {
  const errors: FieldError[] = []
  const names = Object.keys(value)
  const { minProperties, maxProperties } = schema
  if (minProperties !== undefined && names.length < minProperties)
    errors.push(invalid(path, names.length, `${path} in body should have at least ${minProperties} properties`))
  if (maxProperties !== undefined && names.length > maxProperties)
    errors.push(tooMany(path, names.length, maxProperties))
  for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) errors.push(required(joinPath(path, name)))
  const values = valuesOf(schema)
  for (const name of names) {
    const property = propertyOf(schema, name) ?? values
    const place = { path: joinPath(path, name), old: isJsonObject(old) ? getKey(old, name) : undefined }
    if (property !== undefined) errors.push(...validateValue(value[name], property, place))
    else if (schema.additionalProperties === false)
      errors.push(invalid(place.path, '', `${place.path} in body is a forbidden property`))
  }
  return errors
}

const composite = (detail: string): FieldError => invalid('<nil>', '', detail)

/** The errors of the alternative that came closest. */
const closest = (alternatives: readonly FieldError[][]): FieldError[] =>
  alternatives.reduce((best, errors) => (errors.length < best.length ? errors : best), alternatives[0] ?? [])

const junctorErrors = (value: unknown, schema: JsonSchema, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const quoted = JSON.stringify(path)
  // Nothing is correlated in here: an alternative is judged as a whole.
  const judge = (alternatives: readonly JsonSchema[]): FieldError[][] =>
    alternatives.map(alternative => validateValue(value, alternative, { path, old: undefined }))
  if (schema.anyOf !== undefined && schema.anyOf.length > 0) {
    const judged = judge(schema.anyOf)
    if (judged.every(found => found.length > 0))
      errors.push(composite(`${quoted} must validate at least one schema (anyOf)`), ...closest(judged))
  }
  if (schema.oneOf !== undefined && schema.oneOf.length > 0) {
    const judged = judge(schema.oneOf)
    const fitting = judged.filter(found => found.length === 0).length
    if (fitting !== 1) {
      const found = fitting === 0 ? 'Found none valid' : `Found ${fitting} valid alternatives`
      errors.push(composite(`${quoted} must validate one and only one schema (oneOf). ${found}`))
      if (fitting === 0) errors.push(...closest(judged))
    }
  }
  if (schema.allOf !== undefined && schema.allOf.length > 0) {
    const failed = judge(schema.allOf).filter(found => found.length > 0)
    if (failed.length > 0) {
      const none = failed.length === schema.allOf.length ? '. None validated' : ''
      errors.push(...failed.flat(), composite(`${quoted} must validate all the schemas (allOf)${none}`))
    }
  }
  if (schema.not !== undefined && validateValue(value, schema.not, { path, old: undefined }).length === 0)
    errors.push(composite(`${quoted} must not validate the schema (not)`))
  return errors
}

const enumErrors = (value: unknown, schema: JsonSchema, path: string): FieldError[] => {
  if (schema.enum === undefined || schema.enum.length === 0 || schema.enum.some(allowed => equalJson(allowed, value)))
    return []
  const allowed = schema.enum.map(item => (typeof item === 'string' ? item : JSON.stringify(item)))
  return [notSupported(path, value, allowed)]
}

/**
 * What in a value does not fit its schema, with upstream's messages (kube-openapi's validators). What an update leaves
 * as it was is not judged again (KEP-4008, ratcheting).
 */
export const validateValue = (value: unknown, schema: JsonSchema, place: Place): FieldError[] => {
  const { path, old } = place
  if (value === null && schema.nullable === true) return []
  if (old !== undefined && equalJson(value, old)) return []
  const errors = typeErrors(value, schema, path)
  if (value === null || value === undefined) return [...errors, ...enumErrors(value, schema, path)]
  errors.push(...junctorErrors(value, schema, path))
  if (typeof value === 'string') errors.push(...stringErrors(value, schema, path))
  if (typeof value === 'number')
    errors.push(...numberErrors(value, schema, path), ...multipleOfError(value, schema, path))
  if (Array.isArray(value)) errors.push(...listErrors(value, schema, place))
  errors.push(...enumErrors(value, schema, path))
  if (isJsonObject(value)) errors.push(...objectErrors(value, schema, place))
  return errors
}
