import { mkdirSync } from 'node:fs'
import type { Server } from 'node:net'
import type { Clock } from '../../../kube/clock.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { defaultReserveBytes } from './disk-space.ts'
import { evaluate } from './evaluate.ts'
import { defaultHistoryBounds, type HistoryBounds } from './history-bounds.ts'
import { loadStore, type LoadedStore } from './load-store.ts'
import { storeFile } from './lmdb-file.ts'
import { CommitLog, defaultLogBounds, type LogBounds } from './log/commit-log.ts'
import { GroupWriter } from './log/log-group.ts'
import { hostLogIo, type LogIo } from './log/log-io.ts'
import type { MemoryIndex } from './memory-index.ts'
import { plainValues } from './plain-values.ts'
import { SegmentFolder } from './segment-folder.ts'
import type { RangeOptions, RangeResult, Store, StoreEvent, StoreOperation, TransactionResult } from './store.ts'
import type { StoredEntry } from './stored-entry.ts'
import { takeStoreLock } from './store-lock.ts'
import type { ValueCodec } from './value-codec.ts'

export interface LmdbStoreOptions {
  /** Made when it is not there; in it are `store.mdb` and `log/`. */
  directory: string
  clock: Clock
  /** Compaction runs while this is not aborted. */
  signal: AbortSignal
  history?: Partial<HistoryBounds>
  log?: Partial<LogBounds>
  /** The log does not grow when the file system would have less than this left; default 16 MiB. */
  reserveBytes?: number
  /** Encryption at rest; default none. */
  codec?: ValueCodec
  /** How the log reaches the disk. */
  io?: LogIo
  onError?(error: unknown): void
}

interface Waiting {
  operations: readonly StoreOperation[]
  resolve(result: TransactionResult): void
  reject(error: unknown): void
}

/** Transactions evaluated together, and what becomes of each once they are on the disk. */
interface Group {
  events: StoreEvent[]
  revision: number
  settle: (() => void)[]
}

interface Parts extends LoadedStore {
  commitLog: CommitLog
  lock: Server
}

/** How many transactions share one commit at most, and how many bytes of values. */
const groupTransactions = 1024
const groupBytes = 4 * 1024 * 1024
const compactEveryMs = 60_000

/**
 * The embedded engine. A write is durable once it is in the log (log/): one append for all transactions that came while
 * the one before was under way. LMDB (lmdb-file.ts) holds the objects as they were where the log begins; full segments
 * of the log are folded into it by and by. At start both are read into memory.
 */
export class LmdbStore implements Store {
  readonly shared = false
  readonly expiresEvents = false
  readonly #log: CommitLog
  readonly #folder: SegmentFolder
  readonly #lock: Server
  readonly #options: LmdbStoreOptions
  readonly #bounds: HistoryBounds
  readonly #logBounds: LogBounds
  readonly #writer: GroupWriter
  readonly #index: MemoryIndex
  #waiting: Waiting[] = []
  /** The end of the last commit or compaction: they never overlap. */
  #turn: Promise<void> = Promise.resolve()
  /** Ends what runs beside the writes. */
  readonly #stop = new AbortController()
  #scheduled = false
  /** `failed`: until the next turn of the clock. */
  #folding: 'no' | 'yes' | 'failed' = 'no'
  #closed = false

  private constructor({ index, commitLog, lock }: Parts, options: LmdbStoreOptions) {
    const { directory, io = hostLogIo, reserveBytes = defaultReserveBytes } = options
    this.#index = index
    this.#log = commitLog
    this.#folder = new SegmentFolder({ directory, io, reserveBytes, log: commitLog })
    this.#lock = lock
    this.#options = options
    this.#bounds = { ...defaultHistoryBounds, ...options.history }
    this.#logBounds = { ...defaultLogBounds, ...options.log }
    this.#writer = new GroupWriter(options.codec ?? plainValues)
  }

  /**
   * Throws SkiffError ALREADY_RUNNING when another process has it open, CORRUPT when it cannot be read, INVALID_INPUT
   * when a value is encrypted with a key that is not there.
   */
  static async open(options: LmdbStoreOptions): Promise<LmdbStore> {
    const { directory, clock, codec = plainValues, io = hostLogIo, reserveBytes = defaultReserveBytes } = options
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const lock = await takeStoreLock(directory)
    try {
      const bounds = { ...defaultHistoryBounds, ...options.history }
      const loaded = await loadStore(directory, { codec, bounds, nowMs: clock.now() })
      const logBounds = { ...defaultLogBounds, ...options.log }
      const commitLog = await CommitLog.open(loaded.log, { directory, io, reserveBytes, bounds: logBounds })
      const store = new LmdbStore({ ...loaded, commitLog, lock }, options)
      void store.#trimForever().catch(() => {})
      return store
    } catch (cause) {
      lock.close()
      if (cause instanceof SkiffError) throw cause
      throw new SkiffError('CORRUPT', `${storeFile(directory)}: ${messageOf(cause)}`, {
        cause,
        remedy: 'restore the data directory from a backup, or move it away to start with an empty cluster',
      })
    }
  }

