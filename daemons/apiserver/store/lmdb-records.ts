import { StoredEntry } from './stored-entry.ts'
import { withVersion } from './versioned-text.ts'
import type { ValueCodec } from './value-codec.ts'

/** An object of the LMDB file: its revision (8 bytes), then its value as the codec gave it. */
export const encodeRecord = (revision: number, value: Buffer): Buffer => {
  const head = Buffer.allocUnsafe(8)
  head.writeDoubleBE(revision)
  return Buffer.concat([head, value])
}

export const splitRecord = (record: Buffer): { revision: number; value: Buffer } => ({
  revision: record.readDoubleBE(0),
  value: record.subarray(8),
})

/** lmdb and the log hand out buffers they use again, Node small pieces of a shared pool: what is kept is copied. */
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
