import { SkiffError } from '../../../kube/errors.ts'
import { types, type Edns, type Message, type Question, type RecordData, type ResourceRecord } from './message.ts'
import { labelText } from './name.ts'

const malformed = (what: string): SkiffError => new SkiffError('INVALID_INPUT', `malformed DNS message: ${what}`)

interface Cursor {
  bytes: Buffer
  at: number
}

const need = (cursor: Cursor, length: number): number => {
  const { at } = cursor
  if (at + length > cursor.bytes.length) throw malformed(`ends at byte ${cursor.bytes.length}, within a field`)
  cursor.at += length
  return at
}

const u16 = (cursor: Cursor): number => cursor.bytes.readUInt16BE(need(cursor, 2))
const u32 = (cursor: Cursor): number => cursor.bytes.readUInt32BE(need(cursor, 4))

/**
 * A name, following compression pointers (RFC 1035, section 4.1.4). Every pointer must lead to a place before the
 * last one: that admits what real encoders write and makes loops impossible.
 */
const readName = (cursor: Cursor): string => {
  const { bytes } = cursor
  let at = cursor.at
  let limit = at
  let jumped = false
  let wireLength = 1
  let text = ''
  for (;;) {
    const length = bytes[at]
    if (length === undefined) throw malformed('a name runs past the end')
    if (length === 0) break
    if ((length & 0xc0) === 0xc0) {
      const low = bytes[at + 1]
      if (low === undefined) throw malformed('a pointer runs past the end')
      const target = ((length & 0x3f) << 8) | low
      if (target >= limit) throw malformed('a compression pointer does not lead backwards')
      if (!jumped) cursor.at = at + 2
      jumped = true
      limit = target
      at = target
      continue
    }
    if (length > 63) throw malformed('a label of an unknown kind')
    wireLength += length + 1
    if (wireLength > 255) throw malformed('a name of more than 255 bytes')
    if (at + 1 + length > bytes.length) throw malformed('a label runs past the end')
    text += `${labelText(bytes.subarray(at + 1, at + 1 + length))}.`
    at += 1 + length
  }
  if (!jumped) cursor.at = at + 1
  return text === '' ? '.' : text
}

const readData = (cursor: Cursor, type: number, length: number): RecordData => {
  switch (type) {
    case types.NS:
    case types.CNAME:
    case types.PTR:
    case types.DNAME:
      return { kind: 'name', name: readName(cursor) }
    case types.MX:
      return { kind: 'mx', preference: u16(cursor), name: readName(cursor) }
    case types.SRV:
      return { kind: 'srv', priority: u16(cursor), weight: u16(cursor), port: u16(cursor), target: readName(cursor) }
    case types.SOA:
      return {
        kind: 'soa',
        primary: readName(cursor),
        mailbox: readName(cursor),
        serial: u32(cursor),
        refresh: u32(cursor),
        retry: u32(cursor),
        expire: u32(cursor),
        minimum: u32(cursor),
      }
    default: {
      const at = need(cursor, length)
      // A copy: the message's buffer may be reused.
      return { kind: 'bytes', bytes: Buffer.from(cursor.bytes.subarray(at, at + length)) }
    }
  }
}

const readRecord = (cursor: Cursor): ResourceRecord => {
  const name = readName(cursor)
  const type = u16(cursor)
  const recordClass = u16(cursor)
  const ttl = u32(cursor)
  const length = u16(cursor)
  const end = cursor.at + length
  if (end > cursor.bytes.length) throw malformed('record data runs past the end')
  const data = readData(cursor, type, length)
  if (cursor.at !== end) throw malformed('record data is not as long as it says')
  return { name, type, class: recordClass, ttl, data }
}

const readEdns = (record: ResourceRecord): Edns => ({
  udpSize: record.class,
  version: (record.ttl >>> 16) & 0xff,
  dnssecOk: (record.ttl & 0x8000) !== 0,
  options: record.data.kind === 'bytes' ? record.data.bytes : Buffer.alloc(0),
})

/** Throws SkiffError INVALID_INPUT for anything that is not one whole message. */
export const decodeMessage = (bytes: Buffer): Message => {
  const cursor: Cursor = { bytes, at: 0 }
  const id = u16(cursor)
  const flags = u16(cursor)
  const counts = [u16(cursor), u16(cursor), u16(cursor), u16(cursor)] as const
  const questions: Question[] = []
  for (let i = 0; i < counts[0]; i++) questions.push({ name: readName(cursor), type: u16(cursor), class: u16(cursor) })
  const section = (count: number): ResourceRecord[] => {
    const records: ResourceRecord[] = []
    for (let i = 0; i < count; i++) records.push(readRecord(cursor))
    return records
  }
  const answers = section(counts[1])
  const authorities = section(counts[2])
  const all = section(counts[3])
  const opts = all.filter(record => record.type === types.OPT)
  if (opts.length > 1) throw malformed('two OPT records')
  const opt = opts[0]
  return {
    id,
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0xf,
    authoritative: (flags & 0x400) !== 0,
    truncated: (flags & 0x200) !== 0,
    recursionDesired: (flags & 0x100) !== 0,
    recursionAvailable: (flags & 0x80) !== 0,
    authenticData: (flags & 0x20) !== 0,
    checkingDisabled: (flags & 0x10) !== 0,
    rcode: (flags & 0xf) | (opt === undefined ? 0 : (opt.ttl >>> 24) << 4),
    questions,
    answers,
    authorities,
    additionals: opt === undefined ? all : all.filter(record => record !== opt),
    ...(opt === undefined ? {} : { edns: readEdns(opt) }),
  }
}
