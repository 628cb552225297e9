import { evaluate } from '../../../../daemons/apiserver/store/evaluate.ts'
import { MemoryIndex } from '../../../../daemons/apiserver/store/memory-index.ts'
import type {
  RangeOptions,
  RangeResult,
  Store,
  StoreEvent,
  StoreOperation,
  TransactionResult,
} from '../../../../daemons/apiserver/store/store.ts'

/** What several servers share: an etcd in memory. */
export class SharedState {
  readonly index = new MemoryIndex()
  readonly log: StoreEvent[] = []

  view(): SharedView {
    return new SharedView(this)
  }
}

/**
 * What one server sees of it: it learns what others wrote when it refreshes, and with its own transactions, as a server
 * on etcd does.
 */
export class SharedView implements Store {
  readonly shared = true
  readonly expiresEvents = true
  readonly #state: SharedState
  readonly #index = new MemoryIndex()
  #seen = 0

  constructor(state: SharedState) {
    this.#state = state
    this.catchUp()
  }

  catchUp(): void {
    const events = this.#state.log.slice(this.#seen)
    this.#seen = this.#state.log.length
    this.#index.apply(events)
  }

  get revision(): number {
    return this.#index.revision
  }
  async refresh(): Promise<void> {
    await new Promise<void>(done => setImmediate(done))
    this.catchUp()
  }
  problem(): undefined {
    return undefined
  }
  get(key: string) {
    return this.#index.get(key)
  }
  range(options: RangeOptions): RangeResult {
    return this.#index.range(options)
  }
  watch(prefix: string, fromRevision: number, listener: (event: StoreEvent) => void): () => void {
    return this.#index.watch(prefix, fromRevision, listener)
  }
  /** Others' turns come before the write, and between it and its answer. */
  async transact(operations: readonly StoreOperation[]): Promise<TransactionResult> {
    await new Promise<void>(done => setImmediate(done))
    const { index, log } = this.#state
    const result = evaluate(operations, {
      read: key => index.get(key),
      revision: index.revision + 1,
      timeMs: 0,
    })
    if (result.kind === 'committed') {
      index.apply(result.events)
      log.push(...result.events)
    }
    await new Promise<void>(done => setImmediate(done))
    this.catchUp()
    if (result.kind === 'conflict') return result
    const entries = result.events.map(({ entry }) => entry)
    return { kind: 'committed', revision: entries[0]?.revision ?? 0, entries }
  }
  async compact(): Promise<void> {}
  async close(): Promise<void> {}
}
