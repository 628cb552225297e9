import { apiError } from '../../../kube/status.ts'
import type { TypeSchema } from '../../../kube/patch/schema.ts'
import { schemaOf } from '../schema/schemas.ts'
import { protobufFields } from './protobuf-fields.gen.ts'

type Numbers = ReadonlyMap<number, string>

/** One field as it stands on the wire. */
interface WireField {
  number: number
  value: bigint | Buffer
}

const malformed = (why: string) => apiError('BadRequest', `the body could not be read as protobuf: ${why}`)

const readVarint = (bytes: Buffer, start: number): [bigint, number] => {
  let value = 0n
  for (let i = start, shift = 0n; i < bytes.length && shift < 70n; i++, shift += 7n) {
    const byte = bytes[i] ?? 0
    value |= BigInt(byte & 0x7f) << shift
    if (byte < 0x80) return [BigInt.asIntN(64, value), i + 1]
  }
  throw malformed('a number is cut off')
}

function* readFields(bytes: Buffer): Generator<WireField> {
  let at = 0
  while (at < bytes.length) {
    const [tag, afterTag] = readVarint(bytes, at)
    const number = Number(tag >> 3n)
    const wire = Number(tag & 7n)
    if (wire === 0) {
      const [value, next] = readVarint(bytes, afterTag)
      yield { number, value }
      at = next
      continue
    }
    const [size, start] = wire === 2 ? readVarint(bytes, afterTag) : [wire === 1 ? 8n : wire === 5 ? 4n : -1n, afterTag]
    const end = start + Number(size)
    if (size < 0n || end > bytes.length) throw malformed('a field is cut off')
    yield { number, value: bytes.subarray(start, end) }
    at = end
  }
}

const parsed = new Map<string, Numbers>()

const numbersOf = (message: string): Numbers => {
  let numbers = parsed.get(message)
  if (numbers === undefined) {
    let next = 1
    numbers = new Map(
      (protobufFields[message] ?? '').split(' ').map(word => {
        const [first = '', second] = word.split(':')
        const number = second === undefined ? next : Number(first)
        next = number + 1
        return [number, second ?? first] as const
      }),
    )
    parsed.set(message, numbers)
  }
  return numbers
}

/** The value of field `number` in a message of a few scalars: Time, Quantity, IntOrString, a map's entry. */
const fieldOf = (bytes: Buffer, number: number): bigint | Buffer | undefined => {
  for (const field of readFields(bytes)) if (field.number === number) return field.value
  return undefined
}

const textOf = (value: bigint | Buffer | undefined): string => (Buffer.isBuffer(value) ? value.toString() : '')
const numberOf = (value: bigint | Buffer | undefined): number => (typeof value === 'bigint' ? Number(value) : 0)

/** Seconds and nanoseconds; the zero time, which Go sends for none, is an empty message. */
const timeOf = (bytes: Buffer, micro: boolean): string | undefined => {
  if (bytes.length === 0) return undefined
  const text = new Date(numberOf(fieldOf(bytes, 1)) * 1000).toISOString().slice(0, 19)
  if (!micro) return `${text}Z`
  return `${text}.${String(Math.floor(numberOf(fieldOf(bytes, 2)) / 1000)).padStart(6, '0')}Z`
}

const embeddedJson = (bytes: Buffer): unknown => {
  const text = textOf(fieldOf(bytes, 1))
  return text === '' ? undefined : (JSON.parse(text) as unknown)
}

const decodeString = (value: Buffer, schema: TypeSchema): unknown => {
  switch (schema.format) {
    case 'byte':
      return value.toString('base64')
    case 'date-time':
    case 'date-time-micro':
      return timeOf(value, schema.format === 'date-time-micro')
    case 'quantity':
      return textOf(fieldOf(value, 1))
    case 'int-or-string':
      return numberOf(fieldOf(value, 1)) === 0 ? numberOf(fieldOf(value, 2)) : textOf(fieldOf(value, 3))
    default:
      return value.toString()
  }
}

const decodeValue = (value: bigint | Buffer, schema: TypeSchema): unknown => {
  if (typeof value === 'bigint') return schema.type === 'boolean' ? value !== 0n : Number(value)
  switch (schema.type) {
    case 'string':
      return decodeString(value, schema)
    case 'number':
      return value.length === 8 ? value.readDoubleLE(0) : value.readFloatLE(0)
    case 'object':
      return schema.definition === undefined || messageName(schema.definition) === undefined
        ? embeddedJson(value)
        : decodeMessage(value, messageName(schema.definition) ?? '', schema)
    default:
      return embeddedJson(value)
  }
}

