import { mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { configFiles, parseNetworkConfig, type NetworkConfig } from './network-config.ts'

const rewatchMs = 1000

export interface ConfigStoreOptions {
  directory: string
  signal: AbortSignal
  /** A file is invalid, in upstream's place of a log line; said once for each fault. */
  onInvalid(error: SkiffError): void
  /** The network in force changed (or is there for the first time). */
  onChange(config: NetworkConfig): void
}

/**
 * The pod network of this node: the first valid file of the CNI config directory, followed as files change. A file that
 * becomes invalid leaves the last good network in force.
 */
export class ConfigStore {
  readonly #options: ConfigStoreOptions
  #current: NetworkConfig | undefined
  #problem = ''
  constructor(options: ConfigStoreOptions) {
    this.#options = options
  }

  get current(): NetworkConfig | undefined {
    return this.#current
  }

  /** Why there is no network: part of the node's NotReady message. */
  get problem(): string {
    return this.#current === undefined ? this.#problem : ''
  }

  start(): void {
    mkdirSync(this.#options.directory, { recursive: true, mode: 0o755 })
    this.#watch()
  }

  #watch(): void {
    const { directory, signal } = this.#options
    const again = (error: unknown) => {
      this.#say(new SkiffError('NOT_FOUND', `CNI config directory ${directory}: ${messageOf(error)}`, { cause: error }))
      // Somebody took the directory away; the watch went with it.
      if (!signal.aborted) setTimeout(() => this.#watch(), rewatchMs).unref()
    }
    if (signal.aborted) return
    try {
      const watcher = watch(directory, { signal, persistent: false }, () => {
        try {
          this.read()
        } catch (error) {
          watcher.close()
          again(error)
        }
      })
      watcher.on('error', again)
      this.read()
    } catch (error) {
      again(error)
    }
  }

  read(): void {
    const { directory } = this.#options
    let first: SkiffError | undefined
    for (const name of configFiles(readdirSync(directory))) {
      const file = join(directory, name)
      try {
        const config = parseNetworkConfig(file, readFileSync(file, 'utf8'))
        const changed = JSON.stringify(config) !== JSON.stringify(this.#current)
        this.#current = config
        // A later file is no reason to forget that an earlier one is broken.
        if (first !== undefined) this.#say(first)
        else this.#problem = ''
        if (changed) this.#options.onChange(config)
        return
      } catch (error) {
        first ??=
          error instanceof SkiffError
            ? error
            : new SkiffError('INVALID_INPUT', `CNI config ${file}: ${messageOf(error)}`, { cause: error })
        // The network in force came from this very file: what follows in the directory does not take its place.
        if (this.#current?.file === file) break
      }
    }
    if (first !== undefined) this.#say(first)
  }

  #say(error: SkiffError): void {
    if (this.#problem === error.message) return
    this.#problem = error.message
    this.#options.onInvalid(error)
  }
}
