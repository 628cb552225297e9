import { isJsonObject } from '../../../kube/patch/json-value.ts'
import type { CustomDefinition } from '../kinds/custom-type.ts'
import { type OpenApiSchema, refTo } from '../schema/openapi-definitions.ts'
import type { DefinitionTexts } from '../schema/schema-row.ts'
import { isEmbedded, type JsonSchema, preserves } from './json-schema.ts'

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

/** The documentation of a definition that is built in, and of its fields: where the texts of what all objects share are. */
export type TextsOf = (definition: string) => DefinitionTexts

interface Publication {
  dialect: 'v2' | 'v3'
  textsOf: TextsOf
}

const metadataProperty = (of: 'Pod' | 'PodList', { dialect, textsOf }: Publication): OpenApiSchema => {
  const $ref = refTo(of === 'Pod' ? objectMeta : listMeta, dialect)
  const description = textsOf(`io.k8s.api.core.v1.${of}`).field('metadata') ?? ''
  return dialect === 'v2' ? { description, $ref } : { description, allOf: [{ $ref }] }
}

/** What every object has, documented as it is of any built-in kind. */
const ofResource = (publication: Publication, of: 'Pod' | 'PodList' = 'Pod') => {
  const texts = publication.textsOf('io.k8s.api.core.v1.Pod')
  const text = (field: string): OpenApiSchema => ({ description: texts.field(field) ?? '', type: 'string' })
  return { apiVersion: text('apiVersion'), kind: text('kind'), metadata: metadataProperty(of, publication) }
}

const isNullable = (schema: unknown): boolean => isJsonObject(schema) && schema['nullable'] === true

/** The names that a client must send: old clients take a null for a field that is missing. */
const requiredOf = ({ required, properties, additionalProperties }: OpenApiSchema): readonly string[] =>
  isNullable(additionalProperties) ? [] : (required ?? []).filter(name => !isNullable(properties?.[name]))

const unspoken: ReadonlySet<string> = new Set(['nullable', 'allOf', 'oneOf', 'anyOf', 'not'])

const copyOf = (schema: JsonSchema, leftOut?: ReadonlySet<string>): OpenApiSchema => {
  const result: OpenApiSchema = {}
  for (const [name, value] of Object.entries(schema)) if (leftOut?.has(name) !== true) result[name] = value
  return result
}

/**
 * A schema in OpenAPI 2, as upstream's ToStructuralOpenAPIV2 writes it for kubectl: what that has no word for is left
 * out, and so is all that makes an old kubectl refuse an object that the server takes.
 */
const v2Node = (schema: JsonSchema): OpenApiSchema => {
  const nullable = schema.nullable === true
  const result = copyOf(schema, unspoken)
  if (nullable || preserves(schema)) {
    delete result.items
    delete result.properties
  }
  const untyped =
    nullable ||
    (result.type === 'array' && result.items === undefined) ||
    (result.type === 'object' && preserves(schema))
  if (untyped) delete result.type
  const required = requiredOf(result)
  if (required.length === 0) delete result.required
  else result.required = required
  return result
}

const children = (schema: OpenApiSchema, publication: Publication): OpenApiSchema => {
  const result = { ...schema }
  const convert = (child: unknown): OpenApiSchema => publishNode(child as JsonSchema, publication)
  if (isJsonObject(schema.properties))
    result.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, convert(property)]),
    )
  if (isJsonObject(schema.items)) result.items = convert(schema.items)
  if (isJsonObject(schema.additionalProperties)) result.additionalProperties = convert(schema.additionalProperties)
  return result
}

const publishNode = (schema: JsonSchema, publication: Publication): OpenApiSchema => {
  const { dialect } = publication
  const result = children(dialect === 'v2' ? v2Node(schema) : copyOf(schema), publication)
  if (!isEmbedded(schema) || (dialect === 'v2' && preserves(schema))) return result
  const required = new Set([...(result.required ?? []), 'kind', 'apiVersion'])
  return { ...result, required: [...required], properties: { ...result.properties, ...ofResource(publication) } }
}

const publishRoot = (schema: JsonSchema, publication: Publication): OpenApiSchema => {
  // A root of which not all is known says nothing: kubectl would find every field wrong that is not named.
  if (preserves(schema) && publication.dialect === 'v2') return { type: 'object' }
  const root = publishNode(schema, publication)
  return { ...root, properties: { ...root.properties, ...ofResource(publication) } }
}

/** The definitions of a kind and of its list, as the OpenAPI documents show them. */
export const publishedDefinitions = (
  { schema, ...published }: PublishedKind,
  publication: Publication,
): Record<string, CustomDefinition> => {
  const { group, version, kind, listKind, plural } = published
  const name = definitionName(published)
  const gvk = (of: string) => ({ 'x-kubernetes-group-version-kind': [{ group, version, kind: of }] })
  const own: OpenApiSchema = { ...publishRoot(schema, publication), ...gvk(kind) }
  const itemsText =
    publication
      .textsOf('io.k8s.api.core.v1.PodList')
      .field('items')
      ?.replace(/^List of pods\b/, `List of ${plural}`) ?? `List of ${plural}.`
  const { apiVersion, kind: kindField, metadata } = ofResource(publication, 'PodList')
  const list: OpenApiSchema = {
    description: `${listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion,
      items: { description: itemsText, type: 'array', items: { $ref: refTo(name, publication.dialect) } },
      kind: kindField,
      metadata,
    },
    ...gvk(listKind),
  }
  return { [name]: { schema: own, refers: [objectMeta] }, [`${name}List`]: { schema: list, refers: [listMeta] } }
}
