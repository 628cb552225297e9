import { apiError } from '../../../kube/status.ts'
import { SkiffError } from '../../../kube/errors.ts'
import type { RangeOptions, RangeResult, StoreEvent } from './store.ts'
import type { StoredEntry } from './stored-entry.ts'

interface Watcher {
  prefix: string
  listener(event: StoreEvent): void
}

interface Collection {
  /** Sorted, so that ranges and pages come in key order. */
  keys: string[]
  entries: Map<string, StoredEntry>
  /** Since the last compaction, oldest first. */
  events: StoreEvent[]
  watchers: Set<Watcher>
}

/** The first index whose key is not less than `key`. */
const lowerBound = (keys: readonly string[], key: string): number => {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] ?? '') < key) low = middle + 1
    else high = middle
  }
  return low
}

/** The first index of an event later than `revision`. */
const firstAfter = (events: readonly StoreEvent[], revision: number): number => {
  let low = 0
  let high = events.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((events[middle]?.entry.revision ?? 0) <= revision) low = middle + 1
    else high = middle
  }
  return low
}

/** `/registry/apps/deployments/` of any key or prefix below it. */
const collectionOf = (key: string): string => {
  const afterGroup = key.indexOf('/', '/registry/'.length)
  const afterPlural = afterGroup < 0 ? -1 : key.indexOf('/', afterGroup + 1)
  if (!key.startsWith('/registry/') || afterPlural < 0)
    throw new SkiffError('INTERNAL', `store: ${key} is not below /registry/<group>/<plural>/`)
  return key.slice(0, afterPlural + 1)
}

/**
 * The state and the recent past in memory, one collection a resource. Engines make writes durable and then apply
 * them here; every read and watch is served from here.
 */
export class MemoryIndex {
  revision = 0
  compactedRevision = 0
  /** Events kept, over all collections. */
  eventCount = 0
  readonly #collections = new Map<string, Collection>()

  #collection(key: string): Collection {
    const name = collectionOf(key)
    let collection = this.#collections.get(name)
    if (collection === undefined) {
      collection = { keys: [], entries: new Map(), events: [], watchers: new Set() }
      this.#collections.set(name, collection)
    }
    return collection
  }

  get(key: string): StoredEntry | undefined {
    return this.#collection(key).entries.get(key)
  }

  /** Puts an entry in place without an event: what was there at the last compaction, read back at start. */
  load(entry: StoredEntry): void {
    this.#set(this.#collection(entry.key), entry)
  }

  #set(collection: Collection, entry: StoredEntry): void {
    if (!collection.entries.has(entry.key)) {
      const last = collection.keys.at(-1)
      if (last === undefined || last < entry.key) collection.keys.push(entry.key)
      else collection.keys.splice(lowerBound(collection.keys, entry.key), 0, entry.key)
    }
    collection.entries.set(entry.key, entry)
  }

  /** Applies committed writes of rising revisions, and tells the watchers once the state stands. */
  apply(events: readonly StoreEvent[]): void {
    for (const event of events) {
      const { entry } = event
      const collection = this.#collection(entry.key)
      if (event.type === 'put') this.#set(collection, entry)
      else if (collection.entries.delete(entry.key)) collection.keys.splice(lowerBound(collection.keys, entry.key), 1)
      collection.events.push(event)
      this.eventCount++
      this.revision = Math.max(this.revision, entry.revision)
    }
    for (const event of events)
      for (const watcher of this.#collection(event.entry.key).watchers)
        if (event.entry.key.startsWith(watcher.prefix)) watcher.listener(event)
  }

  range({ prefix, after, limit, revision }: RangeOptions): RangeResult {
    const collection = this.#collection(prefix)
    const at = revision ?? this.revision
    const [keys, entryOf] = at === this.revision ? this.#now(collection) : this.#past(collection, at)
    const start = Math.max(lowerBound(keys, prefix), after === undefined ? 0 : lowerBound(keys, `${after}\0`))
    // U+FFFF sorts behind every character a name may have.
    const end = lowerBound(keys, `${prefix}\uffff`)
    const stop = limit === undefined || limit <= 0 ? end : Math.min(end, start + limit)
    const entries: StoredEntry[] = []
    for (let i = start; i < stop; i++) {
      const entry = entryOf(keys[i] ?? '')
      if (entry !== undefined) entries.push(entry)
    }
    return { revision: at, entries, remaining: Math.max(0, end - stop) }
  }

  #now(collection: Collection): [string[], (key: string) => StoredEntry | undefined] {
    return [collection.keys, key => collection.entries.get(key)]
  }

  /** The state at an earlier revision: the newest one with the later events undone. */
  #past(collection: Collection, revision: number): [string[], (key: string) => StoredEntry | undefined] {
    this.#checkRevision(revision)
    const undone = new Map<string, StoredEntry | undefined>()
    for (let i = collection.events.length - 1; i >= firstAfter(collection.events, revision); i--) {
      const event = collection.events[i]
      if (event !== undefined) undone.set(event.entry.key, event.previous)
    }
    const keys = collection.keys.filter(key => !undone.has(key))
    for (const [key, entry] of undone) if (entry !== undefined) keys.push(key)
    keys.sort()
    return [keys, key => (undone.has(key) ? undone.get(key) : collection.entries.get(key))]
  }

  #checkRevision(revision: number): void {
    if (revision < this.compactedRevision)
      throw apiError('Expired', `too old resource version: ${revision} (${this.compactedRevision})`)
    if (revision > this.revision)
      throw apiError('Timeout', `Too large resource version: ${revision}, current: ${this.revision}`, {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      })
  }

  watch(prefix: string, fromRevision: number, listener: (event: StoreEvent) => void): () => void {
    this.#checkRevision(fromRevision)
    const collection = this.#collection(prefix)
    for (let i = firstAfter(collection.events, fromRevision); i < collection.events.length; i++) {
      const event = collection.events[i]
      if (event?.entry.key.startsWith(prefix)) listener(event)
    }
    const watcher: Watcher = { prefix, listener }
    collection.watchers.add(watcher)
    return () => {
      collection.watchers.delete(watcher)
    }
  }

  /** Every event up to and including `revision`, in the order of their revisions. */
  eventsUpTo(revision: number): StoreEvent[] {
    return [...this.#collections.values()]
      .flatMap(({ events }) => events.slice(0, firstAfter(events, revision)))
      .sort((a, b) => a.entry.revision - b.entry.revision)
  }

  /** The last revision whose events are all older than `timeMs`, or that leaves at most `keep` events. */
  revisionToCompact(timeMs: number, keep: number): number {
    const events = this.eventsUpTo(this.revision)
    let target = this.compactedRevision
    for (const [index, event] of events.entries()) {
      if (event.timeMs > timeMs && events.length - index <= keep) break
      target = event.entry.revision
    }
    return target
  }

  compact(revision: number): void {
    for (const collection of this.#collections.values()) {
      const gone = firstAfter(collection.events, revision)
      if (gone === 0) continue
      collection.events = collection.events.slice(gone)
      this.eventCount -= gone
    }
    this.compactedRevision = Math.max(this.compactedRevision, revision)
  }
}
