import { emptySet, fieldElement, makeNode } from './field-set.ts'
import { equalJson, getKey, isJsonObject } from './json-value.ts'
import { isKeyedList, itemsByElement } from './list-elements.ts'
import { anySchema, fieldSchema } from './schema.ts'
import type { FieldSet } from './field-set.ts'
import type { JsonObject } from './json-value.ts'
import type { TypeSchema } from './schema.ts'

type Children = [string, FieldSet][]

const isEmpty = (value: unknown): boolean =>
  value === undefined ||
  value === null ||
  (Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0)

/**
 * Every path that someone who sends `value` claims: scalars and atomic values as a whole, items of keyed lists, keys of
 * maps, and empty objects. (structured-merge-diff's ToFieldSet.)
 */
export const fieldSetOf = (value: unknown, schema: TypeSchema): FieldSet => nodeOf(value, schema) ?? emptySet

const nodeOf = (value: unknown, schema: TypeSchema): FieldSet | undefined => {
  if (isJsonObject(value)) {
    if (schema.mapKind === 'atomic') return emptySet
    const children: Children = []
    for (const key of Object.keys(value)) {
      const child = value[key]
      if (child === undefined) continue
      const below = nodeOf(child, fieldSchema(schema, key)) ?? emptySet
      // A key of a map is claimed besides what is in it; a field of an object only by what is in it.
      const claimed = schema.fields?.has(key) !== true && !isLeaf(child, fieldSchema(schema, key))
      const named = claimed
        ? makeNode(
            true,
            Object.entries(below).filter(([name]) => name !== '.'),
          )
        : below
      // An empty keyed list claims nothing: no item is named.
      if (named !== undefined && !(Array.isArray(child) && isKeyedList(fieldSchema(schema, key)) && child.length === 0))
        children.push([fieldElement(key), named])
    }
    return makeNode(false, children)
  }
  if (Array.isArray(value) && isKeyedList(schema)) {
    const children: Children = []
    for (const [element, item] of itemsByElement(value, schema)) {
      const below = nodeOf(item, schema.items ?? anySchema) ?? emptySet
      children.push([
        element,
        makeNode(
          true,
          Object.entries(below).filter(([name]) => name !== '.'),
        ) ?? emptySet,
      ])
    }
    return makeNode(false, children)
  }
  return emptySet
}

const isLeaf = (value: unknown, schema: TypeSchema): boolean => {
  if (Array.isArray(value)) return !isKeyedList(schema)
  return !isJsonObject(value) || schema.mapKind === 'atomic'
}

export interface Comparison {
  /** Paths that are new in `after` or have another value there. */
  readonly changed: FieldSet
  readonly removed: FieldSet
}

/** Which paths differ. It descends only where the two differ, for it runs on every write. */
export const compareFields = (before: unknown, after: unknown, schema: TypeSchema): Comparison => {
  const found = compareNodes(before ?? {}, after ?? {}, schema)
  return { changed: found?.changed ?? emptySet, removed: found?.removed ?? emptySet }
}

interface Found {
  changed: FieldSet | undefined
  removed: FieldSet | undefined
}

/** Undefined where nothing differs. */
const compareNodes = (before: unknown, after: unknown, schema: TypeSchema): Found | undefined => {
  if (before === after) return undefined
  if (before === undefined || after === undefined || isLeafPair(before, after, schema)) {
    if (before !== undefined && after !== undefined)
      return equalJson(before, after) ? undefined : { changed: emptySet, removed: undefined }
    return before === undefined
      ? { changed: allPaths(after, schema, true), removed: undefined }
      : { changed: undefined, removed: allPaths(before, schema, true) }
  }
  if (isJsonObject(before) && isJsonObject(after)) return compareObjects(before, after, schema)
  if (Array.isArray(before) && Array.isArray(after)) return compareLists(before, after, schema)
  // Another type altogether: the old paths go, the new ones come.
  return { changed: allPaths(after, schema, true), removed: allPaths(before, schema, true) }
}

/** A pair that is compared as a whole: atomic, scalar, or both empty (so that null and {} stay apart). */
const isLeafPair = (before: unknown, after: unknown, schema: TypeSchema): boolean => {
  if (isEmpty(before) && isEmpty(after)) return true
  if (schema.mapKind === 'atomic') return true
  if (Array.isArray(before) && Array.isArray(after)) return !isKeyedList(schema)
  return !(typeof before === 'object' && before !== null) && !(typeof after === 'object' && after !== null)
}

