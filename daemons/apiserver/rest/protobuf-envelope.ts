import type { UnknownObject } from '../../../kube/object.ts'
import { apiError } from '../../../kube/status.ts'
import type { StoredEntry } from '../store/stored-entry.ts'
import { encodeMessage, type JsonObject } from './encode-protobuf.ts'
import { messageNameOf, protobufMessage } from './protobuf-messages.ts'

/** How many bytes a number takes on the wire. */
const varintSize = (value: number): number => {
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Writes the number at that place and gives the place behind it. */
const putVarint = (target: Buffer, start: number, value: number): number => {
  let at = start
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) target[at++] = (rest % 128) | 128
  target[at++] = rest
  return at
}

const field = (tag: number, content: Buffer): Buffer => {
  const head = Buffer.allocUnsafe(1 + varintSize(content.length))
  head[0] = tag
  putVarint(head, 1, content.length)
  return Buffer.concat([head, content])
}

const magic = Buffer.from('k8s\0')
/** Unknown's contentEncoding and contentType, which are empty and there. */
const tail = Buffer.from([0x1a, 0, 0x22, 0])

const heads = new Map<string, Buffer>()

/** The magic and the TypeMeta, which are the same for every object of a kind. */
const headOf = (apiVersion: string, kind: string): Buffer => {
  const key = `${apiVersion} ${kind}`
  let head = heads.get(key)
  if (head === undefined) {
    const type = Buffer.concat([field(0x0a, Buffer.from(apiVersion)), field(0x12, Buffer.from(kind))])
    head = Buffer.concat([magic, field(0x0a, type)])
    heads.set(key, head)
  }
  return head
}

/** The whole of application/vnd.kubernetes.protobuf: magic, and runtime.Unknown around the message's bytes. */
const inEnvelope = (head: Buffer, raw: Buffer): Buffer => {
  const size = head.length + 1 + varintSize(raw.length) + raw.length + tail.length
  const result = Buffer.allocUnsafeSlow(size)
  let at = head.copy(result)
  result[at++] = 0x12
  at = putVarint(result, at, raw.length)
  at += raw.copy(result, at)
  tail.copy(result, at)
  return result
}

const noMessage = (apiVersion: string, kind: string) =>
  apiError(
    'NotAcceptable',
    `object ${apiVersion} ${kind} does not implement the protobuf marshalling interface and cannot be encoded to a protobuf message`,
  )

const messageOf = (apiVersion: string, kind: string) => {
  const name = messageNameOf(apiVersion, kind)
  if (name === undefined) throw noMessage(apiVersion, kind)
  return protobufMessage(name)
}

interface Encoded {
  head: Buffer
  bytes: Buffer
}

// Weakly: a cluster whose clients have gone quiet does not keep every object twice.
const encoded = new WeakMap<StoredEntry, WeakRef<Encoded>>()

/** The bytes of an entry, made once for all who list or watch it. Throws ApiError NotAcceptable. */
const encodedEntry = (entry: StoredEntry): Encoded => {
  const known = encoded.get(entry)?.deref()
  if (known !== undefined) return known
  const { object } = entry
  const { apiVersion = '', kind = '' } = object
  const made = {
    head: headOf(apiVersion, kind),
    bytes: encodeMessage(messageOf(apiVersion, kind), object as JsonObject),
  }
  encoded.set(entry, new WeakRef(made))
  return made
}

/** Any object of a kind that has a message: a Status, a review, metadata. Throws ApiError NotAcceptable. */
export const protobufObject = (object: UnknownObject): Buffer => {
  const { apiVersion = '', kind = '' } = object
  return inEnvelope(headOf(apiVersion, kind), encodeMessage(messageOf(apiVersion, kind), object as JsonObject))
}

export const protobufEntry = (entry: StoredEntry): Buffer => {
  const { head, bytes } = encodedEntry(entry)
  return inEnvelope(head, bytes)
}

export interface ListHead {
  apiVersion: string
  /** `PodList` */
  kind: string
  metadata: object
}

/** A list is a copy of its items' bytes, each behind its tag and length. Throws ApiError NotAcceptable. */
export const protobufList = ({ apiVersion, kind, metadata }: ListHead, entries: readonly StoredEntry[]): Buffer => {
  const head = headOf(apiVersion, kind)
  if (messageNameOf(apiVersion, kind) === undefined) throw noMessage(apiVersion, kind)
  const meta = field(0x0a, encodeMessage(protobufMessage('meta.v1.ListMeta'), metadata as JsonObject))
  const items = entries.map(entry => encodedEntry(entry).bytes)
  let size = meta.length
  for (const { length } of items) size += 1 + varintSize(length) + length
  const result = Buffer.allocUnsafeSlow(head.length + 1 + varintSize(size) + size + tail.length)
  let at = head.copy(result)
  result[at++] = 0x12
  at = putVarint(result, at, size)
  at += meta.copy(result, at)
  for (const item of items) {
    result[at++] = 0x12
    at = putVarint(result, at, item.length)
    at += item.copy(result, at)
  }
  tail.copy(result, at)
  return result
}

/** One frame of a watch: four bytes of length (big-endian), then meta/v1 WatchEvent with the object in its envelope. */
export const protobufFrame = (type: string, object: Buffer): Buffer => {
  const name = field(0x0a, Buffer.from(type))
  const inner = 1 + varintSize(object.length) + object.length
  const size = name.length + 1 + varintSize(inner) + inner
  const result = Buffer.allocUnsafeSlow(4 + size)
  let at = result.writeUInt32BE(size)
  at += name.copy(result, at)
  result[at++] = 0x12
  at = putVarint(result, at, inner)
  result[at++] = 0x0a
  at = putVarint(result, at, object.length)
  object.copy(result, at)
  return result
}
