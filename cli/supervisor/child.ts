import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import type { Logger } from 'pino'
import { systemClock } from '../../host/clock.ts'
import { startTicksOf, type ProcessId } from '../processes.ts'

/** A program the supervisor keeps running. */
export interface ChildSpec {
  name: string
  file: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  logFile: string
  /** Time from SIGTERM to SIGKILL. */
  stopGraceMs: number
  /** Clears away what the last run left, before each start. */
  beforeStart?: () => Promise<void>
}

export interface ChildState extends ProcessId {
  name: string
  restarts: number
  sinceMs: number
}

/** The pause before restart number n (from 0) of a program that keeps dying: 0, 100 ms, doubling to 10 s. */
export const restartDelayMs = (quickDeaths: number): number =>
  quickDeaths === 0 ? 0 : Math.min(100 * 2 ** (quickDeaths - 1), 10_000)

/** A program that stayed up this long has recovered: the next death counts as the first. */
const settledMs = 30_000

/** Keeps one program running until the signal aborts; says what died and when it starts again. */
export class Child {
  readonly spec: ChildSpec
  state: ChildState | undefined
  readonly #log: Logger
  readonly #onChange: () => void
  constructor(spec: ChildSpec, log: Logger, onChange: () => void) {
    this.spec = spec
    this.#log = log
    this.#onChange = onChange
  }

  async keep(signal: AbortSignal): Promise<void> {
    let quickDeaths = 0
    for (let restarts = 0; !signal.aborted; restarts++) {
      const startedMs = systemClock.now()
      await this.spec.beforeStart?.()
      const ended = await this.#runOnce(restarts, signal)
      if (signal.aborted) return
      quickDeaths = systemClock.now() - startedMs > settledMs ? 0 : quickDeaths + 1
      const delayMs = restartDelayMs(Math.max(0, quickDeaths - 1))
      this.#log.warn({ daemon: this.spec.name, ended, delayMs }, 'a daemon ended; starting it again')
      await systemClock.sleep(delayMs, signal).catch(() => {})
    }
  }

  async #runOnce(restarts: number, signal: AbortSignal): Promise<string> {
    const log = openSync(this.spec.logFile, 'a', 0o600)
    const child = spawn(this.spec.file, [...this.spec.args], {
      env: this.spec.env,
      stdio: ['pipe', log, log],
      detached: true,
      cwd: '/',
    })
    closeSync(log)
    // Held open and never written: its end tells the child that this process is gone.
    child.stdin?.on('error', () => {})
    const ended = new Promise<string>(resolve => {
      child.once('error', error => resolve(error.message))
      child.once('exit', (code, by) => resolve(by === null ? `exit code ${code}` : `killed by ${by}`))
    })
    if (child.pid !== undefined) {
      this.state = {
        name: this.spec.name,
        pid: child.pid,
        startTicks: startTicksOf(child.pid) ?? 0,
        restarts,
        sinceMs: systemClock.now(),
      }
      this.#onChange()
    }
    const stop = () => void this.#stop(child, ended)
    signal.addEventListener('abort', stop, { once: true })
    const how = await ended
    signal.removeEventListener('abort', stop)
    this.state = undefined
    this.#onChange()
    return how
  }

  async #stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), this.spec.stopGraceMs)
    await ended
    clearTimeout(timer)
  }
}
