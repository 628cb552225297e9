import { join } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import { SkiffError } from '../../../kube/errors.ts'

/** What this version writes. 1: one history for all resources; 2: one for each; 3: the history is the log (log/). */
export const format = 3

/**
 * The file of the embedded store:
 *
 *   objects  key -> the object as it was where the log begins
 *   (root)   segment: the number of the oldest segment of the log that is needed
 *            revision: the one that its first transaction follows
 *            compacted: nothing up to this revision can be watched again
 *            format
 *
 * While a segment is folded, `objects` has some of its changes already, and `compacted` is its last revision: the log
 * is read over it again.
 */
export interface LmdbFile {
  root: RootDatabase<Buffer, string>
  objects: Database<Buffer, string>
}

export const storeFile = (directory: string): string => join(directory, 'store.mdb')

/** Readers of other processes see the last commit; only one process may write (see store-lock.ts). */
export const openLmdbFile = async (
  directory: string,
  { readOnly = false, name = 'store.mdb' }: { readOnly?: boolean; name?: string } = {},
): Promise<LmdbFile> => {
  const { open } = await import('lmdb')
  const root = open<Buffer, string>({
    path: join(directory, name),
    noSubdir: true,
    encoding: 'binary',
    maxDbs: 8,
    readOnly,
    // With overlapping sync the promise of a write resolves before it is on the disk.
    overlappingSync: false,
  })
  return { root, objects: root.openDB({ name: 'objects', encoding: 'binary' }) }
}

/** Opens it for `work` alone: what is not open takes no memory, and to open it takes less than a millisecond. */
export const withLmdbFile = async <T>(
  directory: string,
  work: (file: LmdbFile) => T | Promise<T>,
  options: { readOnly?: boolean; name?: string } = {},
): Promise<T> => {
  const file = await openLmdbFile(directory, options)
  try {
    return await work(file)
  } finally {
    await file.root.close()
  }
}

export const readNumber = (database: { get(key: string): Buffer | undefined }, name: string): number => {
  const value = database.get(name)
  return value === undefined ? 0 : value.readDoubleBE(0)
}

/** Within a batch, whose promise is the one that is looked at. */
export const putNumber = (database: Database<Buffer, string>, name: string, value: number): void => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  void database.put(name, bytes).catch(() => {})
}

/** The format that is found, 0 in a new file. Throws SkiffError CORRUPT for what a later version has written. */
export const checkFormat = ({ root }: LmdbFile, directory: string): number => {
  const found = readNumber(root, 'format')
  if (found > format)
    throw new SkiffError('CORRUPT', `${storeFile(directory)}: format ${found} is newer than this Skiff`)
  return found
}
