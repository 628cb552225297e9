import { isJsonObject } from '../../../kube/patch/json-value.ts'
import { forbidden, invalid, notSupported, required } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { type JsonSchema, propertyOf } from './json-schema.ts'

const mustBe = (path: string, type: string | undefined, detail: string): FieldError[] =>
  type === undefined || type === '' ? [required(`${path}.type`, detail)] : [invalid(`${path}.type`, type, detail)]

const mapTypes = ['atomic', 'granular']
const listTypes = ['atomic', 'set', 'map']

export const mapTypeErrors = (schema: JsonSchema, path: string): FieldError[] => {
  const mapType = schema['x-kubernetes-map-type']
  if (mapType === undefined) return []
  return [
    ...(schema.type === 'object'
      ? []
      : mustBe(path, schema.type, 'must be object if x-kubernetes-map-type is specified')),
    ...(mapTypes.includes(mapType) ? [] : [notSupported(`${path}.x-kubernetes-map-type`, mapType, mapTypes)]),
  ]
}

/** Items of a set are compared as a whole, so they must be owned as a whole. */
const setErrors = (items: JsonSchema, path: string): FieldError[] => {
  const detail = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const listType = items['x-kubernetes-list-type']
  const mapType = items['x-kubernetes-map-type']
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic')
    return [invalid(`${path}.items.x-kubernetes-list-type`, listType, detail)]
  if (items.type === 'object' && mapType !== 'atomic')
    return [invalid(`${path}.items.x-kubernetes-map-type`, mapType, detail)]
  return []
}

const keyErrors = (items: JsonSchema, keys: readonly string[], path: string): FieldError[] => {
  const errors: FieldError[] = []
  for (const [i, key] of keys.entries()) {
    const property = propertyOf(items, key)
    const at = `${path}.items.properties[${key}]`
    if (property === undefined)
      errors.push(invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'))
    else if (property.type === 'array' || property.type === 'object')
      errors.push(
        invalid(`${at}.type`, items.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"),
      )
    if (keys.indexOf(key) < i)
      errors.push(invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'must not contain duplicate entries'))
    if (property === undefined) continue
    if (items.required?.includes(key) !== true && property.default === undefined)
      errors.push(
        required(
          `${at}.default`,
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      )
    if (property.nullable === true)
      errors.push(
        forbidden(`${at}.nullable`, 'this property is in x-kubernetes-list-map-keys, so it cannot be nullable'),
      )
  }
  return errors
}

const mapListErrors = (schema: JsonSchema, keys: readonly string[], path: string): FieldError[] => {
  const { items } = schema
  return [
    ...(keys.length === 0
      ? [required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map')]
      : []),
    ...(items === undefined
      ? [required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map')]
      : items.type === 'object'
        ? keyErrors(items, keys, path)
        : [
            invalid(`${path}.items.type`, items.type, "must be object if parent array's x-kubernetes-list-type is map"),
          ]),
  ]
}

/** x-kubernetes-list-type and its keys. */
export const listTypeErrors = (schema: JsonSchema, path: string): FieldError[] => {
  const listType = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const at = `${path}.x-kubernetes-list-type`
  const errors: FieldError[] = []
  if (keys.length > 0 && listType !== 'map') {
    const detail = 'must be map if x-kubernetes-list-map-keys is non-empty'
    errors.push(listType === undefined ? required(at, detail) : invalid(at, listType, detail))
  }
  if (listType === undefined) return errors
  if (schema.type !== 'array')
    errors.push(...mustBe(path, schema.type, 'must be array if x-kubernetes-list-type is specified'))
  if (!listTypes.includes(listType)) errors.push(notSupported(at, listType, listTypes))
  const items = isJsonObject(schema.items) ? schema.items : undefined
  if (listType === 'set' && schema.type === 'array' && items !== undefined) errors.push(...setErrors(items, path))
  if (listType === 'map') errors.push(...mapListErrors(schema, keys, path))
  if ((listType === 'set' || listType === 'map') && items?.nullable === true)
    errors.push(forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${listType}`))
  return errors
}
