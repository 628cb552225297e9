import { messageOf, SkiffError } from '../../../kube/errors.ts'

export const fullDisk = (directory: string, detail: string, cause?: unknown): SkiffError =>
  new SkiffError('HOST_UNFIT', `the disk of ${directory} is full (${detail}): nothing can be written`, {
    cause,
    remedy: `free space on the file system of ${directory}; reading goes on meanwhile`,
  })

/** What the file system of a store is to have left after any write: default of the engine, in bytes. */
export const defaultReserveBytes = 16 * 1024 * 1024

/** Refuses to write before the disk is full: a commit of LMDB that runs out of space on the way can take the process down. */
export const checkSpace = (directory: string, leftBytes: number, neededBytes: number): void => {
  if (leftBytes < neededBytes) throw fullDisk(directory, `${leftBytes} bytes left`)
}

/** What a failed commit of LMDB is told as; the disk may have filled up between the check and the commit. */
export const writeFailure = (directory: string, cause: unknown): SkiffError => {
  // lmdb-js hands the reason over as a second rejected promise: without this it would count as unhandled.
  const reason = (cause as { commitError?: unknown } | undefined)?.commitError
  if (reason instanceof Promise) void reason.catch(() => {})
  const text = messageOf(cause)
  return /ENOSPC|No space left|MDB_MAP_FULL/.test(text)
    ? fullDisk(directory, text, cause)
    : new SkiffError('INTERNAL', `${directory}/store.mdb: ${text}`, { cause })
}

/** No room, or no more for this user. */
export const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT'].includes(String((error as NodeJS.ErrnoException | undefined)?.code))
