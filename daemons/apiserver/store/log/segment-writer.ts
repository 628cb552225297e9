import { closeSync, constants, fstatSync, openSync, renameSync, rmSync } from 'node:fs'
import { checkSpace } from '../disk-space.ts'
import { type LogIo, syncDirectoryOf } from './log-io.ts'
import { segmentFile, segmentHead, segmentHeadBytes } from './segment-head.ts'

/** A new segment has this much room at first: a small store has a small log. */
const firstRoom = 256 * 1024
/** It grows in pieces of this size, before they are needed. */
const growBytes = 1024 * 1024
const zeros = Buffer.alloc(256 * 1024)

export interface SegmentWriterOptions {
  directory: string
  io: LogIo
  /** The file system is to have this much left when a segment has grown. */
  reserveBytes: number
}

/**
 * The end of the log. The file is filled with zeros ahead of the writes: a write into blocks that are there already
 * waits for its own data alone, and not for the file system's journal.
 */
export class SegmentWriter {
  readonly number: number
  readonly file: string
  /** Where the next group goes. */
  position: number
  /** Up to here the file is filled, with groups or zeros. */
  #room: number
  #growing: Promise<void> | undefined
  readonly #fd: number
  readonly #options: SegmentWriterOptions

  private constructor(
    number: number,
    file: string,
    { fd, position }: { fd: number; position: number },
    options: SegmentWriterOptions,
  ) {
    this.number = number
    this.file = file
    this.#fd = fd
    this.position = position
    this.#room = fstatSync(fd).size
    this.#options = options
  }

  /** Makes an empty one, which has its name only once it is whole. Throws SkiffError HOST_UNFIT on a full disk. */
  static async create(number: number, options: SegmentWriterOptions): Promise<SegmentWriter> {
    const file = segmentFile(options.directory, number)
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC | constants.O_DSYNC
    const fd = openSync(`${file}.new`, flags, 0o600)
    try {
      const made = new SegmentWriter(number, file, { fd, position: segmentHeadBytes }, options)
      await made.#writeAll(segmentHead(number), 0)
      made.#room = segmentHeadBytes
      await made.#grow(firstRoom)
      renameSync(`${file}.new`, file)
      await syncDirectoryOf(file, options.io)
      return made
    } catch (error) {
      closeSync(fd)
      rmSync(`${file}.new`, { force: true })
      throw error
    }
  }

  /** The one that a server left; `torn`: what is behind `position` is cut off. */
  static async reopen(
    { number, position, torn }: { number: number; position: number; torn: boolean },
    options: SegmentWriterOptions,
  ): Promise<SegmentWriter> {
    const file = segmentFile(options.directory, number)
    const fd = openSync(file, constants.O_RDWR | constants.O_DSYNC)
    const segment = new SegmentWriter(number, file, { fd, position }, options)
    if (torn) await segment.cutBack()
    return segment
  }

  get isEmpty(): boolean {
    return this.position === segmentHeadBytes
  }

  async #writeAll(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;)
      done += await this.#options.io.write(this.#fd, done === 0 ? bytes : bytes.subarray(done), position + done)
  }

  async #grow(bytes: number): Promise<void> {
    const { directory, io, reserveBytes } = this.#options
    checkSpace(directory, io.spaceLeft(directory), reserveBytes + bytes)
    const target = this.#room + bytes
    try {
      for (let at = this.#room; at < target; at += zeros.length)
        await this.#writeAll(zeros.subarray(0, Math.min(zeros.length, target - at)), at)
    } catch (error) {
      await io.truncate(this.#fd, this.#room)
      throw error
    }
    this.#room = target
  }

  /** Waits until `bytes` more fit. */
  async makeRoom(bytes: number): Promise<void> {
    await this.#growing
    const missing = this.position + bytes - this.#room
    if (missing > 0) await this.#grow(Math.ceil(missing / growBytes) * growBytes)
  }

  fits(bytes: number): boolean {
    return this.position + bytes <= this.#room
  }

  /** Grows in the background when little room is left; what cannot be done now is tried again when it is needed. */
  growAhead(most: number): void {
    if (this.#growing !== undefined || this.#room - this.position > growBytes / 2 || this.#room >= most) return
    this.#growing = this.#grow(Math.min(growBytes, most - this.#room))
      .catch(() => {})
      .then(() => {
        this.#growing = undefined
      })
  }

  /** Rejects with what the file system says; then `cutBack` has to follow. */
  async write(group: Buffer): Promise<void> {
    await this.#writeAll(group, this.position)
    this.position += group.length
  }

  /** Whatever a write left behind `position` is gone for good. */
  async cutBack(): Promise<void> {
    await this.#growing
    const { io } = this.#options
    await io.truncate(this.#fd, this.position)
    this.#room = this.position
    await io.sync(this.#fd)
  }

  async close(): Promise<void> {
    await this.#growing
    closeSync(this.#fd)
  }
}
