import { SkiffError } from '../../../kube/errors.ts'
import type { StoreEvent } from './store.ts'
import { StoredEntry } from './stored-entry.ts'
import { withVersion } from './versioned-text.ts'
import type { ValueCodec } from './value-codec.ts'

/** An object at the last compaction: its revision (8 bytes), then its value as the codec gives it. */
export const encodeStored = (entry: StoredEntry, codec: ValueCodec): Buffer =>
  encodeRecord(entry.revision, codec.encode(entry.key, entry.bytes))

/** The same of a value that is encoded already. */
export const encodeRecord = (revision: number, value: Buffer): Buffer => {
  const head = Buffer.allocUnsafe(8)
  head.writeDoubleBE(revision)
  return Buffer.concat([head, value])
}

/** The revision of a record of an object, and its value as the codec gave it. */
export const splitRecord = (record: Buffer): { revision: number; value: Buffer } => ({
  revision: record.readDoubleBE(0),
  value: record.subarray(8),
})

/** lmdb hands out buffers it may use again, Node small pieces of a shared pool: what is kept is copied. */
export const keepEntry = (key: string, revision: number, value: Buffer, codec: ValueCodec): StoredEntry => {
  const { bytes: text, stale } = codec.decode(key, value)
  // What was restored from a backup of etcd carries no version.
  const bytes = text.includes(`"resourceVersion":"${revision}"`) ? text : withVersion(key, text, revision)
  const copy = Buffer.allocUnsafeSlow(bytes.length)
  bytes.copy(copy)
  return new StoredEntry(key, revision, { bytes: copy, stale })
}

export const decodeStored = (key: string, record: Buffer, codec: ValueCodec): StoredEntry => {
  const { revision, value } = splitRecord(record)
  return keepEntry(key, revision, value, codec)
}

/** An event: time in ms (8 bytes), type (1), length of the key (2), the key; of a put the value. */
export const encodeEvent = ({ type, entry, timeMs }: StoreEvent, codec: ValueCodec): Buffer => {
  const key = Buffer.from(entry.key)
  const head = Buffer.allocUnsafe(11)
  head.writeDoubleBE(timeMs, 0)
  head.writeUInt8(type === 'put' ? 0 : 1, 8)
  head.writeUInt16BE(key.length, 9)
  return Buffer.concat(type === 'put' ? [head, key, codec.encode(entry.key, entry.bytes)] : [head, key])
}

export interface EventRecord {
  type: StoreEvent['type']
  key: string
  timeMs: number
  value: Buffer
}

export const splitEvent = (record: Buffer): EventRecord => {
  const end = 11 + record.readUInt16BE(9)
  return {
    type: record.readUInt8(8) === 0 ? 'put' : 'delete',
    key: record.toString('utf8', 11, end),
    timeMs: record.readDoubleBE(0),
    value: record.subarray(end),
  }
}

export const decodeEvent = (
  revision: number,
  record: Buffer,
  { codec, before }: { codec: ValueCodec; before(key: string): StoredEntry | undefined },
): StoreEvent => {
  const { type, key, timeMs, value } = splitEvent(record)
  const previous = before(key)
  if (type === 'put') return { type, entry: keepEntry(key, revision, value, codec), previous, timeMs }
  if (previous === undefined) throw new SkiffError('CORRUPT', `revision ${revision} deletes ${key}, which is not there`)
  return { type, entry: previous.at(revision), previous, timeMs }
}
