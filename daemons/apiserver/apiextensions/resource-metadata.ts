import { isJsonObject, type JsonObject } from '../../../kube/patch/json-value.ts'
import { required, invalid } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { checkFields } from '../schema/check.ts'
import { childOf, isEmbedded, joinPath, type JsonSchema } from './json-schema.ts'
import { objectMeta } from './type-schema.ts'

const dropNulls = (value: unknown): void => {
  if (Array.isArray(value)) value.forEach(dropNulls)
  else if (isJsonObject(value))
    for (const key of Object.keys(value)) {
      if (value[key] === null) delete value[key]
      else dropNulls(value[key])
    }
}

/** Fields of metadata are known to any depth by their path without indexes in lists: what is unknown is at its top or in an owner. */
const deleteUnknown = (metadata: JsonObject, field: string): void => {
  const steps = field.split(/\.|\[(\d+)\]/).filter(step => step !== undefined && step !== '')
  let at: unknown = metadata
  for (const step of steps.slice(0, -1))
    at = Array.isArray(at) ? (at[Number(step)] as unknown) : isJsonObject(at) ? at[step] : undefined
  const last = steps.at(-1)
  if (last !== undefined && isJsonObject(at)) delete at[last]
}

/**
 * Makes an object's metadata what ObjectMeta can hold, in place. Gives the unknown fields that were dropped, and why it
 * cannot be read at all.
 */
export const coerceMetadata = (object: JsonObject, path: string): { unknown: string[]; wrong?: string } => {
  const { metadata } = object
  if (metadata === undefined) return { unknown: [] }
  const at = joinPath(path, 'metadata')
  if (metadata === null) {
    delete object['metadata']
    return { unknown: [] }
  }
  if (!isJsonObject(metadata)) return { unknown: [], wrong: `${at}: Invalid value: metadata must be an object` }
  dropNulls(metadata)
  const findings = checkFields(metadata, objectMeta)
  const type = findings.find(finding => finding.kind === 'type')
  if (type !== undefined) return { unknown: [], wrong: type.message }
  for (const { field } of findings) deleteUnknown(metadata, field)
  return { unknown: findings.map(({ field }) => `${at}.${field}`) }
}

type Visit = (resource: JsonObject, path: string) => void

/** Calls `visit` for every resource embedded in the value, wherever the schema says that one stands. */
export const visitEmbedded = (value: unknown, schema: JsonSchema, visit: Visit, path = ''): void => {
  if (Array.isArray(value)) {
    const { items } = schema
    if (items !== undefined) value.forEach((item, index) => visitEmbedded(item, items, visit, `${path}[${index}]`))
    return
  }
  if (!isJsonObject(value)) return
  if (isEmbedded(schema)) visit(value, path)
  for (const name of Object.keys(value)) {
    const child = childOf(schema, name)
    if (child !== undefined) visitEmbedded(value[name], child, visit, joinPath(path, name))
  }
}

/** An embedded resource says what it is. */
export const embeddedErrors = (object: JsonObject, schema: JsonSchema): FieldError[] => {
  const errors: FieldError[] = []
  visitEmbedded(object, schema, (resource, path) => {
    for (const name of ['apiVersion', 'kind']) {
      const value = resource[name]
      if (value === undefined || value === '') errors.push(required(joinPath(path, name), 'must not be empty'))
      else if (typeof value !== 'string') errors.push(invalid(joinPath(path, name), value, 'must be a string'))
    }
  })
  return errors
}
