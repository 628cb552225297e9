import { cloneJson, isJsonObject, setKey } from '../../../kube/patch/json-value.ts'
import { type JsonSchema, valuesOf } from './json-schema.ts'

/**
 * Fills defaults in place, outermost first. A null where null is not allowed counts as absent where there is a default,
 * and is dropped where there is none.
 */
export const setDefaultValues = (value: unknown, schema: JsonSchema): void => {
  if (Array.isArray(value)) {
    const { items } = schema
    if (items !== undefined) for (const item of value) setDefaultValues(item, items)
    return
  }
  if (!isJsonObject(value)) return
  const { properties = {} } = schema
  for (const name of Object.keys(properties)) {
    const property = properties[name] ?? {}
    const there = Object.hasOwn(value, name)
    const absent = !there || (value[name] === null && property.nullable !== true)
    if (absent && property.default !== undefined) setKey(value, name, cloneJson(property.default))
    else if (there && absent) delete value[name]
    if (Object.hasOwn(value, name)) setDefaultValues(value[name], property)
  }
  const values = valuesOf(schema)
  if (values === undefined) return
  for (const name of Object.keys(value)) {
    if (Object.hasOwn(properties, name)) continue
    if (value[name] === null && values.nullable !== true) {
      if (values.default === undefined) delete value[name]
      else setKey(value, name, cloneJson(values.default))
    }
    setDefaultValues(value[name], values)
  }
}
