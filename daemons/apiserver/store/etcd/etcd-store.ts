import { randomInt } from 'node:crypto'
import type { Clock } from '../../../../kube/clock.ts'
import { SkiffError } from '../../../../kube/errors.ts'
import { defaultHistoryBounds, type HistoryBounds } from '../history-bounds.ts'
import { MemoryIndex } from '../memory-index.ts'
import { plainValues } from '../plain-values.ts'
import type { RangeOptions, RangeResult, Store, StoreEvent, StoreOperation, TransactionResult } from '../store.ts'
import { StoredEntry } from '../stored-entry.ts'
import type { ValueCodec } from '../value-codec.ts'
import { EtcdClient, type EtcdClientOptions, isCompacted } from './etcd-client.ts'
import { compactForever } from './etcd-compactor.ts'
import { announce } from './etcd-presence.ts'
import { finishRestore } from './finish-restore.ts'
import { follow } from './etcd-follower.ts'
import type { KeyValue, WatchResponse } from './etcd-messages.ts'
import { EtcdSpace, readAll } from './etcd-space.ts'
import { entryOfValue, type TransactionContext, writeTransaction } from './etcd-transaction.ts'

export interface EtcdStoreOptions extends EtcdClientOptions {
  /** Upstream's default: `/registry`. */
  prefix: string
  clock: Clock
  signal: AbortSignal
  history?: Partial<HistoryBounds>
  codec?: ValueCodec
  /** How long Events are kept. */
  eventTtlMs: number
  /** How often etcd is compacted; 0: never. */
  compactionIntervalMs: number
  onError?(error: unknown): void
}

const eventsPrefix = '/registry/core/events/'
/** As upstream's: Events of one minute, and a thousand at most, go together. */
const leaseReuse = { ms: 60_000, objects: 1000 }
/** How long a read waits for events before it makes one itself. */
const patienceMs = 20

interface Waiter {
  revision: number
  resolve(): void
}

/**
 * State in an etcd cluster, shared by any number of API servers. What happens there is followed by one watch and kept
 * in memory, in etcd's order; revisions are etcd's. A write is acknowledged when this server has seen it come back, so
 * that whoever wrote reads what was written.
 */
export class EtcdStore implements Store {
  readonly shared = true
  readonly expiresEvents = true
  readonly #client: EtcdClient
  readonly #space: EtcdSpace
  readonly #options: EtcdStoreOptions
  readonly #bounds: HistoryBounds
  readonly #index = new MemoryIndex()
  readonly #stop = new AbortController()
  readonly #context: TransactionContext
  #waiters: Waiter[] = []
  #trouble: string | undefined
  #lease = { id: 0, untilMs: 0, left: 0 }
  #syncing: Promise<void> = Promise.resolve()
  #nextSync: Promise<void> | undefined
  #following: Promise<void> = Promise.resolve()
  #announced: Promise<void> = Promise.resolve()
  /** Says that this server has the store open, until the signal aborts. */
  #announcing: (signal: AbortSignal) => Promise<void> = () => Promise.resolve()

  private constructor(client: EtcdClient, options: EtcdStoreOptions) {
    this.#client = client
    this.#options = options
    this.#space = new EtcdSpace(options.prefix)
    this.#bounds = { ...defaultHistoryBounds, ...options.history }
    const codec = options.codec ?? plainValues
    this.#context = { client, space: this.#space, codec, leaseOf: key => this.#leaseOf(key) }
  }

  /** Throws SkiffError UNAVAILABLE when no member answers, CORRUPT for values that are not JSON. */
  static async open(options: EtcdStoreOptions): Promise<EtcdStore> {
    const client = await EtcdClient.open(options)
    try {
      const store = new EtcdStore(client, options)
      await finishRestore(client, store.#space)
      store.#announcing = await announce(client, store.#space)
      await store.#readFirst()
      store.#start()
      return store
    } catch (error) {
      client.close()
      throw error
    }
  }

  async #readFirst(): Promise<void> {
    const entries = await this.#readState()
    for (const entry of entries.values()) this.#index.load(entry)
  }

