import fs from 'node:fs'
import { dirname } from 'node:path'

/** What the log asks of the file system; tests put a disk that fails in its place. */
export interface LogIo {
  /** Resolves with the bytes written once they are on the disk: the file is open with O_DSYNC. */
  write(fd: number, bytes: Buffer, position: number): Promise<number>
  truncate(fd: number, length: number): Promise<void>
  sync(fd: number): Promise<void>
  /** Bytes that the file system has left. */
  spaceLeft(directory: string): number
}

/** node:fs/promises would put a FileHandle and several promises around each call. */
export const hostLogIo: LogIo = {
  write: (fd, bytes, position) =>
    new Promise((resolve, reject) =>
      fs.write(fd, bytes, 0, bytes.length, position, (error, written) => (error ? reject(error) : resolve(written))),
    ),
  truncate: (fd, length) =>
    new Promise((resolve, reject) => fs.ftruncate(fd, length, error => (error ? reject(error) : resolve()))),
  sync: fd => new Promise((resolve, reject) => fs.fsync(fd, error => (error ? reject(error) : resolve()))),
  spaceLeft: directory => {
    const { bavail, bsize } = fs.statfsSync(directory)
    return bavail * bsize
  },
}

/** A file that was made, renamed or removed is so for good once its directory is on the disk. */
export const syncDirectoryOf = async (file: string, io: LogIo): Promise<void> => {
  const fd = fs.openSync(dirname(file), 'r')
  try {
    await io.sync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
