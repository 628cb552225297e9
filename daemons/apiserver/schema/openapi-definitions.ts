import { isDefinition, readDefinition, readTexts } from './schema-row.ts'
import { schemaOf } from './schemas.ts'
import type { TypeSchema } from '../../../kube/patch/schema.ts'
import type { Kind } from '../kinds/kind.ts'
import type { GroupVersionKind } from './endpoints.ts'
import type { FieldRow, ScalarName, TypeRow } from './schema-row.ts'

/** A schema object of OpenAPI 2 or 3, as far as Kubernetes uses them. */
export interface OpenApiSchema {
  $ref?: string
  type?: string
  format?: string
  description?: string
  default?: unknown
  required?: readonly string[]
  properties?: Record<string, OpenApiSchema>
  items?: OpenApiSchema
  additionalProperties?: OpenApiSchema | boolean
  allOf?: OpenApiSchema[]
  oneOf?: OpenApiSchema[]
  anyOf?: OpenApiSchema[]
  not?: OpenApiSchema
  [keyword: string]: unknown
  [extension: `x-${string}`]: unknown
}

export type Dialect = 'v2' | 'v3'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const refRoots = { v2: '#/definitions/', v3: '#/components/schemas/' } as const
export const refTo = (definition: string, dialect: Dialect): string => `${refRoots[dialect]}${definition}`

/** Scalars that have a definition of their own in OpenAPI. */
const namedScalars: Partial<Record<ScalarName, string>> = {
  time: `${meta}.Time`,
  microtime: `${meta}.MicroTime`,
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intstr: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  any: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
}

const scalarDefinitions = (dialect: Dialect): Record<string, OpenApiSchema> => ({
  [`${meta}.Time`]: { type: 'string', format: 'date-time', description: 'A time in RFC 3339, in seconds.' },
  [`${meta}.MicroTime`]: { type: 'string', format: 'date-time', description: 'A time in RFC 3339, in microseconds.' },
  [`${meta}.FieldsV1`]: {
    type: 'object',
    description:
      'A set of field paths as a trie: `f:` a field, `k:` a list item by its keys, `v:` one by its value, `.` the path itself.',
  },
  [`${meta}.Patch`]: { type: 'object', description: 'The change to make, in the form that the Content-Type names.' },
  'io.k8s.apimachinery.pkg.runtime.RawExtension': { type: 'object', description: 'An object of any kind.' },
  'io.k8s.apimachinery.pkg.api.resource.Quantity': {
    description:
      'An amount of a resource: a decimal number with a suffix (Ki, Mi, Gi, …, n, u, m, k, M, G, …) or an exponent.',
    ...(dialect === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'string' }, { type: 'number' }] }),
  },
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString': {
    description: 'A whole number, or a string such as a name or a percentage.',
    format: 'int-or-string',
    ...(dialect === 'v2' ? { type: 'string' } : { oneOf: [{ type: 'integer' }, { type: 'string' }] }),
  },
})