  /** The state at one revision, which becomes the index's. A compaction on the way makes it start over. */
  async #readState(): Promise<Map<string, StoredEntry>> {
    for (;;)
      try {
        const entries = new Map<string, StoredEntry>()
        const revision = await readAll(this.#client, this.#space, kv => {
          const key = this.#space.storeKey(kv.key)
          if (key !== undefined) entries.set(key, entryOfValue(key, kv, this.#context.codec))
        })
        this.#index.revision = revision
        this.#index.compactedRevision = revision
        return entries
      } catch (error) {
        if (!isCompacted(error)) throw error
      }
  }

  #start(): void {
    const { clock, compactionIntervalMs } = this.#options
    const signal = AbortSignal.any([this.#options.signal, this.#stop.signal])
    const onError = (error: unknown) => this.#options.onError?.(error)
    this.#following = follow({
      client: this.#client,
      space: this.#space,
      signal: this.#stop.signal,
      reached: () => this.#index.revision,
      take: answer => this.#take(answer),
      readAgain: () => this.#readAgain(),
      trouble: text => (this.#trouble = text),
    })
    this.#announced = this.#announcing(this.#stop.signal)
    if (compactionIntervalMs > 0)
      compactForever(this.#client, { clock, signal, intervalMs: compactionIntervalMs, onError }).catch(() => {})
    void this.#trimForever(signal).catch(() => {})
  }

  #take({ events, header }: WatchResponse): void {
    const timeMs = this.#options.clock.now()
    const known: StoreEvent[] = []
    let revision = 0
    for (const { type, kv } of events) {
      revision = kv.modRevision
      const event = this.#eventOf(type, kv, { timeMs, before: known })
      if (event !== undefined) known.push(event)
    }
    this.#index.apply(known)
    // Without events it says how far the watch has come.
    this.#reach(events.length === 0 ? header.revision : revision)
    if (this.#index.crowded(this.#bounds, known)) this.#trim()
  }

  #eventOf(
    type: 0 | 1,
    kv: KeyValue,
    { timeMs, before }: { timeMs: number; before: readonly StoreEvent[] },
  ): StoreEvent | undefined {
    const key = this.#space.storeKey(kv.key)
    if (key === undefined) return undefined
    const last = before.findLast(({ entry }) => entry.key === key)
    const previous = last === undefined ? this.#index.get(key) : last.type === 'put' ? last.entry : undefined
    if (type === 1) return previous && { type: 'delete', entry: previous.at(kv.modRevision), previous, timeMs }
    try {
      return { type: 'put', entry: entryOfValue(key, kv, this.#context.codec), previous, timeMs }
    } catch (error) {
      // One value of another writer must not stop the rest.
      this.#options.onError?.(error)
      return undefined
    }
  }

  #reach(revision: number): void {
    this.#index.revision = Math.max(this.#index.revision, revision)
    if (this.#waiters.length === 0) return
    const reached = this.#waiters.filter(waiter => waiter.revision <= this.#index.revision)
    this.#waiters = this.#waiters.filter(waiter => waiter.revision > this.#index.revision)
    for (const { resolve } of reached) resolve()
  }

  /** Whether memory has come to `revision` within the time. */
  #reached(revision: number, withinMs: number): Promise<boolean> {
    if (this.#index.revision >= revision) return Promise.resolve(true)
    return new Promise(resolve => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter(other => other !== waiter)
        resolve(false)
      }, withinMs)
      const waiter: Waiter = {
        revision,
        resolve: () => {
          clearTimeout(timer)
          resolve(true)
        },
      }
      this.#waiters.push(waiter)
    })
  }

  /**
   * What happened in between is lost: watchers are told how things are now, in the order of the last changes; what is
   * gone went at the revision of the reading.
   */
  async #readAgain(): Promise<void> {
    const timeMs = this.#options.clock.now()
    const before = this.#index.all()
    const entries = await this.#readState()
    const changed: StoreEvent[] = [...entries.values()]
      .filter(entry => before.get(entry.key)?.revision !== entry.revision)
      .sort((a, b) => a.revision - b.revision)
      .map(entry => ({ type: 'put', entry, previous: before.get(entry.key), timeMs }))
    const gone = [...before.values()]
      .filter(({ key }) => !entries.has(key))
      .map((previous): StoreEvent => ({ type: 'delete', entry: previous.at(this.#index.revision), previous, timeMs }))
    this.#index.apply([...changed, ...gone])
    this.#reach(this.#index.revision)
  }

  get revision(): number {
    return this.#index.revision
  }
  problem(): string | undefined {
    return this.#trouble
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

  /** All that come while one question is under way share the next. */
  refresh(): Promise<void> {
    this.#nextSync ??= this.#syncing
      .catch(() => {})
      .then(() => {
        this.#nextSync = undefined
        this.#syncing = this.#sync()
        return this.#syncing
      })
    return this.#nextSync
  }

  /**
   * etcd's present revision, and memory come up to it. The watch tells of nothing outside the prefix, and etcd 3.4's
   * answer to a request for progress may overtake events: where nothing comes, a write of our own makes something come.
   */
  async #sync(): Promise<void> {
    const { timeoutMs = 5000 } = this.#options
    const key = this.#space.own('progress')
    const { header } = await this.#client.call('KV.Range', { key, keysOnly: true, limit: 1 })
    if (await this.#reached(header.revision, patienceMs)) return
    await this.#client.call('KV.Put', { key, value: Buffer.from(String(header.revision)) }, () => {})
    if (await this.#reached(header.revision, timeoutMs)) return
    throw new SkiffError(
      'TIMEOUT',
      `etcd: memory is behind revision ${header.revision}: ${this.#trouble ?? 'no events come'}`,
    )
  }

  async #leaseOf(key: string): Promise<number> {
    if (!key.startsWith(eventsPrefix)) return 0
    const now = this.#options.clock.now()
    if (now >= this.#lease.untilMs || this.#lease.left === 0) {
      const TTL = Math.ceil((this.#options.eventTtlMs + leaseReuse.ms) / 1000)
      const { ID } = await this.#client.call('Lease.LeaseGrant', { TTL, ID: randomInt(1, 2 ** 47) }, () => {})
      this.#lease = { id: ID, untilMs: now + leaseReuse.ms, left: leaseReuse.objects }
    }
    this.#lease.left--
    return this.#lease.id
  }

  async transact(operations: readonly StoreOperation[]): Promise<TransactionResult> {
    if (this.#stop.signal.aborted) throw new SkiffError('UNAVAILABLE', 'the store is closed')
    const { timeoutMs = 5000 } = this.#options
    const before = operations.map(({ key }) => this.#index.get(key))
    const written = await writeTransaction(operations, this.#context)
    // Whoever tries again after a conflict must not find the same old state in memory.
    await this.#reached(written.revision, timeoutMs)
    if (written.kind === 'conflict') {
      const { index, found } = written
      return { kind: 'conflict', index, current: found[index] }
    }
    const { revision, removed } = written
    const entries = operations.map((operation, index): StoredEntry => {
      const { key } = operation
      if (operation.kind === 'delete')
        return removed.get(key) ?? before[index]?.at(revision) ?? new StoredEntry(key, revision, { object: {} })
      operation.object.metadata = { ...operation.object.metadata, resourceVersion: String(revision) }
      const seen = this.#index.get(key)
      return seen?.revision === revision ? seen : new StoredEntry(key, revision, { object: operation.object })
    })
    return { kind: 'committed', revision, entries }
  }

  async compact(revision: number): Promise<void> {
    const target = Math.min(revision, this.#index.revision)
    if (target <= this.#index.compactedRevision) return
    await this.#client.call('KV.Compact', { revision: target }).catch((error: unknown) => {
      if (!isCompacted(error)) throw error
    })
    this.#index.compact(target)
  }

  #trim(): void {
    this.#index.trim(this.#bounds, this.#options.clock.now())
  }

  async #trimForever(signal: AbortSignal): Promise<void> {
    for (;;) {
      await this.#options.clock.sleep(60_000, signal)
      this.#trim()
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the store is closed'))
    await this.#following
    await this.#announced
    this.#client.close()
  }
}
