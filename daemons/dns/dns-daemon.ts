import { watch as watchPath } from 'node:fs'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../../kube/clock.ts'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import { buildConfiguration, type Configuration, type ConfigurationInput } from './configuration.ts'
import type { ClusterSource } from './kubernetes/cluster-source.ts'
import { HttpEndpoints } from './server/http-endpoints.ts'
import { Listeners, type ListenPoint } from './server/listeners.ts'

export interface DnsDaemonInput {
  /** '' for a Corefile that is no file. */
  file: string
  corefile(): string
  clock: Clock
  log: Logger
  signal: AbortSignal
  /** Made when the first block asks for it. */
  openCluster(): ClusterSource
  build: Omit<ConfigurationInput, 'text' | 'file' | 'signal' | 'cluster' | 'generation' | 'log' | 'clock'>
}

/** How long questions under way may still use a configuration that was replaced. */
const DRAIN_MS = 5000
/** Editors write in several steps. */
const SETTLE_MS = 100

/** Puts Corefiles in force, one after another, and never one that is wrong. */
export class DnsDaemon {
  readonly #input: DnsDaemonInput
  readonly #listeners = new Listeners()
  readonly #http = new HttpEndpoints()
  #cluster: ClusterSource | undefined
  #current: { configuration: Configuration; stop: AbortController } | undefined
  #refused: string | undefined
  constructor(input: DnsDaemonInput) {
    this.#input = input
  }

  get cluster(): ClusterSource | undefined {
    return this.#cluster
  }

  points(): ListenPoint[] {
    return this.#listeners.points()
  }

  httpPort(address: string): number | undefined {
    return this.#http.port(address)
  }

  /** Throws what is wrong with the Corefile or with the sockets; what was in force stays so. */
  async load(): Promise<void> {
    const given = this.#input
    const stop = new AbortController()
    const configuration = await buildConfiguration({
      ...given.build,
      log: given.log,
      clock: given.clock,
      text: given.corefile(),
      file: given.file === '' ? 'Corefile' : given.file,
      signal: stop.signal,
      cluster: () => (this.#cluster ??= given.openCluster()),
      generation: () => this.#cluster?.index.generation ?? 0,
    })
    await this.#listeners.apply(configuration.sites)
    try {
      await this.#http.apply(configuration.http)
    } catch (error) {
      await this.#listeners.apply(this.#current?.configuration.sites ?? new Map())
      throw error
    }
    const old = this.#current?.stop
    this.#current = { configuration, stop }
    for (const block of configuration.blocks) block.start(stop.signal)
    if (old !== undefined)
      given.clock
        .sleep(DRAIN_MS, given.signal)
        .catch(() => {})
        .finally(() => old.abort(new Error('the Corefile was replaced')))
  }

  /** Follows the Corefile until the signal aborts, then puts everything away. */
  async run(): Promise<void> {
    const { signal, clock, log } = this.#input
    const changes = this.#watchFile()
    while (!signal.aborted) {
      try {
        await changes.next(this.#current?.configuration.reloadEveryMs)
        if (this.#current?.configuration.reloadEveryMs !== undefined) await this.#reloadIfChanged()
      } catch (err) {
        if (!signal.aborted) log.error({ err }, 'the Corefile could not be followed')
      }
    }
    changes.close()
    const lameduckMs = this.#current?.configuration.lameduckMs ?? 0
    if (lameduckMs > 0) await clock.sleep(lameduckMs)
    await this.#listeners.close()
    await this.#http.close()
    this.#current?.stop.abort(signal.reason)
  }

  async #reloadIfChanged(): Promise<void> {
    const { log, file } = this.#input
    const files = this.#current?.configuration.files ?? new Map<string, string>()
    const text = this.#readAll(files.keys())
    if (text === this.#fingerprint(files) || text === this.#refused) return
    try {
      await this.load()
      this.#refused = undefined
      log.info({ file }, 'the changed Corefile is in force')
    } catch (err) {
      // Said once for each wrong content, not at every look.
      this.#refused = text
      log.error({ err }, `the changed Corefile is not in force, the last good one stays: ${messageOf(err)}`)
    }
  }

  #fingerprint(files: ReadonlyMap<string, string>): string {
    return [...files].map(([path, text]) => `${path}\n${text}`).join('\n')
  }

  #readAll(paths: Iterable<string>): string {
    const { file, corefile, build } = this.#input
    const read = (path: string): string => {
      try {
        return path === file ? corefile() : build.readFile(path)
      } catch {
        // Being replaced at this moment, or gone: if it stays gone, loading says so.
        return ''
      }
    }
    return [...paths].map(path => `${path}\n${read(path)}`).join('\n')
  }

  /** Waits for a change in the Corefile's directory (a mounted ConfigMap swaps a link there), or for the interval. */
  #watchFile(): { next(everyMs: number | undefined): Promise<void>; close(): void } {
    const { signal, clock, file } = this.#input
    let wake: () => void = () => {}
    let changed = false
    const notice = () => {
      changed = true
      wake()
    }
    const watcher = file === '' ? undefined : watchPath(dirname(file), notice)
    watcher?.on('error', () => {})
    return {
      next: async everyMs => {
        const waiting = new AbortController()
        const any = AbortSignal.any([signal, waiting.signal])
        wake = () => waiting.abort()
        if (!changed) await clock.sleep(everyMs === undefined || file === '' ? 2 ** 30 : everyMs, any).catch(() => {})
        wake = () => {}
        if (changed && !signal.aborted) await clock.sleep(SETTLE_MS, signal).catch(() => {})
        changed = false
      },
      close: () => watcher?.close(),
    }
  }
}

/** Without a kubernetes plugin nobody needs the API; with one, somebody must say where it is. */
export const noCluster = (): never => {
  throw new SkiffError('INVALID_INPUT', 'the kubernetes plugin needs --kubeconfig')
}