/** `core.v1.Pod` of `io.k8s.api.core.v1.Pod`, where its numbers are known. */
const messageName = (definition: string): string | undefined => {
  const name = definition.replace(/^io\.k8s\.(api|apimachinery\.pkg\.apis)\./, '')
  return Object.hasOwn(protobufFields, name) ? name : undefined
}

/**
 * Go sends the zero value of every field that is no pointer, where its JSON leaves them out. These are the fields
 * whose zero is a pointer to one and means something: no replicas, no grace, not optional, …
 */
const pointers = new Set(
  (
    'replicas terminationGracePeriodSeconds activeDeadlineSeconds revisionHistoryLimit progressDeadlineSeconds backoffLimit ' +
    'parallelism completions ttlSecondsAfterFinished runAsUser runAsGroup fsGroup gracePeriodSeconds tolerationSeconds ' +
    'defaultMode mode priority minReplicas startingDeadlineSeconds successfulJobsHistoryLimit failedJobsHistoryLimit ' +
    'automountServiceAccountToken allowPrivilegeEscalation privileged runAsNonRoot readOnlyRootFilesystem ' +
    'enableServiceLinks optional controller blockOwnerDeletion orphanDependents immutable suspend hostUsers ' +
    'shareProcessNamespace setHostnameAsFQDN allocateLoadBalancerNodePorts ready serving terminating started ' +
    'storageClassName'
  ).split(' '),
)

const isZero = (value: unknown): boolean => value === 0 || value === false || value === ''

const decodeInto = (
  object: Record<string, unknown>,
  bytes: Buffer,
  { numbers, schema }: { numbers: Numbers; schema: TypeSchema },
): void => {
  for (const { number, value } of readFields(bytes)) {
    const name = numbers.get(number)
    // Fields of a later version: unknown ones are dropped, as they are in JSON.
    if (name === undefined) continue
    if (name.startsWith('*')) {
      if (Buffer.isBuffer(value)) decodeInto(object, value, { numbers: numbersOf(name.slice(1)), schema })
      continue
    }
    const field = schema.fields?.get(name)
    if (field === undefined) continue
    if (field.type === 'list' && field.items !== undefined) {
      const list = (object[name] ??= []) as unknown[]
      list.push(decodeValue(value, field.items))
    } else if (field.type === 'map' && Buffer.isBuffer(value)) {
      const map = (object[name] ??= {}) as Record<string, unknown>
      const held =
        fieldOf(value, 2) ??
        (field.values?.type === 'integer' || field.values?.type === 'boolean' ? 0n : Buffer.alloc(0))
      Object.defineProperty(map, textOf(fieldOf(value, 1)), {
        value: decodeValue(held, field.values ?? { type: 'string' }),
        writable: true,
        enumerable: true,
        configurable: true,
      })
    } else {
      const decoded = decodeValue(value, field)
      if (decoded === undefined) continue
      if (!isZero(decoded) || pointers.has(name) || (schema.required?.includes(name) === true && decoded !== ''))
        object[name] = decoded
    }
  }
}

const decodeMessage = (bytes: Buffer, message: string, schema: TypeSchema): Record<string, unknown> => {
  const object: Record<string, unknown> = {}
  decodeInto(object, bytes, { numbers: numbersOf(message), schema })
  return object
}

const magic = Buffer.from('k8s\0')

/**
 * A body of application/vnd.kubernetes.protobuf as the object its JSON would be: the magic bytes, then
 * runtime.Unknown (type at 1, the object at 2). kubectl writes so from 1.32 on. Throws ApiError BadRequest, and
 * UnsupportedMediaType for a kind whose field numbers are not known.
 */
export const decodeProtobuf = (body: Buffer): unknown => {
  if (!body.subarray(0, 4).equals(magic)) throw malformed('it does not begin with k8s')
  const envelope = body.subarray(4)
  const type = fieldOf(envelope, 1)
  const raw = fieldOf(envelope, 2)
  if (!Buffer.isBuffer(type)) throw malformed('its type is missing')
  const apiVersion = textOf(fieldOf(type, 1))
  const kind = textOf(fieldOf(type, 2))
  const [group = '', version] = apiVersion.includes('/') ? apiVersion.split('/') : ['core', apiVersion]
  const meta = kind === 'DeleteOptions'
  const message = meta ? 'meta.v1.DeleteOptions' : `${group.split('.')[0] ?? ''}.${version}.${kind}`
  if (!Object.hasOwn(protobufFields, message))
    throw apiError('UnsupportedMediaType', `${apiVersion} ${kind} cannot be read from protobuf: send application/json`)
  const definition = meta ? `io.k8s.apimachinery.pkg.apis.${message}` : `io.k8s.api.${message}`
  const object = decodeMessage(Buffer.isBuffer(raw) ? raw : Buffer.alloc(0), message, schemaOf(definition))
  return { kind, apiVersion, ...object }
}
