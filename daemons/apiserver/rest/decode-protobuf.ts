import { apiError } from '../../../kube/status.ts'
import {
  type FieldType,
  messageNameOf,
  type ProtobufField,
  type ProtobufMessage,
  protobufMessage,
} from './protobuf-messages.ts'
import { ProtobufError, ProtobufReader } from './protobuf-reader.ts'
import { unrecognized } from './unrecognized.ts'
import { readBoxed, readIntOrString, readTexts, readTime, readTypeMeta, type TypeMeta } from './protobuf-values.ts'

type JsonObject = Record<string, unknown>

const magic = Buffer.from('k8s\0')

/** Raw JSON, or an object in an envelope of its own: both are met where Go has a RawExtension. */
const readRaw = (reader: ProtobufReader): unknown => {
  const raw = readBoxed(reader)
  if (raw === undefined || raw.done) return undefined
  const bytes = raw.bytes.subarray(raw.at, raw.end)
  if (bytes.subarray(0, magic.length).equals(magic)) {
    raw.at += magic.length
    return readUnknown(raw)
  }
  try {
    return JSON.parse(bytes.toString()) as unknown
  } catch {
    throw new ProtobufError('raw bytes within the message are no JSON')
  }
}

/** JSONSchemaPropsOrArray, OrBool and OrStringArray. */
const readSchemaOr = (reader: ProtobufReader, type: 'A' | 'B' | 'P'): unknown => {
  const schema = protobufMessage('apiextensions.v1.JSONSchemaProps')
  let allows = false
  let single: JsonObject | undefined
  const schemas: JsonObject[] = []
  const texts: string[] = []
  while (!reader.done) {
    const tag = reader.varint()
    if (type === 'B' && tag === 8) allows = reader.varint() !== 0
    else if (type === 'P' && tag === 18) texts.push(reader.part().text())
    else if (tag === 18) schemas.push(readMessage(reader.part(), schema))
    else if (type !== 'B' && tag === 10) single = readMessage(reader.part(), schema)
    else reader.skip(tag & 7)
  }
  if (type === 'B') return schemas.at(-1) ?? allows
  return schemas.length > 0 ? schemas : texts.length > 0 ? texts : single
}

/** A value that has its own part of the bytes. */
const readPart = (part: ProtobufReader, field: ProtobufField): unknown => {
  switch (field.type) {
    case 's':
      return part.text()
    case 'y':
      return part.bytes.toString('base64', part.at, part.end)
    case 'T':
      return readTime(part, false)
    case 'M':
      return readTime(part, true)
    case 'Q':
      // A Quantity that says nothing is Go's zero.
      return readBoxed(part)?.text() ?? '0'
    case 'I':
      return readIntOrString(part)
    case 'J':
      return readRaw(part)
    case 'V':
      return readTexts(part, 1)
    case 'A':
    case 'B':
    case 'P':
      return readSchemaOr(part, field.type)
    default:
      return readMessage(part, field.message)
  }
}

const readNumber = (reader: ProtobufReader, type: FieldType): number | boolean => {
  switch (type) {
    case 'd':
      return reader.double()
    case 'b':
      return reader.varint() !== 0
    case 'i':
      return reader.int32()
    default:
      return reader.varint()
  }
}

const readValue = (reader: ProtobufReader, field: ProtobufField): unknown =>
  field.wire === 2 ? readPart(reader.part(), field) : readNumber(reader, field.type)

/** What a map holds under a key that comes without a value. */
const zeroOf = ({ type }: ProtobufField): unknown =>
  type === 's' || type === 'y'
    ? ''
    : type === 'b'
      ? false
      : type === 'Q'
        ? '0'
        : type === 'V'
          ? []
          : type === 'm'
            ? {}
            : 0

const readEntry = (reader: ProtobufReader, field: ProtobufField, map: JsonObject): void => {
  let key = ''
  let value: unknown
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === 10) key = reader.part().text()
    else if (tag === 16 + field.wire) value = readValue(reader, field)
    else reader.skip(tag & 7)
  }
  value ??= zeroOf(field)
  // `__proto__` is a key like any other.
  if (key !== '__proto__') map[key] = value
  else Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true })
}

const readItems = (reader: ProtobufReader, field: ProtobufField, wire: number): unknown[] => {
  if (wire === field.wire) return [readValue(reader, field)]
  // Numbers may stand packed in one part.
  const packed = reader.part()
  const items: unknown[] = []
  while (!packed.done) items.push(readNumber(packed, field.type))
  return items
}

