import type { Clock } from './clock.ts'

interface Sleeper {
  at: number
  wake(): void
}

/** A clock that stands still until `advance` is called; sleepers wake in the order of their times. */
export class FakeClock implements Clock {
  #now: number
  #sleepers: Sleeper[] = []
  constructor(nowMs = Date.parse('2026-01-01T00:00:00Z')) {
    this.#now = nowMs
  }
  now(): number {
    return this.#now
  }
  /** How many callers are asleep. */
  get sleeping(): number {
    return this.#sleepers.length
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const sleeper: Sleeper = { at: this.#now + ms, wake: resolve }
      this.#sleepers.push(sleeper)
      signal?.addEventListener(
        'abort',
        () => {
          this.#sleepers = this.#sleepers.filter(s => s !== sleeper)
          reject(signal.reason as Error)
        },
        { once: true },
      )
    })
  }
  /** Moves time on, waking who is due, and lets their continuations run. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    for (;;) {
      const due = this.#sleepers.filter(s => s.at <= until).sort((a, b) => a.at - b.at)[0]
      if (due === undefined) break
      this.#sleepers = this.#sleepers.filter(s => s !== due)
      this.#now = Math.max(this.#now, due.at)
      due.wake()
      await new Promise(resolve => setImmediate(resolve))
    }
    this.#now = until
    await new Promise(resolve => setImmediate(resolve))
  }
}
