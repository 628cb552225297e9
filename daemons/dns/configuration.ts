import { networkInterfaces } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import type { Logger } from 'pino'
import type { Clock } from '../../kube/clock.ts'
import type { ServerBlock } from './corefile/corefile.ts'
import { parseCorefile } from './corefile/parse-corefile.ts'
import type { ClusterSource } from './kubernetes/cluster-source.ts'
import type { Message } from './message/message.ts'
import type { DnsMetrics, HttpRoute, SetupContext } from './plugins/plugin.ts'
import { bindOf, setUpBlock, type Block } from './server/block.ts'
import { askSite, makeSite, type Site } from './server/dns-service.ts'
import { pointName, type ListenPoint } from './server/listeners.ts'

/** What a Corefile comes to, ready to be put in force. */
export interface Configuration {
  sites: ReadonlyMap<string, { point: ListenPoint; site: Site }>
  blocks: readonly Block[]
  http: readonly HttpRoute[]
  reloadEveryMs: number | undefined
  lameduckMs: number
  /** Files that were read, with their content: a change in any of them is a change of the configuration. */
  files: ReadonlyMap<string, string>
}

export interface ConfigurationInput {
  text: string
  /** Name of the Corefile, for errors and for relative imports. */
  file: string
  port: number
  /** Addresses for blocks without `bind`. */
  addresses: readonly string[]
  serviceAddress: string
  log: Logger
  clock: Clock
  /** Aborts when this configuration is out of force. */
  signal: AbortSignal
  env: Readonly<Record<string, string | undefined>>
  readFile(path: string): string
  cluster(): ClusterSource
  /** Moves whenever the cluster does; 0 where no block looks at it. */
  generation(): number
  loadMetrics(): Promise<DnsMetrics>
}

/** Every address and port that leads to a listener on this one: a wildcard is all of the machine's. */
const ownPoints = ({ address, port }: ListenPoint): string[] => {
  if (address !== '0.0.0.0' && address !== '::') return [pointName({ address, port })]
  const family = address === '::' ? 'IPv6' : 'IPv4'
  return Object.values(networkInterfaces())
    .flat()
    .flatMap(entry => (entry?.family === family ? [pointName({ address: entry.address, port })] : []))
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1'

/** One port of one server block. */
interface Part {
  source: ServerBlock
  port: number
  zones: string[]
  context: SetupContext
  points: ListenPoint[]
}

class Builder {
  readonly #input: ConfigurationInput
  readonly #sites = new Map<string, { point: ListenPoint; site: Site }>()
  readonly #blocks: Block[] = []
  #own: string[] = []
  readonly #files = new Map<string, string>()
  constructor(input: ConfigurationInput) {
    // What is read on the way is remembered; a relative path is taken from the Corefile's directory.
    const readFile = (path: string): string => {
      const whole = isAbsolute(path) ? path : join(dirname(input.file), path)
      const text = input.readFile(whole)
      this.#files.set(whole, text)
      return text
    }
    this.#input = { ...input, readFile }
    this.#files.set(input.file, input.text)
  }

  async build(): Promise<Configuration> {
    const input = this.#input
    const sources = parseCorefile({
      text: input.text,
      file: input.file,
      defaultPort: input.port,
      env: input.env,
      readFile: input.readFile,
    })
    const wantsMetrics = sources.some(source => source.directives.some(directive => directive.name === 'prometheus'))
    const metrics = wantsMetrics ? await input.loadMetrics() : undefined
    const parts = sources.flatMap(source => this.#parts(source, metrics))
    // Where everybody listens is known before anybody is set up: forward must recognise itself.
    this.#own = parts.flatMap(part => part.points.flatMap(ownPoints))
    const set = parts.map(part => ({ part, block: setUpBlock(part.source, part.context) }))
    this.#blocks.push(...set.map(({ block }) => block))
    this.#makeSites(set)
    return {
      sites: this.#sites,
      blocks: this.#blocks,
      http: this.#blocks.flatMap(block => block.http),
      reloadEveryMs: this.#blocks.find(block => block.reloadEveryMs !== undefined)?.reloadEveryMs,
      lameduckMs: Math.max(0, ...this.#blocks.map(block => block.lameduckMs)),
      files: this.#files,
    }
  }

  #parts(source: ServerBlock, metrics: DnsMetrics | undefined): Part[] {
    return [...new Set(source.keys.map(key => key.port))].map(port => {
      const zones = source.keys.filter(key => key.port === port).map(key => key.zone)
      const context = this.#context(zones, port, metrics)
      const bound = bindOf(source, context)
      const addresses = bound.length === 0 ? this.#input.addresses : bound
      return { source, port, zones, context, points: addresses.map(address => ({ address, port })) }
    })
  }

  #context(zones: readonly string[], port: number, metrics: DnsMetrics | undefined): SetupContext {
    const { log, clock, cluster, readFile, serviceAddress } = this.#input
    const siteOf = (): Site | undefined =>
      [...this.#sites.values()].find(
        ({ point, site }) => point.port === port && zones.some(zone => site.byZone.has(zone)),
      )?.site
    return {
      zones,
      port,
      log,
      clock,
      cluster,
      readFile,
      metrics,
      listening: () => this.#own,
      serverAddresses: () =>
        serviceAddress !== ''
          ? [serviceAddress]
          : [...new Set(this.#own.map(name => name.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')))].filter(
              address => !isLoopback(address),
            ),
      notReady: () => [...new Set(this.#blocks.flatMap(block => block.notReady()))],
      ask: async (name, type): Promise<Message> => {
        const site = siteOf()
        if (site === undefined) throw new Error('not listening yet')
        return askSite(site, { name, type })
      },
    }
  }

  #makeSites(set: readonly { part: Part; block: Block }[]): void {
    const { signal, generation, log } = this.#input
    const points = new Map(set.flatMap(({ part }) => part.points.map(point => [pointName(point), point] as const)))
    for (const [name, point] of points) {
      const blocks = set
        .filter(({ part }) => part.points.some(other => pointName(other) === name))
        .map(({ block }) => block)
      const onError = (err: unknown) => log.error({ err }, 'a question could not be answered')
      this.#sites.set(name, { point, site: makeSite(blocks, { generation, signal, onError }) })
    }
  }
}

/** Parses and sets up; nothing is opened or started. Throws INVALID_INPUT or NOT_IMPLEMENTED with file and line. */
export const buildConfiguration = (input: ConfigurationInput): Promise<Configuration> => new Builder(input).build()
