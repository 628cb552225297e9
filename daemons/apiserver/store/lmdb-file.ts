import { join } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import { SkiffError } from '../../../kube/errors.ts'

/** What this version writes. 1: one history for all resources; 2: one for each. */
export const format = 2

/**
 * The file of the embedded store:
 *
 *   objects    key -> the object as it was when its resource last forgot something
 *   changes    [collection, revision, n] -> one event since then
 *   forgotten  collection -> the revision up to which it has forgotten
 *   (root)     revision, compacted (a floor for all collections), format
 */
export interface LmdbFile {
  root: RootDatabase<Buffer, string>
  objects: Database<Buffer, string>
  changes: Database<Buffer, [string, number, number]>
  forgotten: Database<Buffer, string>
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
  return {
    root,
    objects: root.openDB({ name: 'objects', encoding: 'binary' }),
    changes: root.openDB({ name: 'changes', encoding: 'binary' }),
    forgotten: root.openDB({ name: 'forgotten', encoding: 'binary' }),
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

/** Throws SkiffError CORRUPT for what a later version has written. */
export const checkFormat = ({ root }: LmdbFile, directory: string): number => {
  const found = readNumber(root, 'format')
  if (found > format)
    throw new SkiffError('CORRUPT', `${storeFile(directory)}: format ${found} is newer than this Skiff`)
  return found
}

/** Folds the one history of format 1 into the objects; what happened before cannot be watched again. */
export const upgradeFormat1 = async ({ root, objects }: LmdbFile): Promise<void> => {
  const history = root.openDB<Buffer, [number, number]>({ name: 'history', encoding: 'binary' })
  await root.batch(() => {
    for (const { key, value } of history.getRange({})) {
      const end = 11 + value.readUInt16BE(9)
      const name = value.toString('utf8', 11, end)
      const head = Buffer.alloc(8)
      head.writeDoubleBE(key[0])
      void (
        value.readUInt8(8) === 0 ? objects.put(name, Buffer.concat([head, value.subarray(end)])) : objects.remove(name)
      ).catch(() => {})
      void history.remove(key).catch(() => {})
    }
    putNumber(root, 'compacted', readNumber(root, 'revision'))
    putNumber(root, 'format', format)
  })
}
