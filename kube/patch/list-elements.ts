import { getKey, isJsonObject } from './json-value.ts'
import type { TypeSchema } from './schema.ts'

/** Whether each item of the list is owned on its own. */
export const isKeyedList = (schema: TypeSchema): boolean => schema.listKind === 'map' || schema.listKind === 'set'

/** The path element of one item: `k:{"name":"web"}` by its keys, `v:"x"` by its value. */
export const itemElement = (item: unknown, schema: TypeSchema): string => {
  if (schema.listKind !== 'map' || !isJsonObject(item)) return `v:${JSON.stringify(item)}`
  let text = ''
  for (const key of schema.listKeys ?? []) {
    const value = getKey(item, key) ?? schema.keyDefaults?.[key]
    if (value !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`
  }
  return `k:{${text}}`
}

/** Items by their path element, in order; of two with the same one the first counts. */
export const itemsByElement = (list: readonly unknown[], schema: TypeSchema): Map<string, unknown> => {
  const items = new Map<string, unknown>()
  for (const item of list) {
    const element = itemElement(item, schema)
    if (!items.has(element)) items.set(element, item)
  }
  return items
}
