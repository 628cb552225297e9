import { checkSpace, writeFailure } from './disk-space.ts'
import { withLmdbFile } from './lmdb-file.ts'
import type { CommitLog } from './log/commit-log.ts'
import { foldSegment } from './log/fold-segment.ts'
import type { LogIo } from './log/log-io.ts'
import type { SealedSegment } from './log/replay-log.ts'

export interface SegmentFolderOptions {
  directory: string
  io: LogIo
  reserveBytes: number
  log: CommitLog
}

/** Carries full segments of the log over into LMDB, oldest first, one fold after another, beside the commits. */
export class SegmentFolder {
  #turn: Promise<void> = Promise.resolve()
  #stopped = false
  readonly #options: SegmentFolderOptions
  constructor(options: SegmentFolderOptions) {
    this.#options = options
  }

  /** Folds from the oldest segment on while `due` says so. Rejects with SkiffError HOST_UNFIT on a full disk. */
  fold(due: (oldest: SealedSegment) => boolean): Promise<void> {
    const done = this.#turn.then(() => this.#foldWhile(due))
    this.#turn = done.catch(() => {})
    return done
  }

  async #foldWhile(due: (oldest: SealedSegment) => boolean): Promise<void> {
    const { directory, io, log, reserveBytes } = this.#options
    const next = (): SealedSegment | undefined => {
      const [oldest] = log.sealed
      return oldest !== undefined && !this.#stopped && due(oldest) ? oldest : undefined
    }
    if (next() === undefined) return
    await withLmdbFile(directory, async file => {
      const write = async (puts: () => void): Promise<void> => {
        // The log stops growing before that: what folding needs to make room again is left for it.
        checkSpace(directory, io.spaceLeft(directory), reserveBytes / 2)
        try {
          await file.root.batch(puts)
        } catch (cause) {
          throw writeFailure(directory, cause)
        }
      }
      for (let oldest = next(); oldest !== undefined; oldest = next())
        if (await foldSegment(file, oldest, { write, stopped: () => this.#stopped })) await log.dropOldest()
    })
  }

  /** Leaves off where it is: the next start finds the segment that was not done. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#turn
  }
}
