import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { SkiffError } from '../../../kube/errors.ts'
import { checkFormat, format, openLmdbFile, putNumber, readNumber, storeFile } from '../store/lmdb-file.ts'
import { encodeRecord, splitEvent, splitRecord } from '../store/lmdb-records.ts'
import { takeStoreLock } from '../store/store-lock.ts'
import { type BackupRecord, type BackupSummary, checkBackup, readBackup, writeBackup } from './backup-file.ts'

/** How far the revision jumps where nobody knows which ones clients have seen: more writes than a year has, at 30 a second. */
const unknownFuture = 1_000_000_000

const copyOf = (bytes: Buffer): Buffer => Buffer.from(bytes)

/**
 * Saves an embedded store, whether a server has it open or not: LMDB shows a reader of another process the state of
 * the last commit, and goes on.
 */
export const saveLmdb = async (directory: string, file: string, savedAt: string): Promise<BackupSummary> => {
  if (!existsSync(storeFile(directory)))
    throw new SkiffError('NOT_FOUND', `${storeFile(directory)} is not there`, {
      remedy: 'name the data directory of a cluster by --data-dir, or an etcd by --etcd-servers',
    })
  const lmdb = await openLmdbFile(directory, { readOnly: true })
  const transaction = lmdb.root.useReadTransaction()
  try {
    if (checkFormat(lmdb, directory) < format)
      throw new SkiffError('INVALID_INPUT', `${storeFile(directory)} is of an earlier version`, {
        remedy: 'start its API server once',
      })
    // What changed since each resource last forgot something lies over what was then.
    const changed = new Map<string, BackupRecord | undefined>()
    for (const { key, value } of lmdb.changes.getRange({ transaction })) {
      const event = splitEvent(value)
      const record = { key: event.key, revision: key[1], value: copyOf(event.value) }
      changed.set(event.key, event.type === 'put' ? record : undefined)
    }
    const records = function* (): Generator<BackupRecord> {
      for (const { key, value } of lmdb.objects.getRange({ transaction })) {
        if (changed.has(key)) continue
        const stored = splitRecord(value)
        yield { key, revision: stored.revision, value: copyOf(stored.value) }
      }
      for (const record of changed.values()) if (record !== undefined) yield record
    }
    const revision = lmdb.root.get('revision', { transaction })?.readDoubleBE(0) ?? 0
    return await writeBackup(file, { revision, savedAt, records: records() })
  } finally {
    transaction.done()
    await lmdb.root.close()
  }
}

/** The last revision that clients of the present store can have seen; undefined when there is none that can be read. */
const presentRevision = async (directory: string): Promise<number | undefined> => {
  if (!existsSync(storeFile(directory))) return undefined
  try {
    const { root } = await openLmdbFile(directory, { readOnly: true })
    const revision = readNumber(root, 'revision')
    await root.close()
    return revision
  } catch {
    return undefined
  }
}

export interface Restored extends BackupSummary {
  /** The store goes on from here: every revision clients have seen is earlier, and too old to watch from. */
  newRevision: number
}

const batchSize = 500

/**
 * Puts a backup in the place of an embedded store that no server has open. The new file is made beside the old one and
 * takes its name in one step. Throws ALREADY_RUNNING, CORRUPT, NOT_FOUND.
 */
export const restoreLmdb = async (file: string, directory: string): Promise<Restored> => {
  const summary = await checkBackup(file)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const lock = await takeStoreLock(directory)
  const name = 'store.mdb.restoring'
  const leftovers = [name, `${name}-lock`].map(part => join(directory, part))
  try {
    const present = await presentRevision(directory)
    const newRevision = Math.max(summary.revision, present ?? summary.revision + unknownFuture) + 1
    for (const path of leftovers) rmSync(path, { force: true })
    const lmdb = await openLmdbFile(directory, { name })
    let batch: BackupRecord[] = []
    const flush = async (): Promise<void> => {
      const records = batch
      batch = []
      await lmdb.root.batch(() => {
        for (const { key, revision, value } of records)
          void lmdb.objects.put(key, encodeRecord(revision, value)).catch(() => {})
      })
    }
    for await (const record of readBackup(file)) if (batch.push(record) >= batchSize) await flush()
    await flush()
    await lmdb.root.batch(() => {
      putNumber(lmdb.root, 'revision', newRevision)
      putNumber(lmdb.root, 'compacted', newRevision)
      putNumber(lmdb.root, 'format', format)
    })
    await lmdb.root.close()
    renameSync(join(directory, name), storeFile(directory))
    // Readers of the old file keep their own; the next server makes a lock file that fits.
    rmSync(`${storeFile(directory)}-lock`, { force: true })
    const fd = openSync(directory, 'r')
    fsyncSync(fd)
    closeSync(fd)
    return { ...summary, newRevision }
  } finally {
    for (const path of leftovers) rmSync(path, { force: true })
    await new Promise<void>(done => lock.close(() => done()))
  }
}
