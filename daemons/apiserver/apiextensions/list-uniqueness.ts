import { equalJson, getKey, isJsonObject, type JsonObject } from '../../../kube/patch/json-value.ts'
import { duplicate, invalid } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { childOf, joinPath, type JsonSchema, propertyOf } from './json-schema.ts'

/** Indexes of the second appearance of each value that appears more than once. */
const repeated = (values: readonly unknown[]): number[] => {
  const seen = new Map<string, number>()
  const result: number[] = []
  for (const [index, value] of values.entries()) {
    const key = canonical(value)
    const times = (seen.get(key) ?? 0) + 1
    seen.set(key, times)
    if (times === 2) result.push(index)
  }
  return result
}

/** The same text for values that are equal: keys are sorted. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    isJsonObject(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : part,
  ) ?? 'undefined'

const keysOf = (item: unknown, names: readonly string[]): JsonObject =>
  Object.fromEntries(
    names.flatMap(name => {
      const value = isJsonObject(item) ? getKey(item, name) : undefined
      return value === undefined ? [] : [[name, value]]
    }),
  )

const checkList = (list: readonly unknown[], schema: JsonSchema, path: string): FieldError[] => {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return repeated(list).map(index => duplicate(`${path}[${index}]`, list[index]))
    case 'map': {
      const wrong = list.findIndex(item => item !== null && !isJsonObject(item))
      if (wrong >= 0)
        return [invalid(`${path}[${wrong}]`, list[wrong], 'must be an object for an array of list-type map')]
      const keys = list.map(item => keysOf(item, schema['x-kubernetes-list-map-keys'] ?? []))
      return repeated(keys).map(index => duplicate(`${path}[${index}]`, keys[index]))
    }
    default:
      return []
  }
}

/**
 * Lists of type set hold no value twice, those of type map no key. What an update leaves as it was is not looked at.
 * (Upstream: listtype.ValidateListSetsAndMaps.)
 */
export const checkUniqueness = (value: unknown, schema: JsonSchema, path: string, old?: unknown): FieldError[] => {
  if (old !== undefined && equalJson(value, old)) return []
  if (Array.isArray(value)) {
    const { items } = schema
    return [
      ...checkList(value, schema, path),
      ...(items === undefined ? [] : value.flatMap((item, index) => checkUniqueness(item, items, `${path}[${index}]`))),
    ]
  }
  if (!isJsonObject(value)) return []
  return Object.keys(value).flatMap(name => {
    const child = childOf(schema, name)
    if (child === undefined) return []
    const below = propertyOf(schema, name) === undefined ? `${path}[${name}]` : joinPath(path, name)
    return checkUniqueness(value[name], child, below, isJsonObject(old) ? getKey(old, name) : undefined)
  })
}
