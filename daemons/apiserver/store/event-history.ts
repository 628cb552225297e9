import type { StoreEvent } from './store.ts'

/** What an event keeps in memory that nothing else does, in bytes. */
const weightOf = ({ type, entry, previous }: StoreEvent): number =>
  (previous?.bytes.length ?? 0) + (type === 'delete' ? entry.bytes.length : 0)

/** What happened to one resource since `compacted`, oldest first. */
export class EventHistory {
  #events: StoreEvent[] = []
  /** Memory of the superseded states, in bytes. */
  bytes = 0
  /** Everything up to this revision is forgotten. */
  compacted = 0

  get length(): number {
    return this.#events.length
  }

  push(event: StoreEvent): void {
    this.#events.push(event)
    this.bytes += weightOf(event)
  }

  /** The first index of an event later than `revision`. */
  #firstAfter(revision: number): number {
    let low = 0
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#events[middle]?.entry.revision ?? 0) <= revision) low = middle + 1
      else high = middle
    }
    return low
  }

  after(revision: number): StoreEvent[] {
    return this.#events.slice(this.#firstAfter(revision))
  }

  /** The last revision to forget so that at most `keep` events stay, `bytes` are freed, and none is older than `timeMs`. */
  cut({ timeMs, keep, bytes }: { timeMs: number; keep: number; bytes: number }): number {
    let target = this.compacted
    let freed = 0
    for (const [index, event] of this.#events.entries()) {
      if (event.timeMs > timeMs && this.#events.length - index <= keep && freed >= bytes) break
      target = event.entry.revision
      freed += weightOf(event)
    }
    return target
  }

  forget(revision: number): void {
    const gone = this.#firstAfter(revision)
    for (let i = 0; i < gone; i++) {
      const event = this.#events[i]
      if (event !== undefined) this.bytes -= weightOf(event)
    }
    if (gone > 0) this.#events = this.#events.slice(gone)
    this.compacted = Math.max(this.compacted, revision)
  }
}
