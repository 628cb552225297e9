import { mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { configFiles, parseNetworkConfig, type NetworkConfig } from './network-config.ts'

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
    const { directory, signal } = this.#options
    mkdirSync(directory, { recursive: true, mode: 0o755 })
    const watcher = watch(directory, { signal, persistent: false }, () => this.read())
    watcher.on('error', error => this.#say(new SkiffError('INTERNAL', `watch ${directory}: ${messageOf(error)}`)))
    this.read()
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
