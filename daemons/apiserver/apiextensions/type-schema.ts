import { anySchema, type TypeSchema } from '../../../kube/patch/schema.ts'
import { schemaOf } from '../schema/schemas.ts'
import { isEmbedded, isIntOrString, type JsonSchema, preserves, valuesOf } from './json-schema.ts'

export const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'

const ofResource = (): [string, TypeSchema][] => [
  ['apiVersion', { type: 'string' }],
  ['kind', { type: 'string' }],
  ['metadata', schemaOf(objectMeta)],
]

const keyDefaultsOf = (items: JsonSchema | undefined, keys: readonly string[]): TypeSchema['keyDefaults'] => {
  const defaults = keys.flatMap(key => {
    const value = items?.properties?.[key]?.default
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? [[key, value] as const]
      : []
  })
  return defaults.length === 0 ? undefined : Object.fromEntries(defaults)
}

const listSchema = (schema: JsonSchema): TypeSchema => {
  const items = schema.items === undefined ? anySchema : fieldTypeOf(schema.items)
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return { type: 'list', items, listKind: 'set' }
    case 'map': {
      const listKeys = [...(schema['x-kubernetes-list-map-keys'] ?? [])].sort()
      return { type: 'list', items, listKind: 'map', listKeys, keyDefaults: keyDefaultsOf(schema.items, listKeys) }
    }
    default:
      return { type: 'list', items, listKind: 'atomic' }
  }
}

const objectSchema = (schema: JsonSchema, resource: boolean): TypeSchema => {
  const mapKind = schema['x-kubernetes-map-type'] === 'atomic' ? { mapKind: 'atomic' as const } : {}
  const values = valuesOf(schema)
  if (values !== undefined) return { type: 'map', values: fieldTypeOf(values), ...mapKind }
  const fields = Object.entries(schema.properties ?? {}).map(
    ([name, property]) => [name, fieldTypeOf(property)] as const,
  )
  // Nothing is known of what is in there: objects merge, lists are replaced.
  if (fields.length === 0 && !resource) return { ...anySchema, ...mapKind }
  return { type: 'object', fields: new Map([...fields, ...(resource ? ofResource() : [])]), ...mapKind }
}

const fieldTypeOf = (schema: JsonSchema): TypeSchema => {
  if (isIntOrString(schema)) return { type: 'string', format: 'int-or-string' }
  switch (schema.type) {
    case 'object':
      return objectSchema(schema, isEmbedded(schema))
    case 'array':
      return listSchema(schema)
    case 'string':
      return { type: 'string' }
    case 'integer':
      return { type: 'integer' }
    case 'number':
      return { type: 'number' }
    case 'boolean':
      return { type: 'boolean' }
    default:
      return preserves(schema) ? anySchema : { type: 'any' }
  }
}

/** A definition's schema as patches and field ownership read it; `hasStatus`: status is written at its own endpoint. */
export const typeSchemaOf = (schema: JsonSchema, hasStatus: boolean): TypeSchema => ({
  ...objectSchema({ ...schema, type: 'object' }, true),
  ...(hasStatus ? {} : { ownsStatus: true }),
})
