interface Entry {
  delayMs: number
  updatedAtMs: number
}

/**
 * Upstream's back-off of restarts and pulls: nothing at the first failure, then `baseMs` doubling to `maxMs`, and from
 * the start again after twice `maxMs` of quiet. Time is given, so that decisions stay pure.
 */
export class BackOff {
  readonly #entries = new Map<string, Entry>()
  readonly #baseMs: number
  readonly #maxMs: number
  constructor(baseMs = 10_000, maxMs = 300_000) {
    this.#baseMs = baseMs
    this.#maxMs = maxMs
  }

  /** When what failed at `failedAtMs` may be tried again; undefined: now, for all this back-off knows. */
  until(key: string, failedAtMs: number): { untilMs: number; delayMs: number } | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined || failedAtMs - entry.updatedAtMs > 2 * this.#maxMs) return undefined
    return { untilMs: failedAtMs + entry.delayMs, delayMs: entry.delayMs }
  }

  /** It is being tried again, after a failure at `failedAtMs`: the next wait is longer. */
  next(key: string, failedAtMs: number, nowMs: number): void {
    const entry = this.#entries.get(key)
    const fresh = entry === undefined || failedAtMs - entry.updatedAtMs > 2 * this.#maxMs
    const delayMs = fresh ? this.#baseMs : Math.min(this.#maxMs, entry.delayMs * 2)
    this.#entries.set(key, { delayMs, updatedAtMs: nowMs })
  }

  /** Forgets every key that begins so: the pod is gone. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key)
  }
}

/** Go's duration text: `10s`, `1m20s`, `5m0s`. */
export const durationText = (ms: number): string => {
  const seconds = Math.round(ms / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}
