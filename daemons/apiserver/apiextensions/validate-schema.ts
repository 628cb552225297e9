import { cloneJson, equalJson, isJsonObject } from '../../../kube/patch/json-value.ts'
import { forbidden, invalid, notSupported } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { setDefaultValues } from './default-values.ts'
import { matcherOf } from './go-pattern.ts'
import { isEmbedded, type JsonSchema, valuesOf, walkSchema } from './json-schema.ts'
import { listTypeErrors, mapTypeErrors } from './list-types.ts'
import { pruneFields } from './prune-fields.ts'
import { ruleDefinitionErrors } from './rule-definitions.ts'
import { structuralErrors } from './structural-schema.ts'
import { validateValue } from './validate-value.ts'

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']

/** What a schema at the root may say besides its properties where the status has an endpoint of its own. */
const allowedAtRoot = new Set([
  'description', 'type', 'format', 'title', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength',
  'minLength', 'pattern', 'maxItems', 'minItems', 'uniqueItems', 'multipleOf', 'required', 'items', 'properties',
  'externalDocs', 'example', 'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-validations',
]) // prettier-ignore
const allowedAtRootText =
  '[Description Type Format Title Maximum ExclusiveMaximum Minimum ExclusiveMinimum MaxLength MinLength Pattern MaxItems ' +
  'MinItems UniqueItems MultipleOf Required Items Properties ExternalDocs Example XPreserveUnknownFields XValidations]'

interface Place {
  path: string
  /** Why there must be no default here; undefined: there may be one. */
  noDefaults: string | undefined
  /** Inside the metadata of a resource. */
  insideMeta: boolean
}

const refused = [
  ['id', 'id is not supported'],
  ['additionalItems', 'additionalItems is not supported'],
  ['patternProperties', 'patternProperties is not supported'],
  ['definitions', 'definitions is not supported'],
  ['dependencies', 'dependencies is not supported'],
  ['$ref', '$ref is not supported'],
] as const

const keywordErrors = (schema: JsonSchema, { path, noDefaults, insideMeta }: Place): FieldError[] => {
  const { type = '' } = schema
  const errors: FieldError[] = []
  if (type !== '' && !types.includes(type)) errors.push(notSupported(`${path}.type`, type, types))
  if (schema.default !== undefined && noDefaults !== undefined)
    errors.push(forbidden(`${path}.default`, `must not be set ${noDefaults}`))
  for (const [name, detail] of refused)
    if (schema[name] !== undefined) errors.push(forbidden(`${path}.${name}`, detail))
  if (Array.isArray(schema.items))
    errors.push(forbidden(`${path}.items`, 'items must be a schema object and not an array'))
  if (insideMeta && isEmbedded(schema))
    errors.push(forbidden(`${path}.x-kubernetes-embedded-resource`, 'must not be used inside of resource meta'))
  if (schema.uniqueItems === true)
    errors.push(
      forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    )
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  if (schema.pattern !== undefined) {
    try {
      matcherOf(schema.pattern)
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      errors.push(invalid(`${path}.pattern`, schema.pattern, `must be a valid regular expression, but isn't: ${why}`))
    }
  }
  return [...errors, ...mapTypeErrors(schema, path), ...listTypeErrors(schema, path)]
}

const metaFields: ReadonlySet<string> = new Set(['metadata', 'kind', 'apiVersion'])

