import { setImmediate as nextTurn } from 'node:timers/promises'
import { type LmdbFile, putNumber, readNumber } from '../lmdb-file.ts'
import { encodeRecord } from '../lmdb-records.ts'
import type { SealedSegment } from './replay-log.ts'
import { corruptLog, SegmentReader } from './segment-reader.ts'

/** What one commit of LMDB gets at most: the event loop is held up for the time these take to be handed over. */
const pieceBytes = 256 * 1024
const pieceRecords = 128

export interface FoldOptions {
  /** Commits what the function puts. */
  write(puts: () => void): Promise<void>
  /** Whether to leave off: the next fold begins anew. */
  stopped(): boolean
}

interface Change {
  key: string
  /** undefined: it was deleted. */
  record: Buffer | undefined
}

/**
 * Of each key the last event of the segment, by its place among all. Throws SkiffError CORRUPT when the disk has not kept
 * all of it: then it must not be removed.
 */
const newestEvents = async (reader: SegmentReader, revision: number): Promise<Map<string, number>> => {
  const newest = new Map<string, number>()
  let place = 0
  let read = 0
  let last = 0
  for (const group of reader.groups()) {
    for (const { key } of group.events()) newest.set(key, place++)
    last = group.revision
    read += group.length
    if (read < pieceBytes) continue
    read = 0
    await nextTurn()
  }
  if (last !== revision || reader.tail() !== 'zero')
    throw corruptLog(reader.file, reader.offset, `a group is damaged: it is to go on to revision ${revision}`)
  return newest
}

/** The changes that count, in pieces for one commit each. */
function* pieces(reader: SegmentReader, newest: ReadonlyMap<string, number>): Generator<Change[]> {
  let piece: Change[] = []
  let bytes = 0
  let place = 0
  for (const group of reader.groups())
    for (const { type, key, revision, value } of group.events()) {
      if (newest.get(key) !== place++) continue
      piece.push({ key, record: type === 'put' ? encodeRecord(revision, value) : undefined })
      bytes += value.length
      if (bytes < pieceBytes && piece.length < pieceRecords) continue
      yield piece
      piece = []
      bytes = 0
    }
  yield piece
}

const opened = async <T>({ file, number }: SealedSegment, work: (reader: SegmentReader) => Promise<T>): Promise<T> => {
  const reader = new SegmentReader(file, number)
  try {
    return await work(reader)
  } finally {
    reader.close()
  }
}

/**
 * Puts what a full segment changed into `objects`, so that it is no longer needed; resolves with whether that is done.
 * It may be cut off anywhere and begun again: until the last commit the segment stays part of the log, and what it
 * changes is the same whether some of it has been done before.
 */
export const foldSegment = async (
  { root, objects }: LmdbFile,
  segment: SealedSegment,
  { write, stopped }: FoldOptions,
): Promise<boolean> => {
  const newest = await opened(segment, reader => newestEvents(reader, segment.revision))
  // From now on the objects are of no one revision: whoever starts here cannot tell what was before the segment's end.
  await write(() => putNumber(root, 'compacted', Math.max(segment.revision, readNumber(root, 'compacted'))))
  const done = await opened(segment, async reader => {
    for (const piece of pieces(reader, newest)) {
      if (stopped()) return false
      await write(() => {
        for (const { key, record } of piece)
          void (record === undefined ? objects.remove(key) : objects.put(key, record)).catch(() => {})
      })
    }
    return true
  })
  if (!done) return false
  await write(() => {
    putNumber(root, 'revision', segment.revision)
    putNumber(root, 'segment', segment.number + 1)
  })
  return true
}
