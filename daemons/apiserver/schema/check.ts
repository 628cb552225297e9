import { isJsonObject } from '../../../kube/patch/json-value.ts'
import { schemaOf } from './schemas.ts'
import type { JsonObject } from '../../../kube/patch/json-value.ts'
import type { TypeSchema } from '../../../kube/patch/schema.ts'

export interface FieldFinding {
  /** `unknown`: a field the kind does not have. `type`: a value that it cannot hold. */
  kind: 'unknown' | 'type'
  /** `spec.containers[0].image` */
  field: string
  /** In the words of upstream's decoder, without a prefix. */
  message: string
}

/** Where the walk is. Steps are field names and list indexes; paths are put together only for findings. */
interface Walk {
  readonly findings: FieldFinding[]
  readonly steps: (string | number)[]
  /** The innermost definition's name, as Go's messages name the struct. */
  struct: string
}

const pathOf = (steps: readonly (string | number)[]): string =>
  steps.reduce<string>(
    (path, step) => (typeof step === 'number' ? `${path}[${step}]` : path === '' ? step : `${path}.${step}`),
    '',
  )

const goKind = (value: unknown): string => {
  if (Array.isArray(value)) return 'array'
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'object':
      return 'object'
    default:
      return typeof value
  }
}

const lastName = (definition: string): string => definition.slice(definition.lastIndexOf('.') + 1)

const goFormats: Readonly<Record<string, string>> = {
  int32: 'int32',
  int64: 'int64',
  double: 'float64',
  byte: '[]uint8',
}

/** A schema's type as Go prints it: `int32`, `[]v1.Container`, `map[string]string`. */
const goType = (schema: TypeSchema): string => {
  switch (schema.type) {
    case 'object': {
      const parts = (schema.definition ?? '').split('.')
      return `${parts.at(-2) ?? 'v1'}.${parts.at(-1) ?? ''}`
    }
    case 'list':
      return `[]${schema.items === undefined ? 'interface {}' : goType(schema.items)}`
    case 'map':
      return `map[string]${schema.values === undefined ? 'interface {}' : goType(schema.values)}`
    case 'boolean':
      return 'bool'
    case 'any':
      return 'interface {}'
    default:
      return goFormats[schema.format ?? ''] ?? (schema.type === 'number' ? 'float64' : 'string')
  }
}

const note = (walk: Walk, message: string): void => {
  walk.findings.push({ kind: 'type', field: pathOf(walk.steps), message })
}

const noteType = (walk: Walk, value: unknown, schema: TypeSchema, given = goKind(value)): void => {
  // Go's path has neither list indexes nor map keys.
  const path = walk.steps.filter(step => typeof step === 'string').join('.')
  note(walk, `json: cannot unmarshal ${given} into Go struct field ${walk.struct}.${path} of type ${goType(schema)}`)
}

