import { mkdirSync, statfsSync } from 'node:fs'
import type { Server } from 'node:net'
import { join } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import type { Clock } from '../../../kube/clock.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { decodeEvent, decodeObject, encodeEvent, encodeStored } from './lmdb-records.ts'
import { MemoryIndex } from './memory-index.ts'
import type { RangeOptions, RangeResult, Store, StoreEvent, StoreOperation, TransactionResult } from './store.ts'
import { StoredEntry } from './stored-entry.ts'
import { takeStoreLock } from './store-lock.ts'

export interface LmdbStoreOptions {
  /** Made when it is not there; the file in it is `store.mdb`. */
  directory: string
  clock: Clock
  /** Compaction runs while this is not aborted. */
  signal: AbortSignal
  /** How long what happened can be watched again; default 5 minutes. */
  historyMs?: number
  /** At most this many events are kept whatever their age; default 10,000. */
  historyEvents?: number
  /** Writes are refused when the file system has less than this left; default 16 MiB. */
  reserveBytes?: number
  onError?(error: unknown): void
}

interface Waiting {
  operations: readonly StoreOperation[]
  resolve(result: TransactionResult): void
  reject(error: unknown): void
}

/** How many transactions share one commit at most. */
const batchSize = 1024
const compactEveryMs = 60_000

/**
 * The embedded engine: one LMDB file.
 *
 *   objects   key -> the object as it was at the last compaction
 *   history   [revision, n] -> one event since then
 *   meta      revision, compacted, format
 *
 * A write is thus one record in `history`; compaction folds the oldest ones into `objects`. At start both are read
 * into memory. Transactions that arrive while a commit is under way share the next one.
 */
export class LmdbStore implements Store {
  readonly #root: RootDatabase<Buffer, string>
  readonly #objects: Database<Buffer, string>
  readonly #history: Database<Buffer, [number, number]>
  readonly #lock: Server
  readonly #options: LmdbStoreOptions
  readonly #index = new MemoryIndex()
  readonly #waiting: Waiting[] = []
  /** The end of the last commit or compaction: they never overlap. */
  #turn: Promise<void> = Promise.resolve()
  #scheduled = false
  #closed = false

  private constructor(root: RootDatabase<Buffer, string>, lock: Server, options: LmdbStoreOptions) {
    this.#root = root
    this.#lock = lock
    this.#options = options
    this.#objects = root.openDB({ name: 'objects', encoding: 'binary' })
    this.#history = root.openDB({ name: 'history', encoding: 'binary' })
  }

  /** Throws SkiffError ALREADY_RUNNING when another process has it open, CORRUPT when it cannot be read. */
  static async open(options: LmdbStoreOptions): Promise<LmdbStore> {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
    const lock = await takeStoreLock(options.directory)
    try {
      const { open } = await import('lmdb')
      const root = open<Buffer, string>({
        path: join(options.directory, 'store.mdb'),
        noSubdir: true,
        encoding: 'binary',
        maxDbs: 4,
        // With overlapping sync the promise of a write resolves before it is on the disk.
        overlappingSync: false,
      })
      const store = new LmdbStore(root, lock, options)
      store.#load()
      void store.#compactForever().catch(() => {})
      return store
    } catch (cause) {
      lock.close()
      if (cause instanceof SkiffError) throw cause
      throw new SkiffError('CORRUPT', `${options.directory}/store.mdb: ${messageOf(cause)}`, {
        cause,
        remedy: 'restore the data directory from a backup, or move it away to start with an empty cluster',
      })
    }
  }

  #load(): void {
    const format = this.#meta('format')
    if (format > 1)
      throw new SkiffError('CORRUPT', `${this.#options.directory}/store.mdb: format ${format} is newer than this Skiff`)
    for (const { key, value } of this.#objects.getRange({})) this.#index.load(decodeObject(key, value))
    this.#index.compactedRevision = this.#meta('compacted')
    this.#index.revision = this.#index.compactedRevision
    for (const { key, value } of this.#history.getRange({}))
      this.#index.apply([decodeEvent(key[0], value, name => this.#index.get(name))])
    if (this.#meta('revision') !== this.#index.revision)
      throw new SkiffError('CORRUPT', `${this.#options.directory}/store.mdb: the history ends before its revision`)
  }

  #meta(name: string): number {
    const value = this.#root.get(name)
    return value === undefined ? 0 : value.readDoubleBE(0)
  }

  #putMeta(name: string, value: number): void {
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    void this.#root.put(name, bytes).catch(() => {})
  }

