import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SkiffError } from '../../../kube/errors.ts'
import { defaultReserveBytes } from '../store/disk-space.ts'
import {
  checkFormat,
  format,
  openLmdbFile,
  putNumber,
  readNumber,
  storeFile,
  withLmdbFile,
} from '../store/lmdb-file.ts'
import { encodeRecord, splitRecord } from '../store/lmdb-records.ts'
import { hostLogIo } from '../store/log/log-io.ts'
import { listSegments, logDirectory, segmentFile } from '../store/log/segment-head.ts'
import { SegmentReader } from '../store/log/segment-reader.ts'
import { SegmentWriter } from '../store/log/segment-writer.ts'
import { takeStoreLock } from '../store/store-lock.ts'
import { type BackupRecord, type BackupSummary, checkBackup, readBackup, writeBackup } from './backup-file.ts'

/** How far the revision jumps where nobody knows which ones clients have seen: more writes than a year has, at 30 a second. */
const unknownFuture = 1_000_000_000

const restoring = 'store.mdb.restoring'

const copyOf = (bytes: Buffer): Buffer => Buffer.from(bytes)

/** The segments from `first` on, all open: what a server removes after that can still be read. */
const openLog = (directory: string, first: number): SegmentReader[] => {
  const readers: SegmentReader[] = []
  try {
    for (const number of listSegments(directory))
      if (number >= first) readers.push(new SegmentReader(segmentFile(directory, number), number))
    return readers
  } catch (error) {
    for (const reader of readers) reader.close()
    throw error
  }
}

const isGone = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'

interface Logged {
  /** Of the last group; undefined when the log is empty. */
  revision: number | undefined
  /** undefined: it was deleted. */
  changed: Map<string, BackupRecord | undefined>
}

/**
 * The last state of everything that the log changes, from `first` on; undefined when a server has just folded a segment, so that
 * `first` is no longer the oldest. The end may be in the middle of a write: the server that has it open has checked
 * what was before.
 */
