import { SkiffError } from '../../../kube/errors.ts'
import { apiError } from '../../../kube/status.ts'
import { EventHistory } from './event-history.ts'
import { eventsBound, slack, type HistoryBounds } from './history-bounds.ts'
import { SortedEntries } from './sorted-entries.ts'
import type { RangeOptions, RangeResult, StoreEvent } from './store.ts'
import type { StoredEntry } from './stored-entry.ts'

interface Watcher {
  prefix: string
  listener(event: StoreEvent): void
}

interface Collection {
  name: string
  sorted: SortedEntries
  entries: Map<string, StoredEntry>
  history: EventHistory
  watchers: Set<Watcher>
}

/** `/registry/apps/deployments/` of any key or prefix below it. */
export const collectionOf = (key: string): string => {
  const afterGroup = key.indexOf('/', '/registry/'.length)
  const afterPlural = afterGroup < 0 ? -1 : key.indexOf('/', afterGroup + 1)
  if (!key.startsWith('/registry/') || afterPlural < 0)
    throw new SkiffError('INTERNAL', `store: ${key} is not below /registry/<group>/<plural>/`)
  return key.slice(0, afterPlural + 1)
}

/**
 * The state and the recent past in memory, one collection a resource. Engines make writes durable and then apply
 * them here; every read and watch is served from here. Each collection forgets its own past: a resource that is
 * written all the time does not shorten what the others remember.
 */
export class MemoryIndex {
  revision = 0
  /** Nothing up to this revision is remembered, in any collection. */
  compactedRevision = 0
  readonly #collections = new Map<string, Collection>()

