import { equalJson, isJsonObject } from '../../../kube/patch/json-value.ts'
import { forbidden, invalid, required } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { isEmbedded, isIntOrString, type JsonSchema, preserves, valuesOf } from './json-schema.ts'

/**
 * The rules of a structural schema (upstream: pkg/apiserver/schema): every part has a type, and allOf, anyOf, oneOf and
 * not judge values without describing them.
 */
export const structuralErrors = (schema: JsonSchema, path: string): FieldError[] => levelErrors(schema, path, 'root')

/** Where a schema stands: what it must say of its type is put into other words for each. */
type Level = 'root' | 'field' | 'item'

const levelErrors = (schema: JsonSchema, path: string, level: Level): FieldError[] => [
  ...(level === 'root' && schema.type !== 'object'
    ? [
        schema.type === undefined || schema.type === ''
          ? required(`${path}.type`, 'must not be empty at the root')
          : invalid(`${path}.type`, schema.type, 'must be object at the root'),
      ]
    : []),
  ...(level === 'root' && isEmbedded(schema)
    ? [forbidden(`${path}.x-kubernetes-embedded-resource`, 'must be false at the root')]
    : []),
  ...partErrors(schema, path),
  ...extensionErrors(schema, path),
  ...ownTypeErrors(schema, path, level),
  ...metadataErrors(schema, path, level === 'root'),
  ...junctorErrors(schema, path, intOrStringForm(schema)),
]

const partErrors = (schema: JsonSchema, path: string): FieldError[] => {
  const values = valuesOf(schema)
  return [
    ...(isJsonObject(schema.items) ? levelErrors(schema.items, `${path}.items`, 'item') : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
      levelErrors(property, `${path}.properties[${name}]`, 'field'),
    ),
    ...(values === undefined ? [] : levelErrors(values, `${path}.additionalProperties`, 'field')),
  ]
}

