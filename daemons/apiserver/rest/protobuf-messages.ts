import { protobufFields } from './protobuf-fields.gen.ts'

/** A field's type by its letter in protobuf-fields.gen.ts; `m` is a message. */
export type FieldType = 's' | 'i' | 'l' | 'b' | 'y' | 'd' | 'T' | 'M' | 'Q' | 'I' | 'J' | 'V' | 'A' | 'B' | 'P' | 'm'

export type FieldLabel = 'one' | 'list' | 'map' | 'inline'

/** 0 a varint, 1 eight bytes, 2 a length and its bytes. */
export type WireType = 0 | 1 | 2

export interface ProtobufField {
  readonly name: string
  readonly number: number
  readonly label: FieldLabel
  readonly type: FieldType
  /** Of one value; a list that is not packed and a map are 2 around it. */
  readonly wire: WireType
  /** Absent and zero are two things. */
  readonly pointer: boolean
  /** Go's JSON shows the zero of this field. */
  readonly keepsZero: boolean
  /** Of a field of type `m`. */
  readonly message: ProtobufMessage
  /** What Go writes, with its tag, where the JSON has nothing; made by the encoder. */
  zero: Buffer | undefined
}

export interface ProtobufMessage {
  /** `core.v1.Pod` */
  readonly name: string
  /** From the highest number to the lowest: the encoder writes from the end. */
  readonly descending: readonly ProtobufField[]
  readonly byNumber: ReadonlyMap<number, ProtobufField>
}

const wireOf = (type: FieldType): WireType => (type === 'i' || type === 'l' || type === 'b' ? 0 : type === 'd' ? 1 : 2)

/** A field out of its word `NUMBER:NAME=FLAGS TYPE`; its message is looked up when it is first needed. */
class TableField implements ProtobufField {
  readonly name: string
  readonly number: number
  readonly label: FieldLabel
  readonly type: FieldType
  readonly wire: WireType
  readonly pointer: boolean
  readonly keepsZero: boolean
  zero: Buffer | undefined
  readonly #reference: string
  #message: ProtobufMessage | undefined
  constructor(word: string, next: number, own: string) {
    const [, number, name = '', flags = '', type = 's'] = /^(?:(\d+):)?([^=]+)(?:=([~[{*!]*)(.+))?$/.exec(word) ?? []
    this.name = name
    this.number = number === undefined ? next : Number(number)
    this.label = flags.includes('[') ? 'list' : flags.includes('{') ? 'map' : flags.includes('~') ? 'inline' : 'one'
    this.pointer = flags.includes('*')
    this.keepsZero = flags.includes('!')
    this.type = type.length === 1 ? (type as FieldType) : 'm'
    this.wire = wireOf(this.type)
    this.#reference = type.startsWith('.') ? `meta.v1${type}` : type.includes('.') ? type : `${own}.${type}`
  }
  get message(): ProtobufMessage {
    return (this.#message ??= protobufMessage(this.#reference))
  }
}

const parsed = new Map<string, ProtobufMessage>()

export const isProtobufMessage = (name: string): boolean => Object.hasOwn(protobufFields, name)

/** The message of that name in the table, parsed on first use. Throws TypeError for one that is not there. */
export const protobufMessage = (name: string): ProtobufMessage => {
  let message = parsed.get(name)
  if (message === undefined) {
    const words = protobufFields[name]
    if (words === undefined) throw new TypeError(`protobuf-fields.gen.ts has no message ${name}`)
    const own = name.slice(0, name.lastIndexOf('.'))
    const fields: ProtobufField[] = []
    let next = 1
    for (const word of words === '' ? [] : words.split(' ')) {
      const field = new TableField(word, next, own)
      next = field.number + 1
      fields.push(field)
    }
    message = { name, descending: fields.toReversed(), byNumber: new Map(fields.map(field => [field.number, field])) }
    parsed.set(name, message)
  }
  return message
}

/** Kinds that every group-version has, all of meta.v1. */
const everywhere = new Set(
  'DeleteOptions Status WatchEvent APIVersions APIGroupList APIGroup APIResourceList'.split(' '),
)

/** `rbac` for `rbac.authorization.k8s.io`; undefined for groups that cannot be Kubernetes' own. */
const shortGroup = (group: string): string | undefined => {
  if (!group.includes('.')) return group
  return /^([a-z]+)(\.authorization|\.apiserver)?\.k8s\.io$/.exec(group)?.[1]
}

/**
 * `core.v1.Pod` for `v1` and `Pod`, `rbac.v1.Role` for `rbac.authorization.k8s.io/v1` and `Role`; undefined where there
 * is no such message.
 */
export const messageNameOf = (apiVersion: string, kind: string): string | undefined => {
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? 'core' : shortGroup(apiVersion.slice(0, slash))
  if (group === undefined || (slash >= 0 && group === 'core')) return undefined
  const name = everywhere.has(kind) ? `meta.v1.${kind}` : `${group}.${apiVersion.slice(slash + 1)}.${kind}`
  return isProtobufMessage(name) ? name : undefined
}
