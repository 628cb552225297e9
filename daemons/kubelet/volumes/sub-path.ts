import { mkdir, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { SkiffError } from '../../../kube/errors.ts'

const inside = (root: string, path: string): boolean => path === root || path.startsWith(root + sep)

const missing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT'

/**
 * Where a subPath of a volume lies on the host, symbolic links resolved; made as a directory when nothing is there.
 * Throws INVALID_INPUT when it leads out of the volume: links inside a volume are written by containers.
 */
export const resolveSubPath = async (volume: string, subPath: string): Promise<string> => {
  const refuse = () => new SkiffError('INVALID_INPUT', `subPath ${JSON.stringify(subPath)} leads out of its volume`)
  if (isAbsolute(subPath) || normalize(subPath).split(sep).includes('..')) throw refuse()
  const root = await realpath(volume)
  const wanted = join(root, subPath)
  try {
    const real = await realpath(wanted)
    if (!inside(root, real)) throw refuse()
    return real
  } catch (error) {
    if (!missing(error)) throw error
  }
  // The deepest parent that exists decides where a new directory would really be.
  let parent = dirname(wanted)
  for (;;) {
    try {
      if (!inside(root, await realpath(parent))) throw refuse()
      break
    } catch (error) {
      if (!missing(error) || parent === root) throw error
      parent = dirname(parent)
    }
  }
  await mkdir(wanted, { recursive: true, mode: 0o750 })
  return wanted
}
