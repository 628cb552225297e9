import type { UnknownObject } from '../../../kube/object.ts'
import type { StoredEntry } from './stored-entry.ts'

/**
 * One write of a transaction. `expected` is the revision the key must be at (0: it must be absent; undefined: any).
 * A put hands its object over to the store, which writes the new resourceVersion into it.
 */
export type StoreOperation =
  | { kind: 'put'; key: string; object: UnknownObject; expected?: number }
  | { kind: 'delete'; key: string; expected?: number }

export type TransactionResult =
  /** One entry an operation, in their order; a deleted one as it last was, at the revision of its deletion. */
  | { kind: 'committed'; revision: number; entries: readonly StoredEntry[] }
  /** The operation at `index` did not find the revision it expected: nothing was written. */
  | { kind: 'conflict'; index: number; current: StoredEntry | undefined }

export interface StoreEvent {
  type: 'put' | 'delete'
  /** What was written; for a delete, the last state stamped with the revision of the deletion. */
  entry: StoredEntry
  /** What stood there before. */
  previous: StoredEntry | undefined
  timeMs: number
}

export interface RangeOptions {
  /** `/registry/<group or core>/<plural>/`, or deeper. */
  prefix: string
  /** Only keys greater than this one. */
  after?: string
  limit?: number
  /** The state as it was at this revision; the newest when it is not given. */
  revision?: number
}

export interface RangeResult {
  /** The revision the entries are read at. */
  revision: number
  entries: StoredEntry[]
  /** How many more keys the prefix has behind the last entry. */
  remaining: number
}

/**
 * The cluster's state, as etcd keeps it: one revision counts every transaction, writes are durable before they are
 * acknowledged, and what happened since the last compaction can be watched again.
 *
 * Reads are synchronous and come from memory (every engine keeps a MemoryIndex); keys are
 * `/registry/<group or core>/<plural>/[<namespace>/]<name>`, values JSON objects.
 */
export interface Store {
  /** Others write to the same data: what is in memory may be behind until `refresh` has resolved. */
  readonly shared: boolean
  /** It removes Events by itself when their time is over. */
  readonly expiresEvents: boolean
  /** Of the last committed transaction that reads can see. */
  readonly revision: number
  /** Resolves when reads see everything any writer had committed at the time of the call. */
  refresh(): Promise<void>
  /** Why writes cannot go through at present; undefined: they can, as far as is known. */
  problem(): string | undefined
  get(key: string): StoredEntry | undefined
  /** Throws ApiError `Expired` when `revision` is compacted, `Timeout` when it is in the future. */
  range(options: RangeOptions): RangeResult
  /**
   * Rejects with SkiffError HOST_UNFIT when the disk is full, UNAVAILABLE when nothing was written, TIMEOUT when
   * nobody knows; reads from memory go on.
   */
  transact(operations: readonly StoreOperation[]): Promise<TransactionResult>
  /**
   * Calls `listener` for each event after `fromRevision`, oldest first: those that happened already before this
   * returns, the others as they are committed. The listener must not throw. Returns what stops it.
   * Throws ApiError `Expired` when `fromRevision` is compacted.
   */
  watch(prefix: string, fromRevision: number, listener: (event: StoreEvent) => void): () => void
  /** Forgets what happened up to and including `revision`. */
  compact(revision: number): Promise<void>
  /** Waits for the writes under way. */
  close(): Promise<void>
}
