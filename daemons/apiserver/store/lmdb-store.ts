import { mkdirSync } from 'node:fs'
import type { Server } from 'node:net'
import type { Clock } from '../../../kube/clock.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { checkSpace, writeFailure } from './disk-space.ts'
import { evaluate } from './evaluate.ts'
import { defaultHistoryBounds, type HistoryBounds } from './history-bounds.ts'
import {
  checkFormat,
  format,
  type LmdbFile,
  openLmdbFile,
  putNumber,
  readNumber,
  storeFile,
  upgradeFormat1,
} from './lmdb-file.ts'
import { decodeEvent, decodeStored, encodeEvent, encodeStored } from './lmdb-records.ts'
import { collectionOf, type ForgetPlan, MemoryIndex } from './memory-index.ts'
import type { RangeOptions, RangeResult, Store, StoreEvent, StoreOperation, TransactionResult } from './store.ts'
import type { StoredEntry } from './stored-entry.ts'
import { takeStoreLock } from './store-lock.ts'
import { plainValues } from './plain-values.ts'
import type { ValueCodec } from './value-codec.ts'

export interface LmdbStoreOptions {
  /** Made when it is not there; the file in it is `store.mdb`. */
  directory: string
  clock: Clock
  /** Compaction runs while this is not aborted. */
  signal: AbortSignal
  history?: Partial<HistoryBounds>
  /** Writes are refused when the file system has less than this left; default 16 MiB. */
  reserveBytes?: number
  /** Encryption at rest; default none. */
  codec?: ValueCodec
  onError?(error: unknown): void
}

interface Waiting {
  operations: readonly StoreOperation[]
  resolve(result: TransactionResult): void
  reject(error: unknown): void
}

/** How many transactions share one commit at most. */
const batchSize = 1024
/** How many events one commit forgets at most: writers wait for it. */
const foldSize = 1000
const compactEveryMs = 60_000

/**
 * The embedded engine: one LMDB file (lmdb-file.ts). A write is one record in `changes`; compaction folds the oldest
 * ones into `objects`. At start both are read into memory. Transactions that arrive while a commit is under way share
 * the next one.
 */
export class LmdbStore implements Store {
  readonly shared = false
  readonly expiresEvents = false
  readonly #file: LmdbFile
  readonly #lock: Server
  readonly #options: LmdbStoreOptions
  readonly #bounds: HistoryBounds
  readonly #codec: ValueCodec
  readonly #index = new MemoryIndex()
  readonly #waiting: Waiting[] = []
  /** The end of the last commit or compaction: they never overlap. */
  #turn: Promise<void> = Promise.resolve()
  #scheduled = false
  #trimming = false
  #closed = false

  private constructor(file: LmdbFile, lock: Server, options: LmdbStoreOptions) {
    this.#file = file
    this.#lock = lock
    this.#options = options
    this.#bounds = { ...defaultHistoryBounds, ...options.history }
    this.#codec = options.codec ?? plainValues
  }

  /**
   * Throws SkiffError ALREADY_RUNNING when another process has it open, CORRUPT when it cannot be read, INVALID_INPUT
   * when a value is encrypted with a key that is not there.
   */
  static async open(options: LmdbStoreOptions): Promise<LmdbStore> {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
    const lock = await takeStoreLock(options.directory)
    try {
      const file = await openLmdbFile(options.directory)
      try {
        if (checkFormat(file, options.directory) === 1) await upgradeFormat1(file)
        const store = new LmdbStore(file, lock, options)
        store.#load()
        void store.#trimForever().catch(() => {})
        return store
      } catch (error) {
        await file.root.close()
        throw error
      }
    } catch (cause) {
      lock.close()
      if (cause instanceof SkiffError) throw cause
      throw new SkiffError('CORRUPT', `${storeFile(options.directory)}: ${messageOf(cause)}`, {
        cause,
        remedy: 'restore the data directory from a backup, or move it away to start with an empty cluster',
      })
    }
  }

