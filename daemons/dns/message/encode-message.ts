import { SkiffError, unreachable } from '../../../kube/errors.ts'
import { types, type Message, type RecordData, type ResourceRecord } from './message.ts'
import { labelBytes, labelsOf } from './name.ts'

const MAX_POINTER = 0x3fff

/** One message at a time is written here, then copied out: encoding never waits, so the space can be shared. */
const scratch = Buffer.alloc(65_536)

class Writer {
  at = 0
  readonly limit: number
  /** Where a name (lower case) was written first. */
  readonly #places = new Map<string, number>()
  constructor(limit: number) {
    this.limit = limit
  }
  u8(value: number): void {
    this.#room(1)
    scratch[this.at++] = value
  }
  u16(value: number): void {
    this.#room(2)
    this.at = scratch.writeUInt16BE(value & 0xffff, this.at)
  }
  u32(value: number): void {
    this.#room(4)
    this.at = scratch.writeUInt32BE(value >>> 0, this.at)
  }
  bytes(value: Buffer): void {
    this.#room(value.length)
    this.at += value.copy(scratch, this.at)
  }
  /** Compression compares without regard to case, so an answer takes the spelling of its question. */
  name(name: string, compress: boolean): void {
    const labels = labelsOf(name)
    const lower = compress ? labels.map(label => label.toLowerCase()) : []
    for (let i = 0; i < labels.length; i++) {
      if (compress) {
        const rest = lower.slice(i).join('.')
        const place = this.#places.get(rest)
        if (place !== undefined) return this.u16(0xc000 | place)
        if (this.at <= MAX_POINTER) this.#places.set(rest, this.at)
      }
      const bytes = labelBytes(labels[i] ?? '')
      if (bytes.length === 0 || bytes.length > 63)
        throw new SkiffError('INVALID_INPUT', `${JSON.stringify(name)} is not a DNS name`)
      this.u8(bytes.length)
      this.bytes(bytes)
    }
    this.u8(0)
  }
  #room(length: number): void {
    if (this.at + length > this.limit) throw full
  }
}

/** Thrown to leave a record that does not fit; never leaves this file. */
const full = new SkiffError('INTERNAL', 'the DNS message is full')

const writeData = (writer: Writer, data: RecordData): void => {
  switch (data.kind) {
    case 'bytes':
      return writer.bytes(data.bytes)
    case 'name':
      return writer.name(data.name, true)
    case 'mx':
      writer.u16(data.preference)
      return writer.name(data.name, true)
    case 'srv':
      writer.u16(data.priority)
      writer.u16(data.weight)
      writer.u16(data.port)
      // RFC 2782: the target is never compressed.
      return writer.name(data.target, false)
    case 'soa':
      writer.name(data.primary, true)
      writer.name(data.mailbox, true)
      for (const value of [data.serial, data.refresh, data.retry, data.expire, data.minimum]) writer.u32(value)
      return
    default:
      return unreachable(data)
  }
}

const writeRecord = (writer: Writer, record: ResourceRecord): void => {
  writer.name(record.name, true)
  writer.u16(record.type)
  writer.u16(record.class)
  writer.u32(record.ttl)
  const lengthAt = writer.at
  writer.u16(0)
  writeData(writer, record.data)
  scratch.writeUInt16BE(writer.at - lengthAt - 2, lengthAt)
}

/** As many records as fit, each whole. */
const writeSection = (writer: Writer, records: readonly ResourceRecord[]): number => {
  let written = 0
  for (const record of records) {
    const start = writer.at
    try {
      writeRecord(writer, record)
    } catch (error) {
      if (error !== full) throw error
      writer.at = start
      return written
    }
    written++
  }
  return written
}

const flagsOf = (message: Message, truncated: boolean): number =>
  (message.response ? 0x8000 : 0) |
  ((message.opcode & 0xf) << 11) |
  (message.authoritative ? 0x400 : 0) |
  (truncated ? 0x200 : 0) |
  (message.recursionDesired ? 0x100 : 0) |
  (message.recursionAvailable ? 0x80 : 0) |
  (message.authenticData ? 0x20 : 0) |
  (message.checkingDisabled ? 0x10 : 0) |
  (message.rcode & 0xf)

/**
 * At most `maxSize` bytes: answers or authorities that do not fit set the TC bit; additionals that do not fit are left
 * out without a word (RFC 2181, section 9). Throws INVALID_INPUT for a name that is none.
 */
export const encodeMessage = (message: Message, maxSize = 65_535): Buffer => {
  const { edns } = message
  const optLength = edns === undefined ? 0 : 11 + edns.options.length
  const writer = new Writer(Math.min(Math.max(maxSize, 512), 65_535) - optLength)
  writer.at = 12
  for (const question of message.questions) {
    writer.name(question.name, true)
    writer.u16(question.type)
    writer.u16(question.class)
  }
  const answers = writeSection(writer, message.answers)
  const whole = answers === message.answers.length
  const authorities = whole ? writeSection(writer, message.authorities) : 0
  const truncated = message.truncated || !whole || authorities < message.authorities.length
  const additionals = truncated ? 0 : writeSection(writer, message.additionals)
  let end = writer.at
  if (edns !== undefined) {
    scratch[end] = 0
    scratch.writeUInt16BE(types.OPT, end + 1)
    scratch.writeUInt16BE(edns.udpSize, end + 3)
    scratch.writeUInt32BE(
      (((message.rcode >> 4) << 24) | (edns.version << 16) | (edns.dnssecOk ? 0x8000 : 0)) >>> 0,
      end + 5,
    )
    scratch.writeUInt16BE(edns.options.length, end + 9)
    end += 11 + edns.options.copy(scratch, end + 11)
  }
  scratch.writeUInt16BE(message.id, 0)
  scratch.writeUInt16BE(flagsOf(message, truncated), 2)
  scratch.writeUInt16BE(message.questions.length, 4)
  scratch.writeUInt16BE(answers, 6)
  scratch.writeUInt16BE(authorities, 8)
  scratch.writeUInt16BE(additionals + (edns === undefined ? 0 : 1), 10)
  return Buffer.from(scratch.subarray(0, end))
}
