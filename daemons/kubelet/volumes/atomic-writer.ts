import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { SkiffError } from '../../../kube/errors.ts'
import type { Payload } from './payload.ts'

const dataLink = '..data'

const unlessMissing = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'EINVAL'))
      return undefined
    throw error
  }
}

/** Throws INVALID_INPUT for a path that would leave the volume or that hides the writer's own names. */
const checkPath = (path: string): void => {
  const clean = normalize(path)
  if (path === '' || path.startsWith('/') || clean === '..' || clean.startsWith('../') || path.startsWith('..'))
    throw new SkiffError('INVALID_INPUT', `invalid path in a volume: ${JSON.stringify(path)}`)
}

const sameAsOnDisk = async (directory: string, payload: Payload): Promise<boolean> => {
  const current = await unlessMissing(readlink(join(directory, dataLink)))
  if (current === undefined) return false
  const root = join(directory, current)
  const entries = await unlessMissing(readdir(root, { recursive: true, withFileTypes: true }))
  if (entries === undefined) return false
  if (entries.filter(e => e.isFile()).length !== payload.size) return false
  for (const [path, { content, mode }] of payload) {
    const file = join(root, path)
    const found = await unlessMissing(readFile(file))
    if (found === undefined || !found.equals(content)) return false
    if (((await stat(file)).mode & 0o777 & ~0o040) !== (mode & 0o777 & ~0o040)) return false
  }
  return true
}

const freshName = (nowMs: number): string => {
  const time = new Date(nowMs).toISOString().slice(0, 19).replace('T', '-').replaceAll('-', '_').replaceAll(':', '_')
  return `..${time}.${Math.floor(Math.random() * 1e9)}`
}

/**
 * Writes a payload as upstream's atomic writer does, so that readers see all of the old files or all of the new:
 *
 *     volume/..2026_01_01_00_00_00.123/key     the files
 *     volume/..data -> ..2026_01_01_00_00_00.123   swapped by one rename
 *     volume/key -> ..data/key
 *
 * Resolves with whether anything was written. The caller sees to it that a directory has one writer at a time.
 */
export const writeAtomically = async (
  directory: string,
  payload: Payload,
  options: { nowMs: number; fsGroup?: number },
): Promise<boolean> => {
  for (const path of payload.keys()) checkPath(path)
  await mkdir(directory, { recursive: true, mode: 0o755 })
  if (await sameAsOnDisk(directory, payload)) return false

  const name = freshName(options.nowMs)
  const fresh = join(directory, name)
  await mkdir(fresh, { mode: 0o755 })
  for (const [path, { content, mode }] of payload) {
    const file = join(fresh, path)
    await mkdir(dirname(file), { recursive: true, mode: 0o755 })
    await writeFile(file, content)
    if (options.fsGroup !== undefined) await chown(file, 0, options.fsGroup)
    // chmod last: writeFile's mode is cut by the umask, and a chown clears bits.
    await chmod(file, options.fsGroup === undefined ? mode : mode | 0o040)
  }
  const swap = join(directory, '..data_tmp')
  await rm(swap, { force: true })
  await symlink(name, swap)
  await rename(swap, join(directory, dataLink))

  const tops = new Set([...payload.keys()].map(path => normalize(path).split('/')[0] ?? ''))
  for (const top of tops)
    if ((await unlessMissing(readlink(join(directory, top)))) === undefined)
      await symlink(join(dataLink, top), join(directory, top))
  // What is no longer shown, and every older set of files, also one that a kubelet which died left half written.
  const kept = new Set([...tops, dataLink, name])
  for (const entry of await readdir(directory))
    if (!kept.has(entry)) await rm(join(directory, entry), { force: true, recursive: true })
  return true
}
