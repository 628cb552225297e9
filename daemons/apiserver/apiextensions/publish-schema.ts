import { isJsonObject } from '../../../kube/patch/json-value.ts'
import type { CustomDefinition } from '../kinds/custom-type.ts'
import { type OpenApiSchema, refTo } from '../schema/openapi-definitions.ts'
import { isEmbedded, isIntOrString, type JsonSchema, preserves } from './json-schema.ts'

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
const objectMeta = `${meta}.ObjectMeta`
const listMeta = `${meta}.ListMeta`

export interface PublishedKind {
  group: string
  version: string
  kind: string
  listKind: string
  plural: string
  schema: JsonSchema
}

/** `com.example.stable.v1.CronTab`: the group turned round. */
export const definitionName = ({ group, version, kind }: Pick<PublishedKind, 'group' | 'version' | 'kind'>): string =>
  [...group.split('.').reverse(), version, kind].join('.')

const ofResource = (dialect: 'v2' | 'v3'): Record<string, OpenApiSchema> => ({
  apiVersion: {
    description: 'The group and version of the API that the object is written in.',
    type: 'string',
  },
  kind: { description: 'What the object is.', type: 'string' },
  metadata: {
    description: 'What every object carries: name, labels, annotations and what the system keeps.',
    ...(dialect === 'v2'
      ? { $ref: refTo(objectMeta, dialect) }
      : { allOf: [{ $ref: refTo(objectMeta, dialect) }], default: {} }),
  },
})

/** What OpenAPI 2 has no word for, or old clients break on, is left out: upstream's ToStructuralOpenAPIV2. */
const unspoken: ReadonlySet<string> = new Set([
  'nullable',
  'oneOf',
  'anyOf',
  'not',
  'allOf',
  'default',
  'x-kubernetes-validations',
])

const nothing: ReadonlySet<string> = new Set()

const copyOf = (schema: JsonSchema, leftOut: ReadonlySet<string>): OpenApiSchema => {
  const result: OpenApiSchema = {}
  for (const [name, value] of Object.entries(schema)) if (!leftOut.has(name)) result[name] = value
  return result
}

const v2Node = (schema: JsonSchema): OpenApiSchema => {
  const result = copyOf(schema, unspoken)
  if (schema.nullable === true || isIntOrString(schema)) {
    // kubectl refuses a null, or the other type, where a type is named.
    for (const name of ['type', 'items', 'properties', 'additionalProperties']) delete result[name]
    return result
  }
  if (preserves(schema)) {
    // kubectl takes what is named for all there is.
    delete result.items
    delete result.properties
  }
  return result
}

const children = (schema: OpenApiSchema, dialect: 'v2' | 'v3'): OpenApiSchema => {
  const result = { ...schema }
  const convert = (child: unknown): OpenApiSchema => publishNode(child as JsonSchema, dialect)
  if (isJsonObject(schema.properties))
    result.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, convert(property)]),
    )
  if (isJsonObject(schema.items)) result.items = convert(schema.items)
  if (isJsonObject(schema.additionalProperties)) result.additionalProperties = convert(schema.additionalProperties)
  return result
}

const publishNode = (schema: JsonSchema, dialect: 'v2' | 'v3'): OpenApiSchema => {
  const node = dialect === 'v2' ? v2Node(schema) : copyOf(schema, nothing)
  const result = children(node, dialect)
  if (!isEmbedded(schema) || (dialect === 'v2' && (preserves(schema) || schema.nullable === true))) return result
  return { ...result, properties: { ...result.properties, ...ofResource(dialect) } }
}

/** The definitions of a kind and of its list, as the OpenAPI documents show them. */
export const publishedDefinitions = (
  published: PublishedKind,
  dialect: 'v2' | 'v3',
): Record<string, CustomDefinition> => {
  const { group, version, kind, listKind, plural, schema } = published
  const name = definitionName(published)
  const root = publishNode(schema, dialect)
  const gvk = (of: string) => ({ 'x-kubernetes-group-version-kind': [{ group, version, kind: of }] })
  const own: OpenApiSchema = {
    ...root,
    type: 'object',
    // A root of which nothing is known is no struct: kubectl would find every field of it wrong.
    ...(preserves(schema) && dialect === 'v2' ? {} : { properties: { ...root.properties, ...ofResource(dialect) } }),
    ...gvk(kind),
  }
  const { apiVersion, kind: kindField } = ofResource(dialect)
  const list: OpenApiSchema = {
    description: `${listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      ...(apiVersion && { apiVersion }),
      items: { description: `List of ${plural}.`, type: 'array', items: { $ref: refTo(name, dialect) } },
      ...(kindField && { kind: kindField }),
      metadata: {
        description: 'The version of the list, and how to go on.',
        ...(dialect === 'v2' ? { $ref: refTo(listMeta, dialect) } : { allOf: [{ $ref: refTo(listMeta, dialect) }] }),
      },
    },
    ...gvk(listKind),
  }
  return { [name]: { schema: own, refers: [objectMeta] }, [`${name}List`]: { schema: list, refers: [listMeta] } }
}
