import { mkdirSync } from 'node:fs'
import { SkiffError } from '../../../kube/errors.ts'
import { checkFormat, format, type LmdbFile, putNumber, readNumber, storeFile } from './lmdb-file.ts'
import { encodeRecord } from './lmdb-records.ts'
import { hostLogIo, syncDirectoryOf } from './log/log-io.ts'
import { listSegments, logDirectory, segmentFile } from './log/segment-head.ts'
import { SegmentReader } from './log/segment-reader.ts'
import { SegmentWriter } from './log/segment-writer.ts'

/** The first segment of a store that has none. */
const firstSegment = 1

/** A log whose LMDB file is lost must not be taken for the start of a new store. */
const refuseOrphans = (directory: string): void => {
  const numbers = listSegments(directory)
  const isUsed = (number: number): boolean => {
    const reader = new SegmentReader(segmentFile(directory, number), number)
    try {
      return [...reader.groups()].length > 0
    } finally {
      reader.close()
    }
  }
  // A crash while a store is made leaves an empty first segment.
  if (numbers.every(number => number === firstSegment && !isUsed(number))) return
  throw new SkiffError(
    'CORRUPT',
    `${logDirectory(directory)} is not the log of ${storeFile(directory)}, which is new or older`,
    {
      remedy: 'put back the store.mdb that belongs to it, or restore the store from a backup (skiff backup restore)',
    },
  )
}

/** Folds the history of formats 1 and 2, which was in LMDB, into the objects; what happened before cannot be watched again. */
const foldHistory = ({ root, objects }: LmdbFile, name: 'history' | 'changes'): void => {
  const history = root.openDB<Buffer, (string | number)[]>({ name, encoding: 'binary' })
  const newest = new Map<string, Buffer | undefined>()
  // Of one key the events are in order in both; format 2 begins its keys with the resource.
  for (const { key, value } of history.getRange({})) {
    const end = 11 + value.readUInt16BE(9)
    const revision = Number(name === 'history' ? key[0] : key[1])
    newest.set(
      value.toString('utf8', 11, end),
      value.readUInt8(8) === 0 ? encodeRecord(revision, value.subarray(end)) : undefined,
    )
    void history.remove(key).catch(() => {})
  }
  for (const [key, record] of newest)
    void (record === undefined ? objects.remove(key) : objects.put(key, record)).catch(() => {})
}

/** Makes the log of a store that is new, or of an earlier format; nothing happens to one that has it. */
export const upgradeFormat = async (file: LmdbFile, directory: string): Promise<void> => {
  const found = checkFormat(file, directory)
  if (found === format) return
  mkdirSync(logDirectory(directory), { recursive: true, mode: 0o700 })
  await syncDirectoryOf(logDirectory(directory), hostLogIo)
  refuseOrphans(directory)
  const segment = await SegmentWriter.create(firstSegment, { directory, io: hostLogIo, reserveBytes: 0 })
  await segment.close()
  const { root } = file
  await root.batch(() => {
    if (found === 1) foldHistory(file, 'history')
    if (found === 2) foldHistory(file, 'changes')
    putNumber(root, 'compacted', readNumber(root, 'revision'))
    putNumber(root, 'segment', firstSegment)
    putNumber(root, 'format', format)
  })
}
