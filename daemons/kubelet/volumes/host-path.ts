import { mkdir, open, stat } from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { SkiffError } from '../../../kube/errors.ts'

const checks: Record<string, { is(s: Stats): boolean; what: string }> = {
  Directory: { is: s => s.isDirectory(), what: 'a directory' },
  DirectoryOrCreate: { is: s => s.isDirectory(), what: 'a directory' },
  File: { is: s => s.isFile(), what: 'a file' },
  FileOrCreate: { is: s => s.isFile(), what: 'a file' },
  Socket: { is: s => s.isSocket(), what: 'a socket file' },
  CharDevice: { is: s => s.isCharacterDevice(), what: 'a character device' },
  BlockDevice: { is: s => s.isBlockDevice(), what: 'a block device' },
}

const statOf = async (path: string): Promise<Stats | undefined> => {
  try {
    return await stat(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Makes sure that a hostPath volume is of the type it says. Throws INVALID_INPUT with upstream's text. */
export const prepareHostPath = async (path: string, type = ''): Promise<void> => {
  const found = await statOf(path)
  if (found === undefined) {
    // Without a type upstream checks nothing and the runtime makes a directory.
    if (type === '' || type === 'DirectoryOrCreate') return void (await mkdir(path, { recursive: true, mode: 0o755 }))
    if (type === 'FileOrCreate') return (await open(path, 'a', 0o644)).close()
  }
  if (type === '') return
  const check = checks[type]
  if (check === undefined) throw new SkiffError('INVALID_INPUT', `hostPath type ${type} is not known`)
  if (found === undefined || !check.is(found))
    throw new SkiffError('INVALID_INPUT', `hostPath type check failed: ${path} is not ${check.what}`)
}
