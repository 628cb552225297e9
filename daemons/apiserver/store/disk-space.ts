import { statfsSync } from 'node:fs'
import { messageOf, SkiffError } from '../../../kube/errors.ts'

const full = (directory: string, detail: string, cause?: unknown): SkiffError =>
  new SkiffError('HOST_UNFIT', `the disk of ${directory} is full (${detail}): nothing can be written`, {
    cause,
    remedy: `free space on the file system of ${directory}; reading goes on meanwhile`,
  })

/**
 * Refuses a write before the disk is full: a commit of LMDB that runs out of space on the way can take the process
 * down with it.
 */
export const checkSpace = (directory: string, reserveBytes: number): void => {
  const { bavail, bsize } = statfsSync(directory)
  if (bavail * bsize < reserveBytes) throw full(directory, `${bavail * bsize} bytes left`)
}

/** What a failed commit is told as; the disk may have filled up between the check and the commit. */
export const writeFailure = (directory: string, cause: unknown): SkiffError => {
  // lmdb-js hands the reason over as a second rejected promise: without this it would count as unhandled.
  const reason = (cause as { commitError?: unknown } | undefined)?.commitError
  if (reason instanceof Promise) void reason.catch(() => {})
  const text = messageOf(cause)
  return /ENOSPC|No space left|MDB_MAP_FULL/.test(text)
    ? full(directory, text, cause)
    : new SkiffError('INTERNAL', `${directory}/store.mdb: ${text}`, { cause })
}
