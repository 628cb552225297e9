import type { Clock } from '../../kube/clock.ts'

export interface SyncLoopOptions {
  signal: AbortSignal
  clock: Clock
  /** Least time between the end of one run and the start of the next. */
  minPeriodMs: number
  work: () => Promise<void>
  onError: (error: unknown) => void
}

const maxRetryMs = 30_000

/**
 * Runs work when asked: the first time at once, afterwards at most once per period, so that a burst of changes costs
 * one run. Work that throws is tried again, later each time.
 */
export class SyncLoop {
  readonly #options: SyncLoopOptions
  #wanted = false
  #wake: () => void = () => {}
  constructor(options: SyncLoopOptions) {
    this.#options = options
  }

  trigger(): void {
    this.#wanted = true
    this.#wake()
  }

  #triggered(): Promise<void> {
    const { signal } = this.#options
    if (this.#wanted || signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      this.#wake = () => {
        signal.removeEventListener('abort', this.#wake)
        resolve()
      }
      signal.addEventListener('abort', this.#wake, { once: true })
    })
  }

  /** Ends when the signal aborts, after the run under way. */
  async run(): Promise<void> {
    const { signal, clock, minPeriodMs, work, onError } = this.#options
    let failures = 0
    for (;;) {
      await this.#triggered()
      if (signal.aborted) return
      this.#wanted = false
      let wait = minPeriodMs
      try {
        await work()
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        onError(error)
        this.#wanted = true
        wait = Math.min(maxRetryMs, Math.max(minPeriodMs, 1000) * 2 ** Math.min(failures++, 10))
      }
      // An abort ends the wait; the loop's head then ends the loop.
      await clock.sleep(wait, signal).catch(() => {})
    }
  }
}