  #collection(key: string): Collection {
    const name = collectionOf(key)
    let collection = this.#collections.get(name)
    if (collection === undefined) {
      collection = {
        name,
        sorted: new SortedEntries(),
        entries: new Map(),
        history: new EventHistory(),
        watchers: new Set(),
      }
      this.#collections.set(name, collection)
    }
    return collection
  }

  get(key: string): StoredEntry | undefined {
    return this.#collection(key).entries.get(key)
  }

  /** Puts an entry in place without an event: what was there at the last compaction, read back at start. */
  load(entry: StoredEntry): void {
    const collection = this.#collection(entry.key)
    collection.sorted.set(entry)
    collection.entries.set(entry.key, entry)
  }

  /** Takes an entry away without an event, if it is there. */
  unload(key: string): void {
    const collection = this.#collection(key)
    if (collection.entries.delete(key)) collection.sorted.delete(key)
  }

  #place({ type, entry }: StoreEvent, collection: Collection): void {
    if (type === 'put') {
      collection.sorted.set(entry)
      collection.entries.set(entry.key, entry)
    } else if (collection.entries.delete(entry.key)) collection.sorted.delete(entry.key)
  }

  /** Applies committed writes of rising revisions, and tells the watchers once the state stands. */
  apply(events: readonly StoreEvent[]): void {
    for (const event of events) {
      const collection = this.#collection(event.entry.key)
      this.#place(event, collection)
      collection.history.push(event)
      this.revision = Math.max(this.revision, event.entry.revision)
    }
    for (const event of events)
      for (const watcher of this.#collection(event.entry.key).watchers)
        if (event.entry.key.startsWith(watcher.prefix)) watcher.listener(event)
    for (const { entry } of events) entry.settle()
  }

  range({ prefix, after, limit = 0, revision }: RangeOptions): RangeResult {
    const collection = this.#collection(prefix)
    const at = revision ?? this.revision
    const behind = after === undefined ? prefix : `${after}\0`
    // U+FFFF sorts behind every character a name may have.
    const where: [string, string] = [behind > prefix ? behind : prefix, `${prefix}\uffff`]
    const most = limit > 0 ? limit : Number.MAX_SAFE_INTEGER
    if (at !== this.revision) this.#checkRevision(collection, at)
    const changed = at === this.revision ? [] : undone(collection.history.after(at), where)
    const entries = merge(collection.sorted, changed, { where, most })
    let total = collection.sorted.count(...where)
    for (const [key, entry] of changed) total += (entry === undefined ? 0 : 1) - (collection.entries.has(key) ? 1 : 0)
    return { revision: at, entries, remaining: Math.max(0, total - entries.length) }
  }

  #checkRevision({ history }: Collection, revision: number): void {
    const compacted = Math.max(this.compactedRevision, history.compacted)
    if (revision < compacted) throw apiError('Expired', `too old resource version: ${revision} (${compacted})`)
    if (revision > this.revision)
      throw apiError('Timeout', `Too large resource version: ${revision}, current: ${this.revision}`, {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      })
  }

  watch(prefix: string, fromRevision: number, listener: (event: StoreEvent) => void): () => void {
    const collection = this.#collection(prefix)
    this.#checkRevision(collection, fromRevision)
    for (const event of collection.history.after(fromRevision)) if (event.entry.key.startsWith(prefix)) listener(event)
    const watcher: Watcher = { prefix, listener }
    collection.watchers.add(watcher)
    return () => {
      collection.watchers.delete(watcher)
    }
  }

  /** Whether what a write just added has to be cut off elsewhere before the next turn of the clock. */
  crowded(bounds: HistoryBounds, written: Iterable<StoreEvent>): boolean {
    const names = new Set([...written].map(({ entry }) => collectionOf(entry.key)))
    for (const name of names) if (this.#collection(name).history.length > eventsBound(bounds, name) * slack) return true
    return this.historyBytes > bounds.historyBytes * slack
  }

  get historyBytes(): number {
    let bytes = 0
    for (const { history } of this.#collections.values()) bytes += history.bytes
    return bytes
  }

  /** Forgets what goes beyond the bounds: the old, the too many, and of the largest histories what is too much in all. */
  trim(bounds: HistoryBounds, nowMs: number): void {
    let excess = this.historyBytes - bounds.historyBytes
    const largestFirst = [...this.#collections.values()].sort((a, b) => b.history.bytes - a.history.bytes)
    for (const { name, history } of largestFirst) {
      const bytes = Math.max(0, Math.min(excess, history.bytes))
      excess -= bytes
      const keep = eventsBound(bounds, name)
      const target = history.cut({ timeMs: nowMs - bounds.historyMs, keep, bytes })
      if (target > history.compacted) history.forget(target)
    }
  }

  /** Forgets what happened up to and including `revision`, in every collection. */
  compact(revision: number): void {
    this.compactedRevision = Math.max(this.compactedRevision, revision)
    for (const { history } of this.#collections.values()) if (history.compacted < revision) history.forget(revision)
  }

  /** The same in the collection of one key. */
  forget(key: string, revision: number): void {
    this.#collection(key).history.forget(revision)
  }

  /** Everything that is there. */
  all(): Map<string, StoredEntry> {
    return new Map([...this.#collections.values()].flatMap(({ entries }) => [...entries]))
  }
}

/** What the keys that changed since were before, in key order; undefined: not there. */
const undone = (
  events: readonly StoreEvent[],
  [lower, upper]: [string, string],
): [string, StoredEntry | undefined][] => {
  const before = new Map<string, StoredEntry | undefined>()
  for (const { entry, previous } of events)
    if (entry.key >= lower && entry.key < upper && !before.has(entry.key)) before.set(entry.key, previous)
  return [...before].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** The first `most` entries of what is there now, with `changed` put back. */
const merge = (
  sorted: SortedEntries,
  changed: readonly [string, StoredEntry | undefined][],
  { where: [lower, upper], most }: { where: [string, string]; most: number },
): StoredEntry[] => {
  if (changed.length === 0) return sorted.slice(lower, upper, most)
  const entries: StoredEntry[] = []
  let from = lower
  for (const [key, entry] of changed) {
    for (const same of sorted.slice(from, key, most - entries.length)) entries.push(same)
    if (entries.length >= most) return entries
    if (entry !== undefined) entries.push(entry)
    if (entries.length >= most) return entries
    from = `${key}\0`
  }
  for (const same of sorted.slice(from, upper, most - entries.length)) entries.push(same)
  return entries
}
