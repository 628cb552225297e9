import { isJsonObject, type JsonObject } from '../../../kube/patch/json-value.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { messageNameOf, protobufMessage, type ProtobufField, type ProtobufMessage } from '../rest/protobuf-messages.ts'

/** What there is to do in objects of one message. */
interface Shape {
  /** By JSON name; fields of messages that stand in their holder's JSON are among them. */
  readonly fields: ReadonlyMap<string, ProtobufField>
  /** Those that Go writes even when they are zero, with what it writes. */
  readonly always: readonly (readonly [field: ProtobufField, zero: () => unknown])[]
}

/** What Go writes for an absent field that has no omitempty; undefined: nothing of its own (null, an object's parts). */
const zeroOf = ({ type, label, pointer, keepsZero }: ProtobufField): (() => unknown) | undefined => {
  if (pointer || label !== 'one') return undefined
  // A struct is never empty to Go.
  if (type === 'm') return () => ({})
  if (!keepsZero) return undefined
  switch (type) {
    case 's':
      return () => ''
    case 'i':
    case 'l':
    case 'd':
      return () => 0
    case 'b':
      return () => false
    case 'Q':
      return () => '0'
    default:
      return undefined
  }
}

const shapes = new Map<ProtobufMessage, Shape>()

const fieldsOf = (message: ProtobufMessage): ProtobufField[] =>
  [...message.byNumber.values()].flatMap(field => (field.label === 'inline' ? fieldsOf(field.message) : [field]))

const shapeOf = (message: ProtobufMessage): Shape => {
  let shape = shapes.get(message)
  if (shape === undefined) {
    const fields = fieldsOf(message)
    const always = fields.flatMap(field => {
      const zero = zeroOf(field)
      return zero === undefined ? [] : [[field, zero] as const]
    })
    shapes.set(message, (shape = { fields: new Map(fields.map(field => [field.name, field])), always }))
  }
  return shape
}

const isEmpty = (value: unknown): boolean => {
  if (typeof value !== 'object') return value === '' || value === 0 || value === false
  if (Array.isArray(value)) return value.length === 0
  return value === null || Object.keys(value).length === 0
}

/** Lists that upstream's defaults and rules tell apart when they are empty and when they are not there (HPAScalingRules). */
const emptyMatters: ReadonlySet<string> = new Set(['policies'])

/** A zero that Go leaves out again: structs, quantities and times are never empty to it. */
const leavesOut = (field: ProtobufField, value: unknown): boolean => {
  if (field.pointer || field.keepsZero) return false
  if (field.label === 'list' || field.label === 'map') return !emptyMatters.has(field.name) && isEmpty(value)
  return 'silbdy'.includes(field.type) && isEmpty(value)
}

const shapeValue = (field: ProtobufField, value: unknown): void => {
  switch (field.type) {
    case 'm':
      if (field.label === 'list') {
        if (Array.isArray(value)) for (const item of value) shapeInto(item, field.message)
      } else if (field.label === 'map') {
        if (isJsonObject(value)) for (const key in value) shapeInto(value[key], field.message)
      } else shapeInto(value, field.message)
      return
    case 'A':
    case 'B':
    case 'P':
      return shapeSchemas(field, value)
    default:
  }
}

/** `items`, `additionalProperties` and `dependencies` of a schema: one, several, or something else. */
const shapeSchemas = (field: ProtobufField, value: unknown): void => {
  const schema = protobufMessage('apiextensions.v1.JSONSchemaProps')
  const one = (entry: unknown): void => {
    if (Array.isArray(entry)) entry.forEach(one)
    else shapeInto(entry, schema)
  }
  if (field.label !== 'map') one(value)
  else if (isJsonObject(value)) Object.values(value).forEach(one)
}

const shapeInto = (value: unknown, message: ProtobufMessage): void => {
  if (!isJsonObject(value)) return
  const { fields, always } = shapeOf(message)
  for (const key in value) {
    const field = fields.get(key)
    if (field === undefined) continue
    const inner = value[key]
    if (leavesOut(field, inner)) delete value[key]
    else if (typeof inner === 'object') shapeValue(field, inner)
  }
  for (const [field, zero] of always)
    if (value[field.name] === undefined) {
      const made = (value[field.name] = zero())
      if (field.type === 'm') shapeInto(made, field.message)
    }
}

/**
 * Changes an object to what a Go client or server would write of it: empty texts, zeros, empty lists and maps are left
 * out where the field's tag says `omitempty` and it is no pointer, and are there where it does not. Upstream gets this
 * by decoding into structs; clients compare what they sent with what they read. The facts are those of
 * protobuf-fields.gen.ts. Kinds that are not in it are left alone.
 */
export const shapeAsGo = (object: UnknownObject): void => {
  const name = messageNameOf(object.apiVersion ?? '', object.kind ?? '')
  if (name !== undefined) shapeInto(object as JsonObject, protobufMessage(name))
}