const readOne = (reader: ProtobufReader, field: ProtobufField, object: JsonObject): void => {
  const { name } = field
  // A message that comes in several pieces is put together, as protobuf has it.
  const before = object[name]
  if (field.type === 'm' && before !== undefined) return readInto(before as JsonObject, reader.part(), field.message)
  const value = readValue(reader, field)
  const isZero = value === 0 || value === false || value === ''
  if (value !== undefined && (field.pointer || field.keepsZero || !isZero)) object[name] = value
  else delete object[name]
}

/** How Go's messages name a field: `restartPolicy` is `RestartPolicy` there. */
const goName = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

const readField = (reader: ProtobufReader, field: ProtobufField, wire: number, object: JsonObject): void => {
  const { name, label } = field
  const expected = label === 'map' || label === 'inline' ? 2 : field.wire
  if (wire !== expected && !(label === 'list' && wire === 2))
    throw new ProtobufError(`proto: wrong wireType = ${wire} for field ${goName(name)}`)
  switch (label) {
    case 'inline':
      return readInto(object, reader.part(), field.message)
    case 'list': {
      const list = (object[name] ??= []) as unknown[]
      for (const item of readItems(reader, field, wire)) list.push(item)
      return
    }
    case 'map':
      return readEntry(reader.part(), field, (object[name] ??= {}) as JsonObject)
    case 'one':
      return readOne(reader, field, object)
  }
}

const readInto = (object: JsonObject, reader: ProtobufReader, message: ProtobufMessage): void => {
  const failed = (why: string) =>
    new ProtobufError(`proto: ${message.name.slice(message.name.lastIndexOf('.') + 1)}: ${why}`)
  while (!reader.done) {
    const tag = reader.varint()
    const number = Math.floor(tag / 8)
    const wire = tag & 7
    if (wire === 4) throw failed('wiretype end group for non-group')
    if (number <= 0 || number > 0x7fff_ffff) throw failed(`illegal tag ${number | 0} (wire type ${tag})`)
    const field = message.byNumber.get(number)
    // Fields of a later version: unknown ones are dropped, as they are in JSON.
    if (field === undefined) reader.skip(wire)
    else readField(reader, field, wire, object)
  }
}

const readMessage = (reader: ProtobufReader, message: ProtobufMessage): JsonObject => {
  const object: JsonObject = {}
  readInto(object, reader, message)
  return object
}

/** runtime.Unknown: the object's type and its bytes. `fallback` is its type where it names none. */
const readUnknown = (reader: ProtobufReader, fallback?: TypeMeta): JsonObject => {
  let type: TypeMeta = { apiVersion: '', kind: '' }
  let raw: ProtobufReader | undefined
  while (!reader.done) {
    const tag = reader.varint()
    if (tag === 10) type = readTypeMeta(reader.part())
    else if (tag === 18) raw = reader.part()
    else if ((tag & 7) === 4) throw new ProtobufError('proto: Unknown: wiretype end group for non-group')
    else if (tag < 8) throw new ProtobufError(`proto: Unknown: illegal tag 0 (wire type ${tag})`)
    else reader.skip(tag & 7)
  }
  const kind = type.kind || (fallback?.kind ?? '')
  const apiVersion = type.apiVersion || (fallback?.apiVersion ?? '')
  if (kind === '' || apiVersion === '')
    throw new ProtobufError(`Object '${kind === '' ? 'Kind' : 'apiVersion'}' is missing`)
  const unfit = (why: string) => {
    const what = `${kind} in version ${JSON.stringify(apiVersion.slice(apiVersion.indexOf('/') + 1))}`
    return apiError('BadRequest', `${what} cannot be handled as a ${fallback?.kind ?? kind}: ${why}`)
  }
  const name = messageNameOf(apiVersion, kind)
  if (name === undefined) throw unfit(`no kind "${kind}" is registered for version "${apiVersion}"`)
  try {
    return { kind, apiVersion, ...(raw === undefined ? {} : readMessage(raw, protobufMessage(name))) }
  } catch (error) {
    throw error instanceof ProtobufError ? unfit(error.message) : error
  }
}

/**
 * A body of application/vnd.kubernetes.protobuf as the object its JSON would be: four bytes of magic, then
 * runtime.Unknown. Which zero values are kept is a fact of each field's Go type. `fallback` is what the body is where
 * it does not say. Throws ApiError BadRequest.
 */
export const decodeProtobuf = (body: Buffer, fallback?: TypeMeta): unknown => {
  try {
    if (body.length === 0) throw new ProtobufError('empty data')
    if (!body.subarray(0, magic.length).equals(magic))
      throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
    if (body.length === magic.length) throw new ProtobufError('empty body')
    return readUnknown(new ProtobufReader(body, magic.length), fallback)
  } catch (error) {
    throw error instanceof ProtobufError ? unrecognized(body, error.message, fallback?.kind) : error
  }
}