const plainScalars: Partial<Record<ScalarName, OpenApiSchema>> = {
  string: { type: 'string' },
  boolean: { type: 'boolean' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  byte: { type: 'string', format: 'byte' },
}

/** The definition a type refers to, by name; undefined for plain scalars, lists and maps. */
const referred = (type: TypeRow, field: string): string | undefined => {
  if (type.kind === 'ref') return type.definition
  if (type.kind !== 'scalar') return undefined
  return field === 'fieldsV1' ? `${meta}.FieldsV1` : namedScalars[type.name]
}

const schemaOfType = (type: TypeRow, dialect: Dialect, field = ''): OpenApiSchema => {
  const definition = referred(type, field)
  if (definition !== undefined) return { $ref: refTo(definition, dialect) }
  switch (type.kind) {
    case 'list':
      return { type: 'array', items: schemaOfType(type.of, dialect) }
    case 'map':
      return { type: 'object', additionalProperties: schemaOfType(type.of, dialect) }
    case 'scalar':
      return { ...plainScalars[type.name] }
    case 'ref':
      return {}
  }
}

/** The facts under the names that OpenAPI documents of Kubernetes give them. Only what was stated, not what follows. */
const extensionsOf = (row: FieldRow, schema: TypeSchema): OpenApiSchema => {
  const said = (word: string) => row.facts.some(fact => fact === word || fact.startsWith(`${word}(`))
  const result: OpenApiSchema = {}
  if (row.type.kind === 'list' && (said('atomic') || said('set') || said('map'))) {
    if (schema.listKind === 'map') result['x-kubernetes-list-map-keys'] = schema.listKeys
    result['x-kubernetes-list-type'] = schema.listKind
  }
  if (row.type.kind !== 'list' && schema.mapKind !== undefined && (said('atomic') || said('granular')))
    result['x-kubernetes-map-type'] = schema.mapKind
  if (schema.patchMergeKey !== undefined) result['x-kubernetes-patch-merge-key'] = schema.patchMergeKey
  if (schema.patchStrategy !== undefined) result['x-kubernetes-patch-strategy'] = schema.patchStrategy.join(',')
  const text = row.facts.find(fact => fact.startsWith('default('))
  if (text !== undefined) result.default = JSON.parse(text.slice('default('.length, -1)) as unknown
  return result
}

/** OpenAPI 3.0 ignores what stands beside a $ref, so there it goes into an allOf. */
const besideRef = (schema: OpenApiSchema, rest: OpenApiSchema, dialect: Dialect): OpenApiSchema =>
  schema.$ref === undefined || dialect === 'v2' || Object.keys(rest).length === 0
    ? { ...rest, ...schema }
    : { ...rest, allOf: [schema] }

/** The kinds each definition stands for. */
export const gvksByDefinition = (kinds: readonly Kind[]): Map<string, GroupVersionKind[]> => {
  const result = new Map<string, GroupVersionKind[]>()
  const add = (definition: string, gvk: GroupVersionKind): void => {
    const row = result.get(definition)
    if (row === undefined) result.set(definition, [gvk])
    else if (!row.some(other => other.group === gvk.group && other.version === gvk.version)) row.push(gvk)
  }
  add(`${meta}.DeleteOptions`, { group: '', version: 'v1', kind: 'DeleteOptions' })
  add(`${meta}.Status`, { group: '', version: 'v1', kind: 'Status' })
  add('io.k8s.api.autoscaling.v1.Scale', { group: 'autoscaling', version: 'v1', kind: 'Scale' })
  add('io.k8s.api.policy.v1.Eviction', { group: 'policy', version: 'v1', kind: 'Eviction' })
  add('io.k8s.api.core.v1.Binding', { group: '', version: 'v1', kind: 'Binding' })
  for (const { group, version, kind, schema, custom } of kinds) {
    // A custom kind's definitions name it themselves, and its options are those that everybody has.
    if (custom !== undefined) continue
    add(schema, { group, version, kind })
    if (isDefinition(`${schema}List`)) add(`${schema}List`, { group, version, kind: `${kind}List` })
    add(`${meta}.DeleteOptions`, { group, version, kind: 'DeleteOptions' })
  }
  return result
}

const referredIn = (type: TypeRow, field: string): string[] =>
  type.kind === 'list' || type.kind === 'map' ? referredIn(type.of, '') : [referred(type, field) ?? []].flat()

/** These definitions and all they refer to, as OpenAPI schemas by name, sorted. */
export const openApiDefinitions = (
  roots: readonly string[],
  kinds: readonly Kind[],
  dialect: Dialect,
): Record<string, OpenApiSchema> => {
  const scalars = scalarDefinitions(dialect)
  const gvks = gvksByDefinition(kinds)
  const texts = readTexts()
  const custom = new Map(kinds.flatMap(kind => Object.entries(kind.custom?.definitions(dialect, texts) ?? {})))
  const result = new Map<string, OpenApiSchema>()
  const pending = [...roots]
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (result.has(name)) continue
    const own = custom.get(name)
    if (own !== undefined) {
      result.set(name, own.schema)
      pending.push(...own.refers)
      continue
    }
    const scalar = scalars[name]
    if (scalar !== undefined) {
      result.set(name, scalar)
      continue
    }
    const row = readDefinition(name)
    for (const [field, { type }] of row.fields) pending.push(...referredIn(type, field))
    const words = texts(name)
    const { fields } = schemaOf(name)
    const properties: Record<string, OpenApiSchema> = {}
    for (const [field, fieldRow] of row.fields) {
      const text = words.field(field)
      const rest = {
        ...(text === undefined ? {} : { description: text }),
        ...extensionsOf(fieldRow, fields?.get(field) ?? { type: 'any' }),
      }
      properties[field] = besideRef(schemaOfType(fieldRow.type, dialect, field), rest, dialect)
    }
    const gvk = gvks.get(name)
    result.set(name, {
      description: words.text,
      ...(row.required.length > 0 ? { required: row.required } : {}),
      type: 'object',
      properties,
      ...(gvk === undefined ? {} : { 'x-kubernetes-group-version-kind': gvk }),
      ...(row.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    })
  }
  return Object.fromEntries([...result].sort(([a], [b]) => (a < b ? -1 : 1)))
}
