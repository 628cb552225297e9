import type { StoreEvent } from './store.ts'
import { StoredEntry } from './stored-entry.ts'

/** An object at the last compaction: its revision (8 bytes), then its JSON text. */
export const encodeStored = (entry: StoredEntry): Buffer => {
  const head = Buffer.allocUnsafe(8)
  head.writeDoubleBE(entry.revision)
  return Buffer.concat([head, entry.bytes])
}

/** lmdb hands out buffers it may use again: what is kept is copied. */
const keep = (bytes: Buffer): Buffer => {
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return copy
}

export const decodeObject = (key: string, record: Buffer): StoredEntry =>
  new StoredEntry(key, record.readDoubleBE(0), { bytes: keep(record.subarray(8)) })

/** An event: time in ms (8 bytes), type (1), length of the key (2), the key, the JSON text. */
export const encodeEvent = ({ type, entry, timeMs }: StoreEvent): Buffer => {
  const key = Buffer.from(entry.key)
  const head = Buffer.allocUnsafe(11)
  head.writeDoubleBE(timeMs, 0)
  head.writeUInt8(type === 'put' ? 0 : 1, 8)
  head.writeUInt16BE(key.length, 9)
  return Buffer.concat([head, key, entry.bytes])
}

export const decodeEvent = (
  revision: number,
  record: Buffer,
  before: (key: string) => StoredEntry | undefined,
): StoreEvent => {
  const end = 11 + record.readUInt16BE(9)
  const key = record.toString('utf8', 11, end)
  return {
    type: record.readUInt8(8) === 0 ? 'put' : 'delete',
    entry: new StoredEntry(key, revision, { bytes: keep(record.subarray(end)) }),
    previous: before(key),
    timeMs: record.readDoubleBE(0),
  }
}
