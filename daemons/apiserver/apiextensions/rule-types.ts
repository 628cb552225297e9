import type { CelType } from '../cel/cel-type.ts'
import {
  celBool,
  celBytes,
  celDouble,
  celDuration,
  celDyn,
  celInt,
  celString,
  celTimestamp,
  listType,
  mapType,
  objectType,
} from '../cel/cel-type.ts'
import { isEmbedded, isIntOrString, type JsonSchema, valuesOf } from './json-schema.ts'

/** Of metadata, rules see the names alone: the rest is the system's. */
const metadataType = objectType(
  'object',
  new Map([
    ['name', celString],
    ['generateName', celString],
  ]),
)

const stringTypes: Readonly<Record<string, CelType>> = {
  byte: celBytes,
  duration: celDuration,
  date: celTimestamp,
  'date-time': celTimestamp,
}

const listKindOf = (schema: JsonSchema): Parameters<typeof listType>[1] => {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return { kind: 'set' }
    case 'map':
      return { kind: 'map', keys: schema['x-kubernetes-list-map-keys'] ?? [] }
    default:
      return undefined
  }
}

const objectFields = (schema: JsonSchema, resource: boolean): Map<string, CelType> => {
  const fields = new Map<string, CelType>()
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const type = celTypeOf(property)
    if (type !== undefined) fields.set(name, type)
  }
  if (!resource) return fields
  return fields.set('apiVersion', celString).set('kind', celString).set('metadata', metadataType)
}

/**
 * What a rule sees of a part of a custom resource; undefined where nothing is known of it, and rules cannot reach it.
 * `resource`: the custom resource itself, which has kind, apiVersion and metadata.
 */
export const celTypeOf = (schema: JsonSchema, resource = isEmbedded(schema)): CelType | undefined => {
  if (isIntOrString(schema)) return celDyn
  switch (schema.type) {
    case 'object': {
      const values = valuesOf(schema)
      if (values === undefined) return objectType('object', () => objectFields(schema, resource), { escaped: true })
      const type = celTypeOf(values)
      return type === undefined ? undefined : mapType(celString, type)
    }
    case 'array': {
      const element = schema.items === undefined ? undefined : celTypeOf(schema.items)
      return element === undefined ? undefined : listType(element, listKindOf(schema))
    }
    case 'string':
      return stringTypes[schema.format ?? ''] ?? celString
    case 'boolean':
      return celBool
    case 'integer':
      return celInt
    case 'number':
      return celDouble
    default:
      return undefined
  }
}
