import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Exec } from '../../../host/exec.ts'
import type { Clock } from '../../../kube/clock.ts'
import { SkiffError } from '../../../kube/errors.ts'
import { endStrayNginx } from './stray-nginx.ts'

export interface NginxOptions {
  program: string
  prefix: string
  exec: Exec
  clock: Clock
  log: Logger
  signal: AbortSignal
  /** Put before the command, to run it in a namespace: `['ip', 'netns', 'exec', 'x']`. */
  wrapper?: readonly string[]
}

const maxRestartMs = 30_000

/**
 * nginx as a child: started with the first good configuration, reloaded with each later one, started again when it
 * dies, ended with the daemon (also when that is killed: the kernel then sends it SIGTERM).
 */
export class NginxProcess {
  readonly #options: NginxOptions
  readonly #ended: Promise<void>
  #child: ChildProcess | undefined
  #started = false
  #finish: () => void = () => {}
  constructor(options: NginxOptions) {
    this.#options = options
    this.#ended = new Promise(resolve => (this.#finish = resolve))
    mkdirSync(join(options.prefix, 'temp'), { recursive: true, mode: 0o755 })
  }

  get configFile(): string {
    return join(this.#options.prefix, 'nginx.conf')
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /**
   * Puts a configuration in force: written beside the old one, tested by nginx itself, then moved into its place.
   * Throws INVALID_INPUT with nginx's words when it is refused; the old one stays in force.
   */
  async use(text: string): Promise<void> {
    const { prefix, exec, signal, program, wrapper = [] } = this.#options
    const next = join(prefix, 'nginx.conf.next')
    writeFileSync(next, text, { mode: 0o600 })
    const command = [...wrapper, program, '-t', '-q', '-p', prefix, '-c', next]
    const tested = await exec.run(command[0] ?? program, command.slice(1), { signal })
    if (tested.exitCode !== 0) {
      renameSync(next, join(prefix, 'nginx.conf.refused'))
      throw new SkiffError('INVALID_INPUT', `nginx refuses the configuration: ${tested.stderr.trim().slice(0, 1000)}`)
    }
    renameSync(next, this.configFile)
    if (this.running) this.#child?.kill('SIGHUP')
    else if (!this.#started) {
      this.#started = true
      await endStrayNginx(prefix, this.#options.clock)
      this.#supervise().catch((error: unknown) =>
        this.#options.log.error({ err: error }, 'nginx is not watched any more'),
      )
    }
  }

  /** Ends nginx and waits for it. */
  async stop(): Promise<void> {
    if (!this.#started) return
    this.#child?.kill('SIGTERM')
    await this.#ended
    await endStrayNginx(this.#options.prefix, this.#options.clock)
    rmSync(join(this.#options.prefix, 'nginx.pid'), { force: true })
  }

  async #supervise(): Promise<void> {
    const { signal, clock, log, prefix } = this.#options
    let failures = 0
    try {
      while (!signal.aborted) {
        const startedAt = clock.now()
        const why = await this.#runOnce()
        if (signal.aborted) return
        failures = clock.now() - startedAt > 10_000 ? 0 : failures + 1
        log.error({ why }, 'nginx ended; it is started again')
        await clock.sleep(Math.min(maxRestartMs, 100 * 2 ** failures), signal).catch(() => {})
        await endStrayNginx(prefix, clock)
      }
    } finally {
      this.#finish()
    }
  }

  #runOnce(): Promise<string> {
    const { program, prefix, log, wrapper = [], signal } = this.#options
    const death = ['setpriv', '--pdeathsig', 'TERM', '--', program, '-p', prefix, '-c', this.configFile]
    const command = [...wrapper, ...death]
    return new Promise(resolve => {
      const child = spawn(command[0] ?? program, command.slice(1), { cwd: prefix, stdio: ['ignore', 'ignore', 'pipe'] })
      this.#child = child
      // Aborted between the loop's look and the spawn: end it here, nobody else will.
      if (signal.aborted) child.kill('SIGTERM')
      child.stderr.on('data', (data: Buffer) => {
        for (const line of data.toString().trim().split('\n')) log.warn({ nginx: line }, 'nginx says')
      })
      child.once('error', error => resolve(error.message))
      // Not `close`: workers that outlive their master keep the pipe open.
      child.once('exit', (code, by) => resolve(by === null ? `exit code ${code}` : `signal ${by}`))
    })
  }
}
