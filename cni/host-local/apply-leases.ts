import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import { formatIp, parseIp, type Ip } from '../../kube/ip-address.ts'
import type { LeaseOwner, LeaseStore, WithLeases } from './lease-store.ts'

const LOCK_EX = 2

/** flock(2) is what the reference plugin takes, so both can share a directory. The lock goes with the descriptor. */
const lock = (path: string): number => {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const flock = koffi.load(null).func('int flock(int fd, int operation)') as unknown as (
    fd: number,
    op: number,
  ) => number
  const fd = openSync(path, 'a+', 0o600)
  if (flock(fd, LOCK_EX) === 0) return fd
  closeSync(fd)
  throw new SkiffError('UNAVAILABLE', `${path}: flock: errno ${koffi.errno()}`)
}

const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/**
 * The reference plugin's layout: a file per address whose name is the address and whose content is the container's id
 * and the interface, parted by CR LF; `last_reserved_ip.N` holds the address that set N gave out last; `lock` is locked.
 */
class LeaseDirectory implements LeaseStore {
  readonly #directory: string
  constructor(directory: string) {
    this.#directory = directory
  }
  reserve(ip: Ip, owner: LeaseOwner, setIndex: number): boolean {
    const file = join(this.#directory, formatIp(ip))
    try {
      writeFileSync(file, `${owner.containerId}\r\n${owner.ifName}`, { flag: 'wx', mode: 0o600 })
    } catch (error) {
      if (errnoOf(error) === 'EEXIST') return false
      rmSync(file, { force: true })
      throw error
    }
    writeFileSync(join(this.#directory, `last_reserved_ip.${setIndex}`), formatIp(ip), { mode: 0o600 })
    return true
  }
  release(owner: LeaseOwner): void {
    for (const ip of this.heldBy(owner)) rmSync(join(this.#directory, formatIp(ip)), { force: true })
  }
  heldBy(owner: LeaseOwner): Ip[] {
    const content = `${owner.containerId}\r\n${owner.ifName}`
    return (
      readdirSync(this.#directory)
        // The first test spares node's IPv6 pattern for `lock` and the like: compiling it takes longer than all the rest.
        .filter(
          name =>
            /^[\da-f.:]+$/.test(name) &&
            isIP(name) !== 0 &&
            readFileSync(join(this.#directory, name), 'utf8').trim() === content,
        )
        .map(parseIp)
    )
  }
  lastReserved(setIndex: number): Ip | undefined {
    try {
      return parseIp(readFileSync(join(this.#directory, `last_reserved_ip.${setIndex}`), 'utf8').trim())
    } catch {
      // None yet, or torn by a crash: the search starts at the range's first address.
      return undefined
    }
  }
}

/** Leases on disk; throws UNAVAILABLE when the directory cannot be used. */
export const withLeaseDirectory: WithLeases = (directory, work) => {
  let fd: number
  try {
    mkdirSync(directory, { recursive: true, mode: 0o755 })
    fd = lock(join(directory, 'lock'))
  } catch (cause) {
    if (cause instanceof SkiffError) throw cause
    throw new SkiffError('UNAVAILABLE', `host-local: ${directory}: ${messageOf(cause)}`, { cause })
  }
  try {
    return work(new LeaseDirectory(directory))
  } finally {
    closeSync(fd)
  }
}
