import type { Clock } from '../../../kube/clock.ts'

/** Upstream's: a second after a first failed pod on a node, twice as long each time, at most a quarter of an hour. */
const baseMs = 1000
const maxMs = 900_000

interface Entry {
  atMs: number
  delayMs: number
}

/** How long a failed pod is left on a node before it is replaced. */
export class FailedPodBackoff {
  readonly #clock: Clock
  readonly #entries = new Map<string, Map<string, Entry>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds until the failed pod of this owner on this node may go. */
  left(uid: string, node: string): number {
    const entry = this.#entries.get(uid)?.get(node)
    return entry === undefined ? 0 : Math.max(0, entry.atMs + entry.delayMs - this.#clock.now())
  }

  /** One goes now: the next one stays longer, unless long has passed. */
  next(uid: string, node: string): void {
    const nowMs = this.#clock.now()
    const ofOwner = this.#entries.get(uid) ?? new Map<string, Entry>()
    const last = ofOwner.get(node)
    const fresh = last === undefined || nowMs - last.atMs > 2 * maxMs
    ofOwner.set(node, { atMs: nowMs, delayMs: fresh ? baseMs : Math.min(maxMs, last.delayMs * 2) })
    this.#entries.set(uid, ofOwner)
  }

  forget(uid: string): void {
    this.#entries.delete(uid)
  }
}
