import { apiError } from '../status.ts'
import { orderElements } from './element-order.ts'
import { cloneJson, equalJson, getKey, isJsonObject, setKey } from './json-value.ts'
import { fieldSchema } from './schema.ts'
import type { ApiError } from '../status.ts'
import type { JsonObject } from './json-value.ts'
import type { TypeSchema } from './schema.ts'

const orderPrefix = '$setElementOrder/'
const deletePrefix = '$deleteFromPrimitiveList/'

const badPatch = (why: string): ApiError => apiError('BadRequest', why)

const isDirective = (key: string): boolean =>
  key === '$patch' || key === '$retainKeys' || key.startsWith(orderPrefix) || key.startsWith(deletePrefix)

/** A value taken over as it stands, without directives and nulls: it has no counterpart that they could act on. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (!isJsonObject(value)) return value
  const result: JsonObject = {}
  for (const key of Object.keys(value))
    if (!isDirective(key) && value[key] !== null) setKey(result, key, plain(value[key]))
  return result
}

const listOf = (patch: JsonObject, key: string): readonly unknown[] => {
  const value = patch[key]
  if (!Array.isArray(value)) throw badPatch(`${key} must be a list, not ${JSON.stringify(value)}`)
  return value
}

/** `$retainKeys` names every key that may stay; the patch must not set one that it does not name. */
const retainKeys = (original: JsonObject, patch: JsonObject): JsonObject => {
  if (!Object.hasOwn(patch, '$retainKeys')) return original
  const retained = new Set(listOf(patch, '$retainKeys'))
  for (const key of Object.keys(patch))
    if (!isDirective(key) && patch[key] !== null && !retained.has(key))
      throw badPatch(`$retainKeys does not name ${JSON.stringify(key)}, which the patch sets`)
  return Object.fromEntries(Object.entries(original).filter(([key]) => retained.has(key)))
}

const mergeObject = (original: JsonObject, patch: JsonObject, schema: TypeSchema): JsonObject => {
  switch (patch['$patch']) {
    case undefined:
    case 'merge':
      break
    case 'replace':
      return plain(patch) as JsonObject
    case 'delete':
      return {}
    default:
      throw badPatch(`unknown patch type: ${JSON.stringify(patch['$patch'])}`)
  }
  const kept = retainKeys(original, patch)
  const result: JsonObject = {}
  for (const key of Object.keys(kept)) setKey(result, key, kept[key])
  for (const key of Object.keys(patch)) {
    if (isDirective(key)) continue
    const value = patch[key]
    if (value === null) delete result[key]
    else setKey(result, key, mergeValue(getKey(result, key), value, fieldSchema(schema, key)))
  }
  for (const key of Object.keys(patch)) {
    if (key.startsWith(deletePrefix)) deleteFromList(result, key.slice(deletePrefix.length), listOf(patch, key))
    // Last, for the order is that of the list after it was merged.
    else if (key.startsWith(orderPrefix)) setOrder(result, original, patch, key.slice(orderPrefix.length), schema)
  }
  return result
}

const mergeValue = (original: unknown, patch: unknown, schema: TypeSchema): unknown => {
  const merges = schema.patchStrategy?.includes('replace') !== true
  if (isJsonObject(patch))
    return merges ? mergeObject(isJsonObject(original) ? original : {}, patch, schema) : plain(patch)
  if (!Array.isArray(patch)) return patch
  if (schema.patchStrategy?.includes('merge') !== true) return plain(patch)
  return mergeList(Array.isArray(original) ? original : [], patch, schema)
}

/** What makes two elements of a list the same: the merge key of objects, the value of scalars. */
const idOf = (key: string | undefined) => (element: unknown) =>
  JSON.stringify(key !== undefined && isJsonObject(element) ? getKey(element, key) : element) ?? ''

const mergeList = (original: readonly unknown[], patch: readonly unknown[], schema: TypeSchema): unknown[] => {
  const key = schema.patchMergeKey
  const id = idOf(key)
  if (!patch.some(isJsonObject)) {
    if (patch.some(Array.isArray)) throw badPatch('lists of lists cannot be merged')
    const there = new Set(original.map(id))
    return orderElements([...original, ...new Set(patch.filter(item => !there.has(id(item))))], patch, original, id)
  }
  if (key === undefined) return plain(patch) as unknown[]
  let result = [...original]
  const merging: JsonObject[] = []
  for (const item of patch) {
    if (!isJsonObject(item)) throw badPatch(`a list merged by ${key} holds ${JSON.stringify(item)}`)
    // `$patch: replace` stands in an element of its own and holds for the whole list.
    const directive = item['$patch']
    if (directive === 'replace')
      return plain(patch.filter(other => !isJsonObject(other) || !('$patch' in other))) as unknown[]
    if (!Object.hasOwn(item, key))
      throw badPatch(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
    if (directive === 'delete') result = result.filter(other => id(other) !== id(item))
    else merging.push(item)
  }
  for (const item of merging) {
    const index = result.findIndex(other => id(other) === id(item))
    const old = result[index]
    const merged = mergeObject(isJsonObject(old) ? old : {}, item, schema.items ?? { type: 'any' })
    if (index < 0) result.push(merged)
    else result[index] = merged
  }
  return orderElements(result, merging, original, id)
}

const deleteFromList = (result: JsonObject, field: string, removed: readonly unknown[]): void => {
  const list = getKey(result, field)
  if (Array.isArray(list))
    setKey(
      result,
      field,
      list.filter(item => !removed.some(other => equalJson(item, other))),
    )
}

const setOrder = (
  result: JsonObject,
  original: JsonObject,
  patch: JsonObject,
  field: string,
  schema: TypeSchema,
): void => {
  const order = listOf(patch, `${orderPrefix}${field}`)
  const list = getKey(result, field)
  if (!Array.isArray(list)) return
  const id = idOf(fieldSchema(schema, field).patchMergeKey)
  const ordered = new Set(order.map(id))
  const patched = getKey(patch, field)
  for (const item of Array.isArray(patched) ? patched : [])
    if (!(isJsonObject(item) && '$patch' in item) && !ordered.has(id(item)))
      throw badPatch(`${orderPrefix}${field} does not name ${id(item)}, which the patch sets`)
  const before = getKey(original, field)
  setKey(result, field, orderElements(list, order, Array.isArray(before) ? before : [], id))
}

/**
 * Strategic merge patch, with the directives `$patch: replace | delete | merge`, `$retainKeys`,
 * `$deleteFromPrimitiveList/…` and `$setElementOrder/…`. Lists merge where the schema says so, others are replaced.
 * The result shares nothing with its inputs. Throws ApiError `BadRequest` where the patch contradicts the schema or itself.
 * Rules: Kubernetes' "Strategic merge patch" contributor document.
 */
export const applyStrategicMergePatch = (object: unknown, patch: unknown, schema: TypeSchema): unknown => {
  if (!isJsonObject(patch)) throw badPatch(`a strategic merge patch must be an object, not ${JSON.stringify(patch)}`)
  return cloneJson(mergeObject(isJsonObject(object) ? object : {}, patch, schema))
}
