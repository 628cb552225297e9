import { type ProtobufField, type ProtobufMessage, protobufMessage } from './protobuf-messages.ts'
import { ProtobufWriter } from './protobuf-writer.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Go's zero time (the year 1), which it sends as an empty message. */
const zeroTimeSeconds = -62_135_596_800

/** Time and MicroTime are Timestamps: seconds and nanoseconds, both always there. */
const writeTime = (w: ProtobufWriter, text: unknown, micro: boolean): void => {
  const start = w.written
  const seconds = typeof text === 'string' ? Math.floor(Date.parse(text) / 1000) : Number.NaN
  if (!Number.isNaN(seconds) && seconds !== zeroTimeSeconds) {
    const fraction = micro ? (/\.(\d{1,6})/.exec(String(text))?.[1] ?? '') : ''
    w.varint(Number(fraction.padEnd(6, '0')) * 1000)
    w.tag(2, 0)
    w.varint(seconds)
    w.tag(1, 0)
  }
  w.varint(w.written - start)
}

const writeIntOrString = (w: ProtobufWriter, value: unknown): void => {
  const start = w.written
  const isText = typeof value === 'string'
  w.text(isText ? value : '')
  w.tag(3, 2)
  w.varint(typeof value === 'number' ? value : 0)
  w.tag(2, 0)
  w.varint(isText ? 1 : 0)
  w.tag(1, 0)
  w.varint(w.written - start)
}

/** A message with one field of text: raw JSON, a Quantity. */
const writeBoxed = (w: ProtobufWriter, text: string): void => {
  const start = w.written
  w.text(text)
  w.tag(1, 2)
  w.varint(w.written - start)
}

const writeTexts = (w: ProtobufWriter, number: number, texts: readonly unknown[]): void => {
  for (let i = texts.length - 1; i >= 0; i--) {
    w.text(String(texts[i]))
    w.tag(number, 2)
  }
}

const writeSchema = (w: ProtobufWriter, number: number, schema: JsonObject): void => {
  writeDelimited(w, protobufMessage('apiextensions.v1.JSONSchemaProps'), schema)
  w.tag(number, 2)
}

/** JSONSchemaPropsOrArray, OrBool and OrStringArray: one of two forms, told apart by what the JSON is. */
const writeSchemaOr = (w: ProtobufWriter, type: 'A' | 'B' | 'P', value: unknown): void => {
  const start = w.written
  if (type === 'B') {
    // A schema stands for a yes.
    if (isObject(value)) writeSchema(w, 2, value)
    w.byte(value === false ? 0 : 1)
    w.tag(1, 0)
  } else if (!Array.isArray(value)) {
    if (isObject(value)) writeSchema(w, 1, value)
  } else if (type === 'P') {
    writeTexts(w, 2, value)
  } else {
    for (let i = value.length - 1; i >= 0; i--) writeSchema(w, 2, isObject(value[i]) ? value[i] : {})
  }
  w.varint(w.written - start)
}

/** One value without its tag; what is of another type than the field's counts as its zero. */
const writeValue = (w: ProtobufWriter, field: ProtobufField, value: unknown): void => {
  switch (field.type) {
    case 's':
      return w.text(typeof value === 'string' ? value : String(value))
    case 'i':
    case 'l':
      return w.varint(typeof value === 'number' ? value : 0)
    case 'b':
      return w.byte(value === true ? 1 : 0)
    case 'd':
      return w.double(typeof value === 'number' ? value : 0)
    case 'y':
      return w.bytes(Buffer.from(String(value), 'base64'))
    case 'm':
      return writeDelimited(w, field.message, isObject(value) ? value : {})
    case 'T':
      return writeTime(w, value, false)
    case 'M':
      return writeTime(w, value, true)
    case 'Q':
      return writeBoxed(w, String(value))
    case 'I':
      return writeIntOrString(w, value)
    case 'J':
      return writeBoxed(w, JSON.stringify(value))
    case 'V': {
      const start = w.written
      writeTexts(w, 1, Array.isArray(value) ? value : [])
      return w.varint(w.written - start)
    }
    case 'A':
    case 'B':
    case 'P':
      return writeSchemaOr(w, field.type, value)
  }
}

const writeMap = (w: ProtobufWriter, field: ProtobufField, map: JsonObject): void => {
  // Go sorts the keys, so that the same object is always the same bytes.
  const keys = Object.keys(map).sort()
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i] ?? ''
    const start = w.written
    writeValue(w, field, map[key] ?? '')
    w.tag(2, field.wire)
    w.text(key)
    w.tag(1, 2)
    w.varint(w.written - start)
    w.tag(field.number, 2)
  }
}

const zeroWriter = new ProtobufWriter()
const nothing = Buffer.alloc(0)

/** What Go writes for a field that has no value: nothing for pointers, lists and bytes, the zero for all else. */
const zeroOf = (field: ProtobufField): Buffer => {
  if (field.zero !== undefined) return field.zero
  if (field.pointer || field.label === 'list' || field.label === 'map' || field.type === 'y')
    return (field.zero = nothing)
  // Made before the writer is used: a message's own zeros come from here too.
  if (field.type === 'm') for (const inner of field.message.descending) zeroOf(inner)
  const isBox =
    field.type === 'J' || field.type === 'V' || field.type === 'A' || field.type === 'B' || field.type === 'P'
  if (isBox) zeroWriter.byte(0)
  else writeValue(zeroWriter, field, field.type === 'Q' ? '0' : field.type === 's' ? '' : undefined)
  zeroWriter.tag(field.number, field.wire)
  return (field.zero = zeroWriter.take())
}

const writeField = (w: ProtobufWriter, field: ProtobufField, value: unknown): void => {
  if (field.label === 'list') {
    if (!Array.isArray(value)) return
    for (let i = value.length - 1; i >= 0; i--) {
      writeValue(w, field, value[i])
      w.tag(field.number, field.wire)
    }
  } else if (field.label === 'map') {
    if (isObject(value)) writeMap(w, field, value)
  } else {
    writeValue(w, field, value)
    w.tag(field.number, field.wire)
  }
}

const writeMessage = (w: ProtobufWriter, message: ProtobufMessage, object: JsonObject): void => {
  for (const field of message.descending) {
    if (field.label === 'inline') {
      writeDelimited(w, field.message, object)
      w.tag(field.number, 2)
      continue
    }
    const value = object[field.name]
    if (value === undefined || value === null) w.raw(field.zero ?? zeroOf(field))
    else writeField(w, field, value)
  }
}

const writeDelimited = (w: ProtobufWriter, message: ProtobufMessage, object: JsonObject): void => {
  const start = w.written
  writeMessage(w, message, object)
  w.varint(w.written - start)
}

// Encoding never waits, so that one buffer serves all.
const shared = new ProtobufWriter()

/** The message's bytes, without the envelope that names its kind. `object` is as its JSON is, and checked. */
export const encodeMessage = (message: ProtobufMessage, object: JsonObject): Buffer => {
  try {
    writeMessage(shared, message, object)
    return shared.take()
  } catch (error) {
    shared.reset()
    throw error
  }
}
