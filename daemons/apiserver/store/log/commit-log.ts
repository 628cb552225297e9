import { unlinkSync } from 'node:fs'
import { messageOf, SkiffError } from '../../../../kube/errors.ts'
import { fullDisk, isFull } from '../disk-space.ts'
import { type LogIo, syncDirectoryOf } from './log-io.ts'
import type { LogState, SealedSegment } from './replay-log.ts'
import { SegmentWriter, type SegmentWriterOptions } from './segment-writer.ts'

export interface LogBounds {
  /** A segment that would become larger ends, and the next begins; default 16 MiB. */
  segmentBytes: number
  /** With more the oldest is folded, however young it is; default 4. */
  segments: number
}

export const defaultLogBounds: LogBounds = { segmentBytes: 16 * 1024 * 1024, segments: 4 }

export interface CommitLogOptions {
  directory: string
  reserveBytes: number
  bounds: LogBounds
  io: LogIo
}

/**
 * The log that makes writes durable: one write of one group at a time, at the end of the newest segment. Its caller sees
 * to it that no two appends are under way at once.
 */
export class CommitLog {
  /** Full ones that are not folded yet, oldest first. */
  readonly sealed: SealedSegment[]
  /** Of the last group. */
  #revision: number
  #timeMs: number
  #current: SegmentWriter
  /** Prepared when the current one is half full. */
  #next: Promise<SegmentWriter> | undefined
  #broken: SkiffError | undefined
  readonly #bounds: LogBounds
  readonly #options: SegmentWriterOptions

  private constructor(current: SegmentWriter, state: LogState, options: CommitLogOptions) {
    this.#current = current
    this.sealed = state.sealed
    this.#revision = state.revision
    this.#timeMs = state.timeMs
    this.#bounds = options.bounds
    this.#options = segmentOptions(options)
  }

  /** Goes on where the log ends that was replayed. */
  static async open(state: LogState, options: CommitLogOptions): Promise<CommitLog> {
    return new CommitLog(await SegmentWriter.reopen(state.end, segmentOptions(options)), state, options)
  }

  /** Why nothing can be written until the next start. */
  get problem(): string | undefined {
    return this.#broken?.message
  }

  /**
   * Resolves when the group is on the disk. Rejects with SkiffError HOST_UNFIT when there is no room and UNAVAILABLE
   * after an earlier failure: nothing was written; with TIMEOUT when the disk failed and nobody knows.
   */
  async append(group: Buffer, { revision, timeMs }: { revision: number; timeMs: number }): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken
    const { segmentBytes } = this.#bounds
    if (this.#current.position + group.length > segmentBytes) await this.roll()
    const segment = this.#current
    if (!segment.fits(group.length)) await this.#makeRoom(segment, group.length)
    try {
      await segment.write(group)
    } catch (cause) {
      throw await this.#undo(segment, cause)
    }
    this.#revision = revision
    this.#timeMs = timeMs
    segment.growAhead(segmentBytes)
    if (segment.position > segmentBytes / 2) this.#prepareNext()
  }

  async #makeRoom(segment: SegmentWriter, bytes: number): Promise<void> {
    try {
      await segment.makeRoom(bytes)
    } catch (cause) {
      throw this.#refusal(cause)
    }
  }

  /** For what failed before anything of a group was written. */
  #refusal(cause: unknown): SkiffError {
    if (cause instanceof SkiffError) return cause
    const { directory } = this.#options
    return isFull(cause)
      ? fullDisk(directory, messageOf(cause), cause)
      : new SkiffError('UNAVAILABLE', `the log of ${directory} cannot grow: ${messageOf(cause)}`, { cause })
  }

  /**
   * A group that did not get through must not be found whole later. A disk without room takes the shortening and goes
   * on; after any other failure the kernel may have dropped what it could not write and call the next sync a success,
   * so that nothing is written any more: the next start reads what the disk really has.
   */
  async #undo(segment: SegmentWriter, cause: unknown): Promise<SkiffError> {
    const { directory } = this.#options
    try {
      await segment.cutBack()
      if (isFull(cause)) return fullDisk(directory, messageOf(cause), cause)
    } catch {
      // What counts is why the write failed.
    }
    const why = `${segment.file} could not be written: ${messageOf(cause)}`
    const remedy = 'check the disk, then start the API server again; reading goes on meanwhile'
    this.#broken = new SkiffError('UNAVAILABLE', `${why}; nothing is written until the next start`, { cause, remedy })
    return new SkiffError('TIMEOUT', `${why}: whether this write is kept shows at the next start`, { cause, remedy })
  }

  #prepareNext(): void {
    if (this.#next !== undefined) return
    this.#next = SegmentWriter.create(this.#current.number + 1, this.#options)
    // Without room for it now there may be when it is needed.
    this.#next.catch(() => (this.#next = undefined))
  }

  /** The next group begins a new segment. Nothing happens while the current one is empty. */
  async roll(): Promise<void> {
    const last = this.#current
    if (last.isEmpty) return
    this.#prepareNext()
    try {
      const next = await this.#next
      if (next === undefined) return
      this.#current = next
    } catch (cause) {
      throw this.#refusal(cause)
    }
    this.#next = undefined
    this.sealed.push({ number: last.number, file: last.file, revision: this.#revision, timeMs: this.#timeMs })
    await last.close()
  }

  /** The revision of the last group, when it is in the segment that is written to now. */
  get endsAt(): number | undefined {
    return this.#current.isEmpty ? undefined : this.#revision
  }

  /** Removes the oldest segment, of which everything is in LMDB. */
  async dropOldest(): Promise<void> {
    const oldest = this.sealed.shift()
    if (oldest === undefined) return
    unlinkSync(oldest.file)
    await syncDirectoryOf(oldest.file, this.#options.io)
  }

  async close(): Promise<void> {
    const next = await this.#next?.catch(() => undefined)
    await next?.close()
    await this.#current.close()
  }
}

const segmentOptions = ({ directory, reserveBytes, io }: CommitLogOptions): SegmentWriterOptions => ({
  directory,
  reserveBytes,
  io,
})
