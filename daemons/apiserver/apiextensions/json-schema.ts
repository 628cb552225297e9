import { isJsonObject } from '../../../kube/patch/json-value.ts'

/** One rule of x-kubernetes-validations. */
export interface ValidationRule {
  rule: string
  message?: string
  messageExpression?: string
  reason?: string
  fieldPath?: string
  optionalOldSelf?: boolean
}

/** apiextensions.k8s.io/v1 JSONSchemaProps, as it stands in a definition: every field may be missing. */
export interface JsonSchema {
  id?: string
  $ref?: string
  type?: string
  format?: string
  title?: string
  description?: string
  default?: unknown
  nullable?: boolean
  maximum?: number
  exclusiveMaximum?: boolean
  minimum?: number
  exclusiveMinimum?: boolean
  maxLength?: number
  minLength?: number
  pattern?: string
  maxItems?: number
  minItems?: number
  uniqueItems?: boolean
  multipleOf?: number
  enum?: unknown[]
  maxProperties?: number
  minProperties?: number
  required?: string[]
  /** A schema; a list of schemas is refused. */
  items?: JsonSchema
  allOf?: JsonSchema[]
  oneOf?: JsonSchema[]
  anyOf?: JsonSchema[]
  not?: JsonSchema
  properties?: Record<string, JsonSchema>
  additionalProperties?: JsonSchema | boolean
  patternProperties?: Record<string, JsonSchema>
  dependencies?: Record<string, unknown>
  additionalItems?: unknown
  definitions?: Record<string, JsonSchema>
  externalDocs?: unknown
  example?: unknown
  'x-kubernetes-preserve-unknown-fields'?: boolean
  'x-kubernetes-embedded-resource'?: boolean
  'x-kubernetes-int-or-string'?: boolean
  'x-kubernetes-list-type'?: string
  'x-kubernetes-list-map-keys'?: string[]
  'x-kubernetes-map-type'?: string
  'x-kubernetes-validations'?: ValidationRule[]
}

/** The schema of one property, as an own key: `constructor` is a name like any other. */
export const propertyOf = (schema: JsonSchema, name: string): JsonSchema | undefined =>
  schema.properties !== undefined && Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined

/** Of a map: what each key holds. */
export const valuesOf = (schema: JsonSchema): JsonSchema | undefined =>
  isJsonObject(schema.additionalProperties) ? schema.additionalProperties : undefined

/** The schema of one field of an object or key of a map; undefined where it is not known. */
export const childOf = (schema: JsonSchema, name: string): JsonSchema | undefined =>
  propertyOf(schema, name) ?? valuesOf(schema)

export const preserves = (schema: JsonSchema): boolean => schema['x-kubernetes-preserve-unknown-fields'] === true
export const isEmbedded = (schema: JsonSchema): boolean => schema['x-kubernetes-embedded-resource'] === true
export const isIntOrString = (schema: JsonSchema): boolean => schema['x-kubernetes-int-or-string'] === true

/** `a.b`, or `b` at the root. */
export const joinPath = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`)

/** Calls `visit` for the schema and everything in it that describes a part of the value: no allOf, anyOf, oneOf, not. */
export const walkSchema = (schema: JsonSchema, visit: (schema: JsonSchema) => void): void => {
  visit(schema)
  for (const property of Object.values(schema.properties ?? {})) walkSchema(property, visit)
  const values = valuesOf(schema)
  if (values !== undefined) walkSchema(values, visit)
  if (isJsonObject(schema.items)) walkSchema(schema.items, visit)
}