const quantityPattern = /^[+-]?(\d+\.?\d*|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/
const timePattern = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/

const checkText = (value: string, schema: TypeSchema, walk: Walk): void => {
  switch (schema.format) {
    case 'date-time':
    case 'date-time-micro': {
      if (timePattern.test(value) && !Number.isNaN(Date.parse(value))) return
      const layout = schema.format === 'date-time' ? '2006-01-02T15:04:05Z07:00' : '2006-01-02T15:04:05.000000Z07:00'
      const text = JSON.stringify(value)
      return note(walk, `parsing time ${text} as "${layout}": cannot parse ${text} as "2006"`)
    }
    case 'byte': {
      const text = value.replace(/[\r\n]/g, '')
      const bad = /[^A-Za-z0-9+/=]/.exec(text)?.index ?? (/^[^=]*={0,2}$/.test(text) ? -1 : text.indexOf('='))
      if (bad >= 0 || text.length % 4 !== 0)
        note(walk, `illegal base64 data at input byte ${bad >= 0 ? bad : text.length - (text.length % 4)}`)
      return
    }
    default:
  }
}

const checkQuantity = (value: unknown, schema: TypeSchema, walk: Walk): void => {
  if (typeof value !== 'string' && typeof value !== 'number') return noteType(walk, value, schema)
  if (!quantityPattern.test(String(value)))
    note(
      walk,
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" +
        ` (${pathOf(walk.steps)}: ${JSON.stringify(value)})`,
    )
}

const checkNumber = (value: unknown, schema: TypeSchema, walk: Walk): void => {
  if (typeof value !== 'number') return noteType(walk, value, schema)
  if (schema.type !== 'integer') return
  const limit = schema.format === 'int32' ? 2 ** 31 : 2 ** 63
  if (!Number.isInteger(value) || value < -limit || value > limit || (schema.format === 'int32' && value === limit))
    noteType(walk, value, schema, `number ${value}`)
}

/** Fields that hold a schema, several, or something that is none: OpenAPI cannot say so. */
const schemasOrElse = new Set(['additionalItems', 'additionalProperties', 'items'])

/** What a value below one of these fields is to be; undefined: what the field says. */
const heldBy = (value: unknown, key: string, holder: TypeSchema): TypeSchema | undefined => {
  if (!schemasOrElse.has(key) || holder.definition?.endsWith('.JSONSchemaProps') !== true) return undefined
  if (Array.isArray(value)) return { type: 'list', items: holder }
  return isJsonObject(value) ? holder : undefined
}

const checkObjectFields = (value: JsonObject, schema: TypeSchema, walk: Walk): void => {
  const { fields } = schema
  if (fields === undefined) return
  const outer = walk.struct
  walk.struct = lastName(schema.definition ?? '')
  for (const key of Object.keys(value)) {
    const field = fields.get(key)
    if (value[key] === null && field !== undefined) {
      // Go reads it as absence, whatever the type.
      delete value[key]
      continue
    }
    walk.steps.push(key)
    if (field === undefined) {
      const path = pathOf(walk.steps)
      walk.findings.push({ kind: 'unknown', field: path, message: `unknown field "${path}"` })
    } else check(value[key], heldBy(value[key], key, schema) ?? field, walk)
    walk.steps.pop()
  }
  walk.struct = outer
}

/** What Go makes of a null in a list or a map, which cannot be left out: the type's zero. */
const zeroOf = (schema: TypeSchema): unknown => {
  switch (schema.type) {
    case 'object':
    case 'map':
      return {}
    case 'list':
      return []
    case 'string':
      return schema.format === 'quantity' ? '0' : schema.format === 'int-or-string' ? 0 : ''
    case 'integer':
    case 'number':
      return 0
    case 'boolean':
      return false
    case 'any':
      return null
  }
}

/** `__proto__` is a key like any other. */
const setOwn = (object: JsonObject, key: string, value: unknown): void => {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true })
}

const checkMap = (value: JsonObject, values: TypeSchema, walk: Walk): void => {
  for (const key of Object.keys(value)) {
    const before = walk.findings.length
    if (value[key] === null) setOwn(value, key, zeroOf(values))
    check(value[key], values, walk)
    // The key joins the path only of what was found below it: Go's messages leave it out.
    for (const finding of walk.findings.slice(before)) finding.field = `${finding.field}.${key}`
  }
}

const check = (value: unknown, schema: TypeSchema, walk: Walk): void => {
  if (value === null || value === undefined) return
  switch (schema.type) {
    case 'object':
      return isJsonObject(value) ? checkObjectFields(value, schema, walk) : noteType(walk, value, schema)
    case 'map':
      if (!isJsonObject(value)) return noteType(walk, value, schema)
      return schema.values === undefined ? undefined : checkMap(value, schema.values, walk)
    case 'list':
      if (!Array.isArray(value)) return noteType(walk, value, schema)
      if (schema.items === undefined) return
      for (let i = 0; i < value.length; i++) {
        walk.steps.push(i)
        if (value[i] === null) value[i] = zeroOf(schema.items)
        check(value[i], schema.items, walk)
        walk.steps.pop()
      }
      return
    case 'string':
      if (schema.format === 'quantity') return checkQuantity(value, schema, walk)
      if (schema.format === 'int-or-string' && typeof value === 'number')
        return checkNumber(value, { type: 'integer', format: 'int32' }, walk)
      return typeof value === 'string' ? checkText(value, schema, walk) : noteType(walk, value, schema)
    case 'integer':
    case 'number':
      return checkNumber(value, schema, walk)
    case 'boolean':
      return typeof value === 'boolean' ? undefined : noteType(walk, value, schema)
    case 'any':
  }
}

/**
 * What in an object does not fit its definition: fields it does not have and values of the wrong type, in the order of
 * the object; nulls are made what Go reads them as, in place. Empty when all is well. Throws SkiffError NOT_FOUND for an unknown definition.
 */
export const checkFields = (object: unknown, definition: string): FieldFinding[] => {
  const walk: Walk = { findings: [], steps: [], struct: lastName(definition) }
  check(object, schemaOf(definition), walk)
  return walk.findings
}

export { findDuplicateKeys } from './duplicate-keys.ts'