const extensionErrors = (schema: JsonSchema, path: string): FieldError[] => {
  const preserve = `${path}.x-kubernetes-preserve-unknown-fields`
  const embedded = `${path}.x-kubernetes-embedded-resource`
  const errors: FieldError[] = []
  if (isIntOrString(schema) && preserves(schema))
    errors.push(invalid(preserve, true, 'must be false if x-kubernetes-int-or-string is true'))
  if (isIntOrString(schema) && isEmbedded(schema))
    errors.push(invalid(embedded, true, 'must be false if x-kubernetes-int-or-string is true'))
  if (isEmbedded(schema) && !preserves(schema) && Object.keys(schema.properties ?? {}).length === 0)
    errors.push(
      required(
        `${path}.properties`,
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    )
  return errors
}

const ownTypeErrors = (schema: JsonSchema, path: string, level: Level): FieldError[] => {
  const { type = '' } = schema
  if (isEmbedded(schema) && type !== 'object')
    return type === ''
      ? [required(`${path}.type`, 'must be object if x-kubernetes-embedded-resource is true')]
      : [invalid(`${path}.type`, type, 'must be object if x-kubernetes-embedded-resource is true')]
  if (level === 'root') return []
  if (type === '' && !isIntOrString(schema) && !preserves(schema))
    return [
      required(`${path}.type`, `must not be empty for specified ${level === 'item' ? 'array items' : 'object fields'}`),
    ]
  if (type === 'array' && schema.items === undefined) return [required(`${path}.items`, 'must be specified')]
  return []
}

/** Of metadata a schema may restrict the name and generateName alone. */
const metadataErrors = (schema: JsonSchema, path: string, root: boolean): FieldError[] => {
  if (!root && !isEmbedded(schema)) return []
  const errors: FieldError[] = []
  for (const name of ['kind', 'apiVersion'] as const) {
    const type = schema.properties?.[name]?.type
    if (type !== undefined && type !== 'string')
      errors.push(invalid(`${path}.properties[${name}].type`, type, 'must be string'))
  }
  const metadata = schema.properties?.['metadata']
  if (metadata === undefined) return errors
  const at = `${path}.properties[metadata]`
  if (metadata.type !== undefined && metadata.type !== 'object')
    errors.push(invalid(`${at}.type`, metadata.type, 'must be object'))
  if (root) {
    const others = Object.keys(metadata.properties ?? {}).filter(name => name !== 'name' && name !== 'generateName')
    if (others.length > 0)
      errors.push(
        forbidden(
          at,
          'must not specify anything other than name and generateName, but metadata is implicitly specified',
        ),
      )
  }
  return errors
}

type Form = 'none' | 'anyOf' | 'allOf'
const integerOrString = [{ type: 'integer' }, { type: 'string' }]

/** Where an int-or-string may name the two types, the one exception to the rule that junctors name none. */
const intOrStringForm = (schema: JsonSchema): Form => {
  if (!isIntOrString(schema)) return 'none'
  if (equalJson(schema.anyOf, integerOrString)) return 'anyOf'
  return equalJson(schema.allOf?.[0]?.anyOf, integerOrString) ? 'allOf' : 'none'
}

const junctorErrors = (schema: JsonSchema, path: string, form: Form): FieldError[] => [
  ...(form === 'anyOf'
    ? []
    : (schema.anyOf ?? []).flatMap((nested, i) => nestedErrors(nested, `${path}.anyOf[${i}]`, schema))),
  ...(schema.allOf ?? []).flatMap((nested, i) =>
    form === 'allOf' && i === 0
      ? nestedErrors({ ...nested, anyOf: [] }, `${path}.allOf[0]`, schema)
      : nestedErrors(nested, `${path}.allOf[${i}]`, schema),
  ),
  ...(schema.oneOf ?? []).flatMap((nested, i) => nestedErrors(nested, `${path}.oneOf[${i}]`, schema)),
  ...(schema.not === undefined ? [] : nestedErrors(schema.not, `${path}.not`, schema)),
]

const describing = [
  ['type', 'must be empty to be structural'],
  ['default', 'must be undefined to be structural'],
  ['title', 'must be empty to be structural'],
  ['description', 'must be empty to be structural'],
  ['nullable', 'must be false to be structural'],
  ['x-kubernetes-preserve-unknown-fields', 'must be false to be structural'],
  ['x-kubernetes-embedded-resource', 'must be false to be structural'],
  ['x-kubernetes-int-or-string', 'must be false to be structural'],
  ['x-kubernetes-list-map-keys', 'must be empty to be structural'],
  ['x-kubernetes-list-type', 'must be undefined to be structural'],
  ['x-kubernetes-map-type', 'must be undefined to be structural'],
  ['x-kubernetes-validations', 'must be empty to be structural'],
] as const

const isEmpty = (value: unknown): boolean =>
  value === undefined || value === '' || value === false || (Array.isArray(value) && value.length === 0)

/** A schema under a junctor; what it looks at must be specified outside of it. */
const nestedErrors = (nested: JsonSchema, path: string, outer: JsonSchema | undefined): FieldError[] => {
  const errors = describing
    .filter(([name]) => !isEmpty(nested[name]))
    .map(([name, detail]) => forbidden(`${path}.${name}`, detail))
  if (isJsonObject(nested.additionalProperties) || nested.additionalProperties === false)
    errors.push(forbidden(`${path}.additionalProperties`, 'must be undefined to be structural'))
  for (const [name, property] of Object.entries(nested.properties ?? {})) {
    const at = `${path}.properties[${name}]`
    const specified = outer?.properties?.[name] ?? (outer === undefined ? undefined : valuesOf(outer))
    if (specified === undefined && outer !== undefined)
      errors.push(required(outerPath(path, `properties[${name}]`), `because it is defined in ${at}`))
    errors.push(...nestedErrors(property, at, specified))
  }
  if (isJsonObject(nested.items)) {
    if (outer !== undefined && outer.items === undefined)
      errors.push(required(outerPath(path, 'items'), `because it is defined in ${path}.items`))
    errors.push(...nestedErrors(nested.items, `${path}.items`, outer?.items))
  }
  return [...errors, ...junctorsIn(nested, path, outer)]
}

const junctorsIn = (nested: JsonSchema, path: string, outer: JsonSchema | undefined): FieldError[] => [
  ...(['anyOf', 'allOf', 'oneOf'] as const).flatMap(name =>
    (nested[name] ?? []).flatMap((inner, i) => nestedErrors(inner, `${path}.${name}[${i}]`, outer)),
  ),
  ...(nested.not === undefined ? [] : nestedErrors(nested.not, `${path}.not`, outer)),
]

/** The path of the same part outside of the junctors: `a.anyOf[0].properties[x]` stands for `a.properties[x]`. */
const outerPath = (path: string, part: string): string =>
  `${path.replace(/\.(?:(?:anyOf|allOf|oneOf)\[\d+\]|not)(?=\.|$)/g, '')}.${part}`