  get revision(): number {
    return this.#index.revision
  }
  refresh(): Promise<void> {
    return Promise.resolve()
  }
  problem(): string | undefined {
    return this.#closed ? 'the store is closed' : this.#log.problem
  }
  get(key: string): StoredEntry | undefined {
    return this.#index.get(key)
  }
  range(options: RangeOptions): RangeResult {
    return this.#index.range(options)
  }
  watch(prefix: string, fromRevision: number, listener: (event: StoreEvent) => void): () => void {
    return this.#index.watch(prefix, fromRevision, listener)
  }

  transact(operations: readonly StoreOperation[]): Promise<TransactionResult> {
    if (this.#closed) return Promise.reject(new SkiffError('UNAVAILABLE', 'the store is closed'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ operations, resolve, reject })
      this.#schedule()
    })
  }

  /** One commit after another; the requests of one turn of the event loop come together in the first. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#turn = this.#turn
      .then(() => new Promise<void>(done => setImmediate(done)))
      .then(async () => {
        this.#scheduled = false
        await this.#commit()
        if (this.#waiting.length > 0) this.#schedule()
      })
  }

  /** What the waiting transactions do, one upon the other; those that are too many wait on. */
  #evaluate(timeMs: number): Group & { taken: number } {
    const staged = new Map<string, StoredEntry | undefined>()
    const read = (key: string) => (staged.has(key) ? staged.get(key) : this.#index.get(key))
    const group: Group = { events: [], revision: this.#index.revision, settle: [] }
    let taken = 0
    for (let bytes = 0; taken < Math.min(this.#waiting.length, groupTransactions) && bytes < groupBytes; taken++) {
      const waiting = this.#waiting[taken]
      if (waiting === undefined) break
      const { operations, resolve, reject } = waiting
      try {
        const result = evaluate(operations, { read, revision: group.revision + 1, timeMs })
        if (result.kind === 'committed') {
          if (result.events.length > 0) group.revision++
          for (const event of result.events) {
            const { entry } = event
            staged.set(entry.key, event.type === 'put' ? entry : undefined)
            group.events.push(event)
            if (event.type === 'put') bytes += entry.bytes.length
          }
          const entries = result.events.map(event => event.entry)
          const revision = group.revision
          group.settle.push(() => resolve({ kind: 'committed', revision, entries }))
        } else group.settle.push(() => resolve(result))
      } catch (error) {
        reject(error)
      }
    }
    return { ...group, taken }
  }

  async #commit(): Promise<void> {
    const timeMs = this.#options.clock.now()
    const batch = this.#waiting
    const { events, revision, settle, taken } = this.#evaluate(timeMs)
    this.#waiting = batch.slice(taken)
    try {
      if (events.length > 0) await this.#append(events, { revision, timeMs, compacted: this.#index.compactedRevision })
    } catch (error) {
      for (const { reject } of batch.slice(0, taken)) reject(error)
      return
    }
    this.#index.apply(events)
    for (const done of settle) done()
    if (this.#index.crowded(this.#bounds, events)) this.#index.trim(this.#bounds, timeMs)
    if (this.#folding === 'no' && this.#log.sealed.length >= this.#logBounds.segments) void this.#fold()
  }

  #append(events: readonly StoreEvent[], head: { revision: number; timeMs: number; compacted: number }): Promise<void> {
    return this.#log.append(this.#writer.encode(events, { ...head, before: this.#index.revision }), head)
  }

  async compact(revision: number): Promise<void> {
    const target = Math.min(revision, this.#index.revision)
    await this.#afterOthers(async () => {
      if (target > this.#index.compactedRevision) {
        await this.#append([], { revision: this.#index.revision, timeMs: this.#options.clock.now(), compacted: target })
        this.#index.compact(target)
      }
      const { endsAt } = this.#log
      if (endsAt !== undefined && endsAt <= target) await this.#log.roll()
    })
    await this.#folder.fold(oldest => oldest.revision <= target)
  }

  /** Runs alone: no commit and no other compaction is under way. */
  #afterOthers<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work)
    this.#turn = done.then(
      () => {},
      () => {},
    )
    return done
  }

  /** A disk that is full must not stop the server: it is tried again at the next turn of the clock. */
  async #fold(): Promise<void> {
    if (this.#folding === 'yes') return
    this.#folding = 'yes'
    try {
      await this.#folder.fold(({ timeMs }) => {
        const old = timeMs <= this.#options.clock.now() - this.#bounds.historyMs
        return old || this.#log.sealed.length >= this.#logBounds.segments
      })
      this.#folding = 'no'
    } catch (error) {
      this.#folding = 'failed'
      this.#options.onError?.(error)
    }
  }

  async #trimForever(): Promise<void> {
    const { clock } = this.#options
    const signal = AbortSignal.any([this.#options.signal, this.#stop.signal])
    for (;;) {
      await clock.sleep(compactEveryMs, signal)
      if (this.#closed) continue
      this.#index.trim(this.#bounds, clock.now())
      await this.#fold()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stop.abort(new SkiffError('UNAVAILABLE', 'the store is closed'))
    while (this.#waiting.length > 0 || this.#scheduled) {
      await this.#turn
      await new Promise<void>(done => setImmediate(done))
    }
    await this.#turn
    await this.#folder.stop()
    await this.#log.close()
    await new Promise<void>(done => this.#lock.close(() => done()))
  }
}
