import { descend, isEmptySet } from './field-set.ts'
import { getKey, isJsonObject, setKey } from './json-value.ts'
import { isKeyedList, itemElement, itemsByElement } from './list-elements.ts'
import { anySchema, fieldSchema } from './schema.ts'
import type { FieldSet } from './field-set.ts'
import type { JsonObject } from './json-value.ts'
import type { TypeSchema } from './schema.ts'

/**
 * The live object with what was applied laid over it: objects and keyed lists merge, everything else is replaced, null
 * removes. Items keep the order they were applied in; those only the live list has stay where they stood between them.
 */
export const mergeApplied = (live: unknown, applied: unknown, schema: TypeSchema): unknown => {
  if (isJsonObject(applied) && isJsonObject(live) && schema.mapKind !== 'atomic') {
    const result: JsonObject = {}
    for (const key of Object.keys(live)) setKey(result, key, live[key])
    for (const key of Object.keys(applied)) {
      const value = applied[key]
      if (value === null) delete result[key]
      else setKey(result, key, mergeApplied(getKey(result, key), value, fieldSchema(schema, key)))
    }
    return result
  }
  if (Array.isArray(applied) && Array.isArray(live) && isKeyedList(schema)) return mergeItems(live, applied, schema)
  return dropNulls(applied)
}

const dropNulls = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(dropNulls)
  if (!isJsonObject(value)) return value
  const result: JsonObject = {}
  for (const key of Object.keys(value)) if (value[key] !== null) setKey(result, key, dropNulls(value[key]))
  return result
}

const mergeItems = (live: readonly unknown[], applied: readonly unknown[], schema: TypeSchema): unknown[] => {
  const items = schema.items ?? anySchema
  const old = itemsByElement(live, schema)
  const now = itemsByElement(applied, schema)
  const result: unknown[] = []
  const emitted = new Set<string>()
  const emit = (element: string): void => {
    result.push(mergeApplied(old.get(element), now.get(element), items))
    emitted.add(element)
  }
  const pending = [...now.keys()]
  let next = 0
  for (const item of live) {
    const element = itemElement(item, schema)
    if (!now.has(element)) {
      result.push(item)
      continue
    }
    // Whatever was applied before this item comes before it.
    while (!emitted.has(element) && next < pending.length) emit(pending[next++] ?? element)
  }
  for (const element of pending.slice(next)) emit(element)
  return result
}

/** What remains of a value; `gone` when nothing does. */
type Pruned = { kind: 'kept'; value: unknown } | { kind: 'gone' }
const gone: Pruned = { kind: 'gone' }

/**
 * The object without what its applier owned (`last`) and neither it nor anybody else owns now (`owned`). A field that
 * only this applier had goes with everything in it; a container that this leaves empty goes too.
 */
export const pruneUnowned = (value: unknown, last: FieldSet, owned: FieldSet, schema: TypeSchema): unknown => {
  const result = prune(value, last, owned, schema)
  return result.kind === 'gone' ? {} : result.value
}

const pruneChild = (value: unknown, last: FieldSet | undefined, owned: FieldSet | undefined, s: TypeSchema): Pruned => {
  if (last === undefined) return { kind: 'kept', value }
  if (owned === undefined) return gone
  return isEmptySet(last) ? { kind: 'kept', value } : prune(value, last, owned, s)
}

const prune = (value: unknown, last: FieldSet, owned: FieldSet, schema: TypeSchema): Pruned => {
  if (isJsonObject(value) && schema.mapKind !== 'atomic') {
    const result: JsonObject = {}
    let size = 0
    for (const key of Object.keys(value)) {
      const element = `f:${key}`
      const child = pruneChild(value[key], descend(last, element), descend(owned, element), fieldSchema(schema, key))
      if (child.kind === 'gone') continue
      setKey(result, key, child.value)
      size++
    }
    return size === 0 && Object.keys(value).length > 0 ? gone : { kind: 'kept', value: result }
  }
  if (Array.isArray(value) && isKeyedList(schema)) {
    const result: unknown[] = []
    for (const item of value) {
      const element = itemElement(item, schema)
      const child = pruneChild(item, descend(last, element), descend(owned, element), schema.items ?? anySchema)
      if (child.kind === 'kept') result.push(child.value)
    }
    return result.length === 0 && value.length > 0 ? gone : { kind: 'kept', value: result }
  }
  return { kind: 'kept', value }
}
