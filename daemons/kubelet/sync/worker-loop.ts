import type { Clock } from '../../../kube/clock.ts'

export interface WorkerLoopOptions {
  clock: Clock
  signal: AbortSignal
  /** One look; resolves with when the next one is due although nothing happens. */
  look(): Promise<number | undefined>
  /** A look failed; returns when the next one is due. */
  failed(error: unknown): number
  /** The loop itself failed, which it should not. */
  broken(error: unknown): void
}

/** Looks again whenever it is poked or a time has come: one look at a time, and one more for all pokes during it. */
export class WorkerLoop {
  readonly #options: WorkerLoopOptions
  #dirty = false
  #running = false
  #timer: AbortController | undefined
  constructor(options: WorkerLoopOptions) {
    this.#options = options
  }

  /** Something happened: look again, soon and once. */
  poke(): void {
    this.#dirty = true
    if (this.#running || this.#options.signal.aborted) return
    this.#running = true
    this.#run().catch((error: unknown) => this.#options.broken(error))
  }

  async #run(): Promise<void> {
    const { signal, look, failed } = this.#options
    try {
      while (this.#dirty && !signal.aborted) {
        this.#dirty = false
        this.#timer?.abort()
        try {
          const wakeAtMs = await look()
          if (wakeAtMs !== undefined) this.#wakeAt(wakeAtMs)
        } catch (error) {
          if (signal.aborted) return
          this.#wakeAt(failed(error))
        }
      }
    } finally {
      this.#running = false
    }
  }

  #wakeAt(atMs: number): void {
    const { clock, signal } = this.#options
    this.#timer?.abort()
    const timer = new AbortController()
    this.#timer = timer
    clock.sleep(Math.max(0, atMs - clock.now()), AbortSignal.any([timer.signal, signal])).then(
      () => this.poke(),
      () => {},
    )
  }
}