  #load(): void {
    const { root, objects, changes, forgotten } = this.#file
    const codec = this.#codec
    const revision = readNumber(root, 'revision')
    let last = 0
    for (const { key, value } of objects.getRange({})) {
      const entry = decodeStored(key, value, codec)
      last = Math.max(last, entry.revision)
      this.#index.load(entry)
    }
    this.#index.compactedRevision = readNumber(root, 'compacted')
    for (const { key, value } of forgotten.getRange({})) this.#index.forget(key, value.readDoubleBE(0))
    const before = (key: string) => this.#index.get(key)
    for (const { key, value } of changes.getRange({})) {
      last = Math.max(last, key[1])
      this.#index.apply([decodeEvent(key[1], value, { codec, before })])
    }
    if (last > revision)
      throw new SkiffError(
        'CORRUPT',
        `${storeFile(this.#options.directory)}: revision ${last} is later than the last, ${revision}`,
      )
    this.#index.revision = revision
  }

  get revision(): number {
    return this.#index.revision
  }
  refresh(): Promise<void> {
    return Promise.resolve()
  }
  problem(): string | undefined {
    return this.#closed ? 'the store is closed' : undefined
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
        await this.#commit(this.#waiting.splice(0, batchSize))
        if (this.#waiting.length > 0) this.#schedule()
      })
  }

  async #commit(batch: readonly Waiting[]): Promise<void> {
    const timeMs = this.#options.clock.now()
    const staged = new Map<string, StoredEntry | undefined>()
    const read = (key: string) => (staged.has(key) ? staged.get(key) : this.#index.get(key))
    const events: StoreEvent[] = []
    const outcomes: (() => void)[] = []
    let revision = this.#index.revision
    for (const { operations, resolve, reject } of batch) {
      try {
        const result = evaluate(operations, { read, revision: revision + 1, timeMs })
        if (result.kind === 'committed') {
          revision++
          for (const event of result.events) {
            staged.set(event.entry.key, event.type === 'put' ? event.entry : undefined)
            events.push(event)
          }
          const entries = result.events.map(event => event.entry)
          outcomes.push(() => resolve({ kind: 'committed', revision: entries[0]?.revision ?? 0, entries }))
        } else outcomes.push(() => resolve(result))
      } catch (error) {
        reject(error)
      }
    }
    try {
      if (events.length > 0) await this.#write(() => this.#record(events, revision))
    } catch (error) {
      for (const { reject } of batch) reject(error)
      return
    }
    this.#index.apply(events)
    for (const settle of outcomes) settle()
    if (!this.#trimming && this.#index.crowded(this.#bounds, events)) void this.#trim()
  }

  #record(events: readonly StoreEvent[], revision: number): void {
    let last = 0
    let nth = 0
    for (const event of events) {
      const { entry } = event
      nth = entry.revision === last ? nth + 1 : 0
      last = entry.revision
      const key: [string, number, number] = [collectionOf(entry.key), last, nth]
      void this.#file.changes.put(key, encodeEvent(event, this.#codec)).catch(() => {})
    }
    putNumber(this.#file.root, 'revision', revision)
    putNumber(this.#file.root, 'format', format)
  }

  /** The single puts share the fate of the batch, whose promise is the one that is looked at. */
  async #write(puts: () => void): Promise<void> {
    const { directory, reserveBytes = 16 * 1024 * 1024 } = this.#options
    checkSpace(directory, reserveBytes)
    try {
      await this.#file.root.batch(puts)
    } catch (cause) {
      throw writeFailure(directory, cause)
    }
  }

  async compact(revision: number): Promise<void> {
    const target = Math.min(revision, this.#index.revision)
    await this.#forget(this.#index.planCompaction(target))
    await this.#afterOthers(async () => {
      if (target <= this.#index.compactedRevision) return
      await this.#write(() => putNumber(this.#file.root, 'compacted', target))
      this.#index.compactedRevision = target
    })
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

  /** Piece by piece, so that writers get their turns in between. */
  async #forget(plan: ForgetPlan): Promise<void> {
    for (const [collection, target] of plan) while (await this.#afterOthers(() => this.#fold(collection, target)));
  }

  /** Folds the next events of a collection into its objects; resolves with whether some are left. */
  async #fold(collection: string, target: number): Promise<boolean> {
    const all = this.#index.eventsUpTo(collection, target)
    if (all.length === 0) return false
    const { objects, changes, forgotten } = this.#file
    const reached = all[Math.min(foldSize, all.length) - 1]?.entry.revision ?? target
    // A revision is folded as a whole.
    const events = all.filter(({ entry }) => entry.revision <= reached)
    const newest = new Map(events.map(event => [event.entry.key, event]))
    await this.#write(() => {
      for (const { type, entry } of newest.values())
        void (
          type === 'put' ? objects.put(entry.key, encodeStored(entry, this.#codec)) : objects.remove(entry.key)
        ).catch(() => {})
      for (const key of changes.getKeys({ start: [collection, 0, 0], end: [collection, reached + 1, 0] }))
        void changes.remove(key).catch(() => {})
      putNumber(forgotten, collection, reached)
    })
    this.#index.forget(collection, reached)
    return events.length < all.length
  }

  /** A disk that is full must not stop the server: it is tried again at the next turn of the clock. */
  async #trim(): Promise<void> {
    this.#trimming = true
    try {
      await this.#forget(this.#index.planForgetting(this.#bounds, this.#options.clock.now()))
    } catch (error) {
      this.#options.onError?.(error)
    } finally {
      this.#trimming = false
    }
  }

  async #trimForever(): Promise<void> {
    const { clock, signal } = this.#options
    for (;;) {
      await clock.sleep(compactEveryMs, signal)
      if (!this.#closed) await this.#trim()
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    while (this.#waiting.length > 0 || this.#scheduled || this.#trimming) {
      await this.#turn
      await new Promise<void>(done => setImmediate(done))
    }
    await this.#turn
    await this.#file.root.close()
    await new Promise<void>(done => this.#lock.close(() => done()))
  }
}
