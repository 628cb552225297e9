import { hostLogIo, type LogIo } from './log-io.ts'

export interface DiskFault {
  code: 'ENOSPC' | 'EIO'
  /** How much of the write still gets to the file. */
  afterBytes: number
}

/** The host's disk, which fails when it is told to. */
export class FaultyLogIo implements LogIo {
  /** What happens to the next writes; undefined: they go through. */
  fault: DiskFault | undefined
  /** Whether a file cannot even be shortened. */
  stuck = false
  left = Number.MAX_SAFE_INTEGER

  async write(fd: number, bytes: Buffer, position: number): Promise<number> {
    if (this.fault === undefined) return hostLogIo.write(fd, bytes, position)
    const { code, afterBytes } = this.fault
    const part = bytes.subarray(0, afterBytes)
    if (part.length > 0) await hostLogIo.write(fd, part, position)
    throw Object.assign(new Error(`${code}: the disk of the test`), { code })
  }
  truncate(fd: number, length: number): Promise<void> {
    return this.stuck ? Promise.reject(new Error('EIO: the disk of the test')) : hostLogIo.truncate(fd, length)
  }
  sync(fd: number): Promise<void> {
    return hostLogIo.sync(fd)
  }
  spaceLeft(): number {
    return this.left
  }
}