const readLog = (directory: string, first: number): Logged | undefined => {
  let readers: SegmentReader[]
  try {
    readers = openLog(directory, first)
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
  try {
    if (readers[0]?.number !== first) return undefined
    const logged: Logged = { revision: undefined, changed: new Map() }
    for (const reader of readers)
      for (const group of reader.groups()) {
        for (const { type, key, revision, value } of group.events())
          logged.changed.set(key, type === 'put' ? { key, revision, value: copyOf(value) } : undefined)
        logged.revision = group.revision
      }
    return logged
  } finally {
    for (const reader of readers) reader.close()
  }
}

/** How often a server may fold a segment just then: it takes seconds to fill one. */
const attempts = 20

/**
 * Saves an embedded store, whether a server has it open or not: LMDB shows a reader of another process the state of
 * the last commit, and goes on; what the log has lies over it.
 */
export const saveLmdb = async (directory: string, file: string, savedAt: string): Promise<BackupSummary> => {
  if (!existsSync(storeFile(directory)))
    throw new SkiffError('NOT_FOUND', `${storeFile(directory)} is not there`, {
      remedy: 'name the data directory of a cluster by --data-dir, or an etcd by --etcd-servers',
    })
  const save = async (): Promise<BackupSummary | undefined> => {
    const lmdb = await openLmdbFile(directory, { readOnly: true })
    const transaction = lmdb.root.useReadTransaction()
    const number = (name: string) => lmdb.root.get(name, { transaction })?.readDoubleBE(0) ?? 0
    try {
      if (checkFormat(lmdb, directory) < format)
        throw new SkiffError('INVALID_INPUT', `${storeFile(directory)} is of an earlier version`, {
          remedy: 'start its API server once',
        })
      const logged = readLog(directory, number('segment'))
      if (logged === undefined) return undefined
      const { changed, revision = number('revision') } = logged
      const records = function* (): Generator<BackupRecord> {
        for (const { key, value } of lmdb.objects.getRange({ transaction })) {
          if (changed.has(key)) continue
          const stored = splitRecord(value)
          yield { key, revision: stored.revision, value: copyOf(stored.value) }
        }
        for (const record of changed.values()) if (record !== undefined) yield record
      }
      return await writeBackup(file, { revision, savedAt, records: records() })
    } finally {
      transaction.done()
      await lmdb.root.close()
    }
  }
  for (let attempt = 0; attempt < attempts; attempt++) {
    const saved = await save()
    if (saved !== undefined) return saved
  }
  throw new SkiffError('CORRUPT', `${logDirectory(directory)} does not go on where ${storeFile(directory)} ends`, {
    remedy: 'restore the store from an earlier backup',
  })
}

/** The last revision that clients of the present store can have seen; undefined when there is none that can be read. */
const presentRevision = async (directory: string): Promise<number | undefined> => {
  if (!existsSync(storeFile(directory))) return undefined
  try {
    return await withLmdbFile(
      directory,
      ({ root }) => {
        const revision = readNumber(root, 'revision')
        if (readNumber(root, 'format') < format) return revision
        return readLog(directory, readNumber(root, 'segment'))?.revision ?? revision
      },
      { readOnly: true },
    )
  } catch {
    return undefined
  }
}

export interface Restored extends BackupSummary {
  /** The store goes on from here: every revision clients have seen is earlier, and too old to watch from. */
  newRevision: number
}

const batchSize = 500

/** A log that the restored state begins with; the store that is still there does not mind one more empty segment. */
const makeLog = async (directory: string): Promise<number> => {
  mkdirSync(logDirectory(directory), { recursive: true, mode: 0o700 })
  const number = (listSegments(directory).at(-1) ?? 0) + 1
  const segment = await SegmentWriter.create(number, { directory, io: hostLogIo, reserveBytes: defaultReserveBytes })
  await segment.close()
  return number
}

/** Fills a new LMDB file beside the one that is there. */
const fill = async (file: string, directory: string, numbers: Record<string, number>): Promise<void> => {
  await withLmdbFile(
    directory,
    async ({ root, objects }) => {
      let batch: BackupRecord[] = []
      const flush = async (): Promise<void> => {
        const records = batch
        batch = []
        await root.batch(() => {
          for (const { key, revision, value } of records)
            void objects.put(key, encodeRecord(revision, value)).catch(() => {})
        })
      }
      for await (const record of readBackup(file)) if (batch.push(record) >= batchSize) await flush()
      await flush()
      await root.batch(() => {
        for (const [name, number] of Object.entries(numbers)) putNumber(root, name, number)
      })
    },
    { name: restoring },
  )
}

/**
 * Puts a backup in the place of an embedded store that no server has open. The new file is made beside the old one and
 * takes its name in one step; it names its own segment of the log, so that the old ones no longer count.
 * Throws ALREADY_RUNNING, CORRUPT, NOT_FOUND.
 */
export const restoreLmdb = async (file: string, directory: string): Promise<Restored> => {
  const summary = await checkBackup(file)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const lock = await takeStoreLock(directory)
  const leftovers = [restoring, `${restoring}-lock`].map(part => join(directory, part))
  try {
    const present = await presentRevision(directory)
    const newRevision = Math.max(summary.revision, present ?? summary.revision + unknownFuture) + 1
    for (const path of leftovers) rmSync(path, { force: true })
    const segment = await makeLog(directory)
    await fill(file, directory, { revision: newRevision, compacted: newRevision, segment, format })
    renameSync(join(directory, restoring), storeFile(directory))
    // Readers of the old file keep their own; the next server makes a lock file that fits.
    rmSync(`${storeFile(directory)}-lock`, { force: true })
    const fd = openSync(directory, 'r')
    fsyncSync(fd)
    closeSync(fd)
    for (const number of listSegments(directory)) if (number < segment) rmSync(segmentFile(directory, number))
    return { ...summary, newRevision }
  } finally {
    for (const path of leftovers) rmSync(path, { force: true })
    await new Promise<void>(done => lock.close(() => done()))
  }
}
