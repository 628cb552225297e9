import { crc32 } from 'node:zlib'
import type { StoreEvent } from '../store.ts'
import type { ValueCodec } from '../value-codec.ts'

/**
 * What one write of the log holds: all transactions that were committed together.
 *
 *   0  magic   4  CRC-32 of what follows   8  length of all   12  events
 *   16 revision before   24 revision after   32 compacted: nothing up to this one is remembered   40 time in ms
 *   48 each event: length of the value (4), revision - the one before (4), type (1), length of the key (2), key, value
 *
 * Numbers are big-endian; those from 16 on are doubles. Values are as the codec made them.
 */
const headBytes = 48
const eventBytes = 11
/** No text in UTF-8 has these bytes: a value can never look like a group. */
export const groupMagic = Buffer.from([0xff, 0xfe, 0x6c, 0x67])

export interface GroupHead {
  /** Bytes of the whole group. */
  length: number
  /** The revision that the first of its transactions follows. */
  before: number
  /** Of the last of them. */
  revision: number
  compacted: number
  timeMs: number
}

export interface LoggedEvent {
  type: StoreEvent['type']
  key: string
  revision: number
  /** A piece of the buffer that the group was read into: copy what is to stay. */
  value: Buffer
}

/** Makes groups in one buffer, which grows as needed: a group is good until the next one is made. */
export class GroupWriter {
  #buffer = Buffer.allocUnsafeSlow(64 * 1024)
  readonly #codec: ValueCodec
  constructor(codec: ValueCodec) {
    this.#codec = codec
  }

  #grow(bytes: number): void {
    if (bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(bytes, this.#buffer.length * 2))
    this.#buffer.copy(larger)
    this.#buffer = larger
  }

  #event({ type, entry }: StoreEvent, at: number, before: number): number {
    const { key } = entry
    const value = type === 'put' ? this.#codec.encode(key, entry.bytes) : undefined
    // A character takes three bytes at most.
    this.#grow(at + eventBytes + key.length * 3 + (value?.length ?? 0))
    const buffer = this.#buffer
    const keyBytes = buffer.write(key, at + eventBytes)
    buffer.writeUInt32BE(value?.length ?? 0, at)
    buffer.writeUInt32BE(entry.revision - before, at + 4)
    buffer.writeUInt8(type === 'put' ? 0 : 1, at + 8)
    buffer.writeUInt16BE(keyBytes, at + 9)
    const end = at + eventBytes + keyBytes
    if (value === undefined) return end
    value.copy(buffer, end)
    return end + value.length
  }

  encode(events: readonly StoreEvent[], head: Omit<GroupHead, 'length'>): Buffer {
    let length = headBytes
    for (const event of events) length = this.#event(event, length, head.before)
    const buffer = this.#buffer
    groupMagic.copy(buffer)
    buffer.writeUInt32BE(length, 8)
    buffer.writeUInt32BE(events.length, 12)
    buffer.writeDoubleBE(head.before, 16)
    buffer.writeDoubleBE(head.revision, 24)
    buffer.writeDoubleBE(head.compacted, 32)
    buffer.writeDoubleBE(head.timeMs, 40)
    buffer.writeUInt32BE(crc32(buffer.subarray(8, length)), 4)
    return buffer.subarray(0, length)
  }
}

/** A group that was read and whose checksum fits. */
export class LogGroup implements GroupHead {
  readonly length: number
  readonly before: number
  readonly revision: number
  readonly compacted: number
  readonly timeMs: number
  readonly #bytes: Buffer
  constructor(bytes: Buffer) {
    this.#bytes = bytes
    this.length = bytes.length
    this.before = bytes.readDoubleBE(16)
    this.revision = bytes.readDoubleBE(24)
    this.compacted = bytes.readDoubleBE(32)
    this.timeMs = bytes.readDoubleBE(40)
  }

  *events(): Generator<LoggedEvent> {
    const bytes = this.#bytes
    let at = headBytes
    for (let left = bytes.readUInt32BE(12); left > 0; left--) {
      const keyEnd = at + eventBytes + bytes.readUInt16BE(at + 9)
      const end = keyEnd + bytes.readUInt32BE(at)
      yield {
        type: bytes.readUInt8(at + 8) === 0 ? 'put' : 'delete',
        key: bytes.toString('utf8', at + eventBytes, keyEnd),
        revision: this.before + bytes.readUInt32BE(at + 4),
        value: bytes.subarray(keyEnd, end),
      }
      at = end
    }
  }
}

/** The bytes that a group would have which begins here; 0: none begins here. `bytes` may be cut off. */
export const groupLength = (bytes: Buffer): number => {
  if (bytes.length < headBytes || bytes.compare(groupMagic, 0, 4, 0, 4) !== 0) return 0
  const length = bytes.readUInt32BE(8)
  return length < headBytes ? 0 : length
}

export const isWhole = (bytes: Buffer): boolean => crc32(bytes.subarray(8)) === bytes.readUInt32BE(4)