const childErrors = (schema: JsonSchema, place: Place, root: boolean): FieldError[] => {
  const { path } = place
  const errors: FieldError[] = []
  const properties = Object.entries(schema.properties ?? {})
  const { additionalProperties } = schema
  if (additionalProperties !== undefined && properties.length > 0 && additionalProperties !== true)
    errors.push(forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  const values = valuesOf(schema)
  if (values !== undefined) {
    const why = place.insideMeta ? 'inside additionalProperties applying to object metadata' : place.noDefaults
    errors.push(...openApiErrors(values, { ...place, path: `${path}.additionalProperties`, noDefaults: why }))
  }
  for (const [name, property] of properties) {
    const meta = (root || isEmbedded(schema)) && metaFields.has(name)
    errors.push(
      ...openApiErrors(property, {
        path: `${path}.properties[${name}]`,
        noDefaults: meta && root ? `in top-level ${name}` : place.noDefaults,
        insideMeta: place.insideMeta || meta,
      }),
    )
  }
  if (isJsonObject(schema.items)) errors.push(...openApiErrors(schema.items, { ...place, path: `${path}.items` }))
  return errors
}

const junctors = ['allOf', 'oneOf', 'anyOf'] as const

/** Upstream: ValidateCustomResourceDefinitionOpenAPISchema. */
const openApiErrors = (schema: JsonSchema, place: Place, root = false): FieldError[] => [
  ...keywordErrors(schema, place),
  ...childErrors(schema, place, root),
  ...(schema.not === undefined ? [] : openApiErrors(schema.not, { ...place, path: `${place.path}.not` })),
  ...junctors.flatMap(name =>
    (schema[name] ?? []).flatMap((nested, i) =>
      openApiErrors(nested, { ...place, path: `${place.path}.${name}[${i}]` }),
    ),
  ),
]

/** A default must be a value that the schema takes as it stands: nothing in it unknown, nothing wrong. */
const defaultErrors = (schema: JsonSchema, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const value = schema.default
  if (value !== undefined && value !== null) {
    const at = `${path}.default`
    const pruned = { value: cloneJson(value) }
    pruneFields(pruned, { properties: { value: schema } })
    if (!equalJson(pruned.value, value)) errors.push(invalid(at, value, 'must not have unknown fields'))
    setDefaultValues(pruned.value, schema)
    errors.push(...validateValue(pruned.value, schema, { path: at, old: undefined }))
  }
  for (const [name, property] of Object.entries(schema.properties ?? {}))
    errors.push(...defaultErrors(property, `${path}.properties[${name}]`))
  const values = valuesOf(schema)
  if (values !== undefined) errors.push(...defaultErrors(values, `${path}.additionalProperties`))
  if (isJsonObject(schema.items)) errors.push(...defaultErrors(schema.items, `${path}.items`))
  return errors
}

const rootErrors = (schema: JsonSchema, path: string, hasStatus: boolean): FieldError[] => {
  const errors: FieldError[] = []
  const strange = Object.keys(schema).some(name => !allowedAtRoot.has(name))
  if (hasStatus && schema.type !== undefined && schema.type !== 'object')
    errors.push(
      invalid(
        `${path}.type`,
        schema.type,
        'only "object" is allowed as the type at the root of the schema if the status subresource is enabled',
      ),
    )
  else if (hasStatus && strange)
    errors.push(
      invalid(
        path,
        schema,
        `only ${allowedAtRootText} fields are allowed at the root of the schema if the status subresource is enabled`,
      ),
    )
  if (schema.nullable === true) errors.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  return errors
}

/** How deep a schema may be nested: everything that walks one relies on it. */
const maxDepth = 200

const isTooDeep = (value: unknown, left: number): boolean => {
  if (typeof value !== 'object' || value === null) return false
  return left === 0 || Object.values(value).some(child => isTooDeep(child, left - 1))
}

/**
 * Everything that can be wrong with the schema of a version. `unchanged`: it stood so before, and what has become
 * stricter since is not held against it. Rules must have been prepared (`loadRules`) where the schema has any.
 */
export const schemaErrors = (
  schema: JsonSchema | undefined,
  path: string,
  options: { hasStatus: boolean; unchanged: boolean },
): FieldError[] => {
  if (schema === undefined || options.unchanged) return []
  if (isTooDeep(schema, maxDepth)) return [invalid(path, '', `is nested deeper than ${maxDepth} levels`)]
  const root = rootErrors(schema, path, options.hasStatus)
  const structural = structuralErrors(schema, path)
  const defaults = structural.length > 0 ? [] : defaultErrors(schema, path)
  const place = { path, noDefaults: undefined, insideMeta: false }
  const errors = [...root, ...structural, ...defaults, ...openApiErrors(schema, place, true)]
  return errors.length > 0 ? errors : ruleDefinitionErrors(schema, path)
}

/** Whether any part of the schema has rules. */
export const hasRules = (schema: JsonSchema): boolean => {
  let found = false
  walkSchema(schema, part => (found ||= (part['x-kubernetes-validations'] ?? []).length > 0))
  return found
}
