import type { Probe } from 'kubernetes-types/core/v1.js'
import type { Clock } from '../../../kube/clock.ts'
import type { HandlerOutcome } from './run-handler.ts'

export type ProbeKind = 'liveness' | 'readiness' | 'startup'
export type ProbeResult = 'success' | 'failure'

export interface ProbeWorkerOptions {
  kind: ProbeKind
  probe: Probe
  clock: Clock
  podIP: string
  containerId: string
  startedAtMs: number
  run(signal: AbortSignal, timeoutMs: number): Promise<HandlerOutcome>
  /** The result changed. */
  onResult(result: ProbeResult, message: string): void
  onFailedRun(message: string): void
}

/** How a run's outcome counts: the same one `threshold` times in a row makes the result. */
export interface Tally {
  last: ProbeResult | undefined
  runs: number
}

/** Counts one more outcome; `reached` when it has come often enough in a row to be the probe's result. */
export const count = (tally: Tally, outcome: ProbeResult, probe: Probe): { tally: Tally; reached: boolean } => {
  const runs = tally.last === outcome ? tally.runs + 1 : 1
  const threshold = outcome === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
  return { tally: { last: outcome, runs }, reached: runs >= threshold }
}

/** One probe of one run of a container: a loop that never has two runs under way at once. */
export class ProbeWorker {
  readonly kind: ProbeKind
  readonly containerId: string
  /** May change while it runs; the next run takes it. */
  podIP: string
  result: ProbeResult | undefined
  readonly #options: ProbeWorkerOptions
  readonly #stop = new AbortController()
  #opened = false
  constructor(options: ProbeWorkerOptions) {
    this.#options = options
    this.kind = options.kind
    this.containerId = options.containerId
    this.podIP = options.podIP
  }

  /** Lets it begin (its startup probe has succeeded, or there is none). Further calls do nothing. */
  open(): void {
    if (this.#opened || this.#stop.signal.aborted) return
    this.#opened = true
    // The loop's only rejection is the stop signal: handlers never throw.
    this.#loop(this.#stop.signal).catch(() => {})
  }

  stop(): void {
    this.#stop.abort()
  }

  async #loop(signal: AbortSignal): Promise<void> {
    const { clock, probe, startedAtMs, run, onFailedRun } = this.#options
    const wait = startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000 - clock.now()
    if (wait > 0) await clock.sleep(wait, signal)
    let tally: Tally = { last: undefined, runs: 0 }
    while (!signal.aborted) {
      const outcome = await run(signal, (probe.timeoutSeconds ?? 1) * 1000)
      if (signal.aborted) return
      if (outcome.result === 'failure') onFailedRun(outcome.message)
      const counted = count(tally, outcome.result, probe)
      tally = counted.tally
      if (counted.reached) this.#settle(outcome)
      if (counted.reached && this.#finished(outcome.result)) return
      await clock.sleep((probe.periodSeconds ?? 10) * 1000, signal)
    }
  }

  #settle(outcome: HandlerOutcome): void {
    if (this.result === outcome.result) return
    this.result = outcome.result
    this.#options.onResult(outcome.result, outcome.message)
  }

  /** A startup probe is done with its first result; a failed liveness probe waits for the container's replacement. */
  #finished(result: ProbeResult): boolean {
    return this.kind === 'startup' || (this.kind === 'liveness' && result === 'failure')
  }
}