/**
 * Everything at and below a node that came or went as a whole. What upstream's Go object always holds was there before,
 * as long as its parent was: `parentThere`.
 */
const allPaths = (value: unknown, schema: TypeSchema, parentThere: boolean): FieldSet | undefined => {
  const there = parentThere && schema.alwaysPresent === true
  const member = !there || isEmpty(value)
  if (schema.mapKind !== 'atomic' && isJsonObject(value)) {
    const children: Children = []
    for (const key of Object.keys(value)) {
      if (value[key] === undefined) continue
      const below = allPaths(value[key], fieldSchema(schema, key), there)
      if (below !== undefined) children.push([fieldElement(key), below])
    }
    return makeNode(member, children)
  }
  if (Array.isArray(value) && isKeyedList(schema)) {
    const children: Children = []
    for (const [element, item] of itemsByElement(value, schema))
      children.push([element, allPaths(item, schema.items ?? anySchema, false) ?? emptySet])
    return makeNode(member, children)
  }
  return emptySet
}

/** Fields that a write leaves out of account: of the object, and of its metadata. */
export interface LeftOut {
  fields: ReadonlySet<string>
  metadata: ReadonlySet<string>
}

/** What the maker of an object claims: what `compareFields` with nothing gives, but for the fields left out. */
export const createdFields = (object: JsonObject, schema: TypeSchema, leftOut: LeftOut): FieldSet => {
  const children: Children = []
  for (const key of Object.keys(object)) {
    const value = object[key]
    if (value === undefined || leftOut.fields.has(key)) continue
    const below = fieldSchema(schema, key)
    const node =
      key === 'metadata' && isJsonObject(value) ? metadataFields(value, below, leftOut) : allPaths(value, below, true)
    if (node !== undefined) children.push([fieldElement(key), node])
  }
  return makeNode(false, children) ?? emptySet
}

/** `metadata` itself is always there and nobody's. */
const metadataFields = (metadata: JsonObject, schema: TypeSchema, leftOut: LeftOut): FieldSet | undefined => {
  const children: Children = []
  for (const key of Object.keys(metadata)) {
    if (metadata[key] === undefined || leftOut.metadata.has(key)) continue
    const node = allPaths(metadata[key], fieldSchema(schema, key), schema.alwaysPresent === true)
    if (node !== undefined) children.push([fieldElement(key), node])
  }
  return makeNode(false, children)
}

const collect = (changed: Children, removed: Children): Found | undefined =>
  changed.length === 0 && removed.length === 0
    ? undefined
    : { changed: makeNode(false, changed), removed: makeNode(false, removed) }

const compareObjects = (before: JsonObject, after: JsonObject, schema: TypeSchema): Found | undefined => {
  const changed: Children = []
  const removed: Children = []
  const note = (key: string, old: unknown, now: unknown): void => {
    const found = compareNodes(old, now, fieldSchema(schema, key))
    if (found?.changed !== undefined) changed.push([fieldElement(key), found.changed])
    if (found?.removed !== undefined) removed.push([fieldElement(key), found.removed])
  }
  for (const key of Object.keys(after)) note(key, getKey(before, key), after[key])
  for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) note(key, before[key], undefined)
  return collect(changed, removed)
}

const compareLists = (before: readonly unknown[], after: readonly unknown[], schema: TypeSchema): Found | undefined => {
  // Most lists of most writes are as they were, and comparing is cheaper than naming every item.
  if (equalJson(before, after)) return undefined
  const items = schema.items ?? anySchema
  const changed: Children = []
  const removed: Children = []
  const note = (element: string, old: unknown, now: unknown): void => {
    const found = compareNodes(old, now, items)
    if (found?.changed !== undefined) changed.push([element, found.changed])
    if (found?.removed !== undefined) removed.push([element, found.removed])
  }
  const old = itemsByElement(before, schema)
  const now = itemsByElement(after, schema)
  for (const [element, item] of now) note(element, old.get(element), item)
  for (const [element, item] of old) if (!now.has(element)) note(element, item, undefined)
  return collect(changed, removed)
}
