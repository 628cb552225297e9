import { isJsonObject, type JsonObject } from '../../../kube/patch/json-value.ts'
import { isEmbedded, joinPath, type JsonSchema, preserves, propertyOf, valuesOf } from './json-schema.ts'

/** Every object of the API has these, whatever its schema says. */
const ofEveryResource: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

interface Place {
  path: string
  /** The object is a resource: the custom one itself, or one embedded in it. */
  resource: boolean
}

/** The fields of a resource that pruning leaves alone; their own rules are the metadata's. */
const isKept = (name: string, { resource }: Place): boolean => resource && ofEveryResource.has(name)

/**
 * Deletes in place what the schema does not specify, but below x-kubernetes-preserve-unknown-fields, where only what is
 * specified is looked into. The paths of what went: `spec.foo`, `spec.list[0].bar`.
 */
export const pruneFields = (object: JsonObject, schema: JsonSchema): string[] => {
  const pruned: string[] = []
  pruneObject(object, schema, { path: '', resource: true }, pruned)
  return pruned
}

const pruneValue = (value: unknown, schema: JsonSchema, path: string, pruned: string[]): void => {
  if (Array.isArray(value)) {
    // Without a schema of the items nothing in them is specified.
    const items = schema.items ?? (preserves(schema) ? { 'x-kubernetes-preserve-unknown-fields': true } : {})
    for (const [index, item] of value.entries()) pruneValue(item, items, `${path}[${index}]`, pruned)
  } else if (isJsonObject(value)) pruneObject(value, schema, { path, resource: isEmbedded(schema) }, pruned)
}

const pruneObject = (object: JsonObject, schema: JsonSchema, place: Place, pruned: string[]): void => {
  const values = valuesOf(schema)
  const open = preserves(schema) || schema.additionalProperties === true
  for (const name of Object.keys(object)) {
    if (isKept(name, place)) continue
    const path = joinPath(place.path, name)
    const property = propertyOf(schema, name) ?? values
    if (property !== undefined) pruneValue(object[name], property, path, pruned)
    else if (!open) {
      delete object[name]
      pruned.push(path)
    }
  }
}
