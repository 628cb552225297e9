import { closeSync, openSync, stat } from 'node:fs'
import { createRequire } from 'node:module'
import { messageOf, SkiffError } from '../kube/errors.ts'

const CLONE_NEWNET = 0x40000000

interface Libc {
  setns(fd: number, nstype: number): number
  errno(): number
}

let libc: Libc | undefined

/** koffi is loaded on the first call: most processes that import this file never enter a namespace. */
const loadLibc = (): Libc => {
  if (libc !== undefined) return libc
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const setns = koffi.load(null).func('int setns(int fd, int nstype)') as unknown as Libc['setns']
  // Threads inherit the namespace they are born in, and libuv makes its pool at the first piece of work it is given:
  // give it one now, so that none is ever born inside. The call makes all the threads before it returns.
  stat('/', () => {})
  libc = { setns, errno: () => koffi.errno() }
  return libc
}

const openNetns = (path: string): number => {
  try {
    return openSync(path, 'r')
  } catch (cause) {
    const gone = cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')
    throw new SkiffError(gone ? 'NOT_FOUND' : 'UNAVAILABLE', `network namespace ${path}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/**
 * Runs `fn` with this thread inside the network namespace at `path` (setns(2)). `fn` must do its work before it
 * returns: sockets it opens and /proc/sys files it reads or writes belong to that namespace; anything asynchronous it
 * leaves behind runs outside again. Throws NOT_FOUND when there is no such file, INVALID_INPUT when the file is no
 * network namespace, PERMISSION_DENIED, or what `fn` throws.
 */
export const withNetns = <T>(path: string, fn: () => T extends Promise<unknown> ? never : T): T => {
  const { setns, errno } = loadLibc()
  const target = openNetns(path)
  try {
    const home = openSync('/proc/thread-self/ns/net', 'r')
    try {
      if (setns(target, CLONE_NEWNET) !== 0) {
        const number = errno()
        throw new SkiffError(
          number === 1 ? 'PERMISSION_DENIED' : 'INVALID_INPUT',
          `${path} cannot be entered as a network namespace: setns: errno ${number}`,
        )
      }
      try {
        return fn()
      } finally {
        // A thread that cannot come home would configure the wrong namespace from here on: nothing may go on.
        if (setns(home, CLONE_NEWNET) !== 0) process.abort()
      }
    } finally {
      closeSync(home)
    }
  } finally {
    closeSync(target)
  }
}