  get revision(): number {
    return this.#index.revision
  }
  refresh(): Promise<void> {
    return Promise.resolve()
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
  }

  #record(events: readonly StoreEvent[], revision: number): void {
    let last = 0
    let nth = 0
    for (const event of events) {
      nth = event.entry.revision === last ? nth + 1 : 0
      last = event.entry.revision
      void this.#history.put([last, nth], encodeEvent(event)).catch(() => {})
    }
    this.#putMeta('revision', revision)
    this.#putMeta('format', 1)
  }

  /** The single puts share the fate of the batch, whose promise is the one that is looked at. */
  async #write(puts: () => void): Promise<void> {
    const { directory, reserveBytes = 16 * 1024 * 1024 } = this.#options
    checkSpace(directory, reserveBytes)
    try {
      await this.#root.batch(puts)
    } catch (cause) {
      throw writeFailure(directory, cause)
    }
  }

  compact(revision: number): Promise<void> {
    const target = Math.min(revision, this.#index.revision)
    const work = this.#turn.then(async () => {
      if (target <= this.#index.compactedRevision) return
      const events = this.#index.eventsUpTo(target)
      const newest = new Map(events.map(event => [event.entry.key, event]))
      await this.#write(() => {
        for (const { type, entry } of newest.values())
          void (
            type === 'put' ? this.#objects.put(entry.key, encodeStored(entry)) : this.#objects.remove(entry.key)
          ).catch(() => {})
        for (const key of this.#history.getKeys({ end: [target + 1, 0] }))
          void this.#history.remove(key).catch(() => {})
        this.#putMeta('compacted', target)
      })
      this.#index.compact(target)
    })
    this.#turn = work.catch(() => {})
    return work
  }

  async #compactForever(): Promise<void> {
    const { clock, signal, historyMs = 300_000, historyEvents = 10_000 } = this.#options
    for (;;) {
      await clock.sleep(compactEveryMs, signal)
      const target = this.#index.revisionToCompact(clock.now() - historyMs, historyEvents)
      // A disk that is full must not stop the server: it is tried again at the next turn.
      await this.compact(target).catch((error: unknown) => this.#options.onError?.(error))
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    while (this.#waiting.length > 0 || this.#scheduled) await this.#turn
    await this.#turn
    await this.#root.close()
    await new Promise<void>(done => this.#lock.close(() => done()))
  }
}

type Evaluated =
  | { kind: 'committed'; events: StoreEvent[] }
  | { kind: 'conflict'; index: number; current: StoredEntry | undefined }

/** What a transaction does to the state it finds; changes the objects of its puts only when all of it goes through. */
const evaluate = (
  operations: readonly StoreOperation[],
  { read, revision, timeMs }: { read(key: string): StoredEntry | undefined; revision: number; timeMs: number },
): Evaluated => {
  for (const [index, { key, expected, kind }] of operations.entries()) {
    const current = read(key)
    if (expected !== undefined && expected !== (current?.revision ?? 0)) return { kind: 'conflict', index, current }
    if (kind === 'delete' && current === undefined) return { kind: 'conflict', index, current }
  }
  const events = operations.map((operation): StoreEvent => {
    const previous = read(operation.key)
    if (operation.kind === 'delete') {
      if (previous === undefined) throw new SkiffError('INTERNAL', `store: ${operation.key} is deleted twice`)
      return { type: 'delete', entry: previous.at(revision), previous, timeMs }
    }
    const { object } = operation
    object.metadata = { ...object.metadata, resourceVersion: String(revision) }
    return { type: 'put', entry: new StoredEntry(operation.key, revision, { object }), previous, timeMs }
  })
  return { kind: 'committed', events }
}

const writeFailure = (directory: string, cause: unknown): SkiffError => {
  // lmdb-js hands the reason over as a second rejected promise: without this it would count as unhandled.
  const reason = (cause as { commitError?: unknown } | undefined)?.commitError
  if (reason instanceof Promise) void reason.catch(() => {})
  return new SkiffError('INTERNAL', `${directory}/store.mdb: ${messageOf(cause)}`, { cause })
}

/**
 * Refuses a write before the disk is full: a commit of LMDB that runs out of space on the way can take the process
 * down with it.
 */
const checkSpace = (directory: string, reserveBytes: number): void => {
  const { bavail, bsize } = statfsSync(directory)
  if (bavail * bsize < reserveBytes)
    throw new SkiffError(
      'HOST_UNFIT',
      `the disk of ${directory} is full (${bavail * bsize} bytes left): nothing can be written`,
      { remedy: `free space on the file system of ${directory}; reading goes on meanwhile` },
    )
}
