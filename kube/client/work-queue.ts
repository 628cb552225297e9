import type { Clock } from '../clock.ts'
import { timerClock } from './timer-clock.ts'

export interface WorkQueueOptions {
  signal: AbortSignal
  clock?: Clock
  /** First wait after a failure; doubled with each further one. Default 5 ms. */
  baseDelayMs?: number
  /** Default 1000 s, as upstream. */
  maxDelayMs?: number
}

/** What upstream's workqueue_* metrics tell. */
export interface WorkQueueStats {
  adds: number
  retries: number
  workSeconds: number
  queueSeconds: number
  done: number
}

/**
 * Keys to be worked on: a key waits once however often it is added, one worker at a time has it, and a key whose work
 * throws comes back after an exponentially growing wait. A key added while it is worked on is worked on again.
 */
export class WorkQueue {
  readonly stats: WorkQueueStats = { adds: 0, retries: 0, workSeconds: 0, queueSeconds: 0, done: 0 }
  readonly #signal: AbortSignal
  readonly #clock: Clock
  readonly #baseDelayMs: number
  readonly #maxDelayMs: number
  /** Key to the time it was added; insertion order is the order of work. */
  readonly #ready = new Map<string, number>()
  readonly #working = new Set<string>()
  readonly #again = new Set<string>()
  readonly #failures = new Map<string, number>()
  readonly #later = new Map<string, number>()
  #idle: (() => void)[] = []
  #timer: { at: number; cancel: AbortController } | undefined

  constructor(options: WorkQueueOptions) {
    this.#signal = options.signal
    this.#clock = options.clock ?? timerClock
    this.#baseDelayMs = options.baseDelayMs ?? 5
    this.#maxDelayMs = options.maxDelayMs ?? 1_000_000
    this.#signal.addEventListener('abort', () => this.#stop(), { once: true })
  }

  /** Keys that wait for a worker. */
  get depth(): number {
    return this.#ready.size
  }

  add(key: string): void {
    if (this.#signal.aborted) return
    this.#later.delete(key)
    if (this.#working.has(key)) {
      this.#again.add(key)
      return
    }
    if (this.#ready.has(key)) return
    this.stats.adds++
    this.#ready.set(key, this.#clock.now())
    this.#idle.shift()?.()
  }

  /** Adds it after `ms`; of several such calls for a key the earliest counts. */
  addAfter(key: string, ms: number): void {
    if (this.#signal.aborted) return
    if (ms <= 0) return this.add(key)
    const at = this.#clock.now() + ms
    const before = this.#later.get(key)
    if (before !== undefined && before <= at) return
    this.#later.set(key, at)
    if (this.#timer === undefined || at < this.#timer.at) this.#arm(at)
  }

  /** Works until the signal aborts and the work in hand is done; then resolves. */
  async run(
    concurrency: number,
    work: (key: string) => Promise<void>,
    onError?: (key: string, error: unknown) => void,
  ): Promise<void> {
    await Promise.all(Array.from({ length: concurrency }, () => this.#worker(work, onError)))
  }

  async #worker(
    work: (key: string) => Promise<void>,
    onError: ((key: string, error: unknown) => void) | undefined,
  ): Promise<void> {
    while (!this.#signal.aborted) {
      const next = this.#ready.entries().next().value
      if (next === undefined) {
        await new Promise<void>(resolve => this.#idle.push(resolve))
        continue
      }
      const [key, addedAt] = next
      this.#ready.delete(key)
      this.#working.add(key)
      const startedAt = this.#clock.now()
      this.stats.queueSeconds += (startedAt - addedAt) / 1000
      try {
        await work(key)
        this.#failures.delete(key)
      } catch (error) {
        if (!this.#signal.aborted) this.#failed(key, error, onError)
      }
      this.#working.delete(key)
      this.stats.done++
      this.stats.workSeconds += (this.#clock.now() - startedAt) / 1000
      if (this.#again.delete(key)) this.add(key)
    }
  }

  #failed(key: string, error: unknown, onError: ((key: string, error: unknown) => void) | undefined): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.stats.retries++
    this.addAfter(key, Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** Math.min(failures, 40)))
    onError?.(key, error)
  }

  /** One timer for the whole queue, set to the earliest key. */
  #arm(at: number): void {
    this.#timer?.cancel.abort(new Error('superseded'))
    const cancel = new AbortController()
    const timer = { at, cancel }
    this.#timer = timer
    this.#clock.sleep(Math.max(0, at - this.#clock.now()), cancel.signal).then(
      () => this.#due(timer),
      () => {},
    )
  }

  #due(timer: object): void {
    if (this.#timer !== timer) return
    this.#timer = undefined
    const now = this.#clock.now()
    let next = Infinity
    for (const [key, at] of this.#later)
      if (at <= now) this.add(key)
      else next = Math.min(next, at)
    if (next !== Infinity) this.#arm(next)
  }

  #stop(): void {
    this.#timer?.cancel.abort(new Error('stopped'))
    this.#timer = undefined
    this.#later.clear()
    this.#ready.clear()
    for (const wake of this.#idle) wake()
    this.#idle = []
  }
}
