import { getKey, isJsonObject } from './json-value.ts'
import { isKeyedList, itemElement } from './list-elements.ts'
import { anySchema, type TypeSchema } from './schema.ts'

/** `[name="web"]`, `["x"]`, `[0]`: how structured-merge-diff names an item in its messages. */
const itemPath = (item: unknown, index: number, schema: TypeSchema): string => {
  if (!isKeyedList(schema)) return `[${index}]`
  if (schema.listKind !== 'map' || !isJsonObject(item)) return `[=${JSON.stringify(item)}]`
  const keys = (schema.listKeys ?? []).flatMap(key => {
    const value = getKey(item, key) ?? schema.keyDefaults?.[key]
    return value === undefined ? [] : [`${key}=${JSON.stringify(value)}`]
  })
  return `[${keys.join(',')}]`
}

/**
 * What keeps an applied configuration from being read by its kind's schema: fields that are not declared, and items of
 * a list that are identified alike, so that nobody could own the one without the other. Each is a path and a reason, in
 * structured-merge-diff's words; none where all is well.
 */
export const typedErrors = (value: unknown, schema: TypeSchema, path = ''): string[] => {
  if (isJsonObject(value)) {
    const { fields } = schema
    return Object.keys(value).flatMap(key => {
      const at = `${path}.${key}`
      const field = fields === undefined ? (schema.values ?? anySchema) : fields.get(key)
      if (field === undefined) return [`${at}: field not declared in schema`]
      return typedErrors(value[key], field, at)
    })
  }
  if (!Array.isArray(value)) return []
  const seen = new Set<string>()
  return value.flatMap((item: unknown, i) => {
    const at = itemPath(item, i, schema)
    const errors = typedErrors(item, schema.items ?? anySchema, path + at)
    if (!isKeyedList(schema)) return errors
    const element = itemElement(item, schema)
    if (seen.has(element)) errors.push(`${path}: duplicate entries for key ${at}`)
    seen.add(element)
    return errors
  })
}
