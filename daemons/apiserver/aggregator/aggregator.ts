import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { Counter, Gauge, type Registry as MetricsRegistry } from 'prom-client'
import type { KubeClient } from '../../../kube/client/client.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import type { UserInfo } from '../auth/user-info.ts'
import type { FullReply } from '../proxy/copy-answer.ts'
import type { FullRequest } from '../proxy/forward-request.ts'
import type { Registry } from '../registry/registry.ts'
import type { RemoteVersion } from '../schema/remote-version.ts'
import { apiKey, apiServicesPrefix, type RemoteApi, remoteApiOf } from './api-service.ts'
import { planRegistration, registerLocal } from './local-api-services.ts'
import { passOnRequest, passOnUpgrade } from './pass-on.ts'
import { RemoteConnections, type ProxyIdentity } from './remote-connections.ts'
import { RemoteWatch } from './remote-watch.ts'

export interface AggregatorOptions {
  registry: Registry
  /** The server's own. */
  client: KubeClient
  identity: ProxyIdentity
  signal: AbortSignal
  onError(error: unknown): void
}

/** The remote APIs that change with a Service or its endpoints. */
const watchedPrefixes = ['/registry/core/services/', '/registry/discovery.k8s.io/endpointslices/']

/**
 * Group versions that other servers serve, as APIServices say (apiregistration.k8s.io): whom to pass requests on to,
 * whether they can be reached, and what they add to discovery and OpenAPI. And the APIServices of what is served here.
 */
export class Aggregator {
  readonly #options: AggregatorOptions
  readonly #connections: RemoteConnections
  readonly #byKey = new Map<string, RemoteWatch>()
  #versions: readonly RemoteVersion[] = []
  #stopWatching: (() => void) | undefined
  #registering: Promise<void> | undefined
  #registerAgain = false
  constructor(options: AggregatorOptions) {
    this.#options = options
    this.#connections = new RemoteConnections(options.registry.reader, options.identity)
  }

  /** Registers what is served here before it resolves, then goes on by itself. Returns what stops it. */
  async start(): Promise<() => void> {
    const { registry } = this.#options
    await this.#register()
    const { entries, revision } = registry.store.range({ prefix: apiServicesPrefix })
    for (const entry of entries) this.#changed(entry.object)
    const stop = registry.store.watch(apiServicesPrefix, revision, ({ type, entry }) => {
      if (type === 'delete') this.#removed(entry.object)
      else this.#changed(entry.object)
      if (type === 'delete') this.#registerSoon()
    })
    const stopKinds = registry.kinds.onChange(() => this.#registerSoon())
    return () => {
      stop()
      stopKinds()
      this.#stopWatching?.()
      for (const watch of this.#byKey.values()) watch.stop()
      this.#connections.close()
    }
  }

  /** What they add to discovery and OpenAPI: another array after each change. */
  get versions(): readonly RemoteVersion[] {
    return this.#versions
  }

  /** Whether another server serves this path. */
  serves(path: string): boolean {
    return this.#byKey.size > 0 && this.#at(path) !== undefined
  }

  /** Passes a request on; `user`: who makes it, authorized already. */
  async serve(from: FullRequest, to: FullReply, user: UserInfo): Promise<void> {
    const url = from.url ?? '/'
    const watch = this.#at(url)
    if (watch !== undefined) await passOnRequest({ from, to, user }, watch, this.#connections)
  }

  async upgrade(from: IncomingMessage, client: { socket: Duplex; head: Buffer }, user: UserInfo): Promise<void> {
    const watch = this.#at(from.url ?? '/')
    if (watch !== undefined) await passOnUpgrade({ from, client, user }, watch, this.#connections)
  }

  addTo(register: MetricsRegistry): void {
    const byKey = this.#byKey
    new Gauge({
      name: 'aggregator_unavailable_apiservice',
      help: 'Whether an aggregated API cannot be reached (1) or can (0).',
      labelNames: ['name'],
      registers: [register],
      collect() {
        this.reset()
        for (const { api, available } of byKey.values()) this.set({ name: api.name }, available ? 0 : 1)
      },
    })
    new Counter({
      name: 'aggregator_unavailable_apiservice_total',
      help: 'How often an aggregated API could be reached no more, by why.',
      labelNames: ['name', 'reason'],
      registers: [register],
      collect() {
        this.reset()
        for (const { api, lost } of byKey.values())
          for (const [reason, count] of lost) this.inc({ name: api.name, reason }, count)
      },
    })
  }

  #at(url: string): RemoteWatch | undefined {
    if (!url.startsWith('/apis/')) return undefined
    const [, , group, version = ''] = url.split('/', 4)
    return this.#byKey.get(`${group}/${version.split('?', 1)[0]}`)
  }

  #publish(): void {
    this.#versions = [...this.#byKey.values()].map(({ documents }) => documents.current)
  }

  #changed(object: UnknownObject): void {
    const api = remoteApiOf(object)
    if (api === undefined) return this.#removed(object)
    const known = this.#byKey.get(apiKey(api))
    if (known?.isOf(api) === true) return
    known?.stop()
    this.#byKey.set(apiKey(api), this.#watch(api, object))
    this.#publish()
    this.#stopWatching ??= this.#watchServices()
  }

  #removed(object: UnknownObject): void {
    for (const [key, watch] of this.#byKey)
      if (watch.api.name === object.metadata?.name) {
        watch.stop()
        this.#connections.forget(watch.api.name)
        this.#connections.forget(`${watch.api.name}#check`)
        this.#byKey.delete(key)
        this.#publish()
      }
    if (this.#byKey.size > 0) return
    this.#stopWatching?.()
    this.#stopWatching = undefined
  }

  #watch(api: RemoteApi, object: UnknownObject): RemoteWatch {
    const { registry, client, signal, onError } = this.#options
    const watch = new RemoteWatch(api, object, {
      reader: registry.reader,
      clock: registry.clock,
      connections: this.#connections,
      client,
      onChange: () => this.#publish(),
      onError,
    })
    // Not within the commit that tells of it.
    setImmediate(() => void watch.run(signal).catch(onError))
    return watch
  }

  /** Only while there is somebody to look after: Services change all the time. */
  #watchServices(): () => void {
    const { store } = this.#options.registry
    const stops = watchedPrefixes.map(prefix =>
      store.watch(prefix, store.revision, ({ entry }) => {
        const { name = '', namespace, labels } = entry.object.metadata ?? {}
        const service = prefix.includes('slices') ? labels?.['kubernetes.io/service-name'] : name
        for (const { api, poke } of this.#byKey.values())
          if (api.service.name === service && api.service.namespace === namespace) poke()
      }),
    )
    return () => stops.forEach(stop => stop())
  }

  #registerSoon(): void {
    this.#registerAgain = true
    if (this.#registering !== undefined || this.#options.signal.aborted) return
    this.#registering = new Promise<void>(resolve => setImmediate(resolve))
      .then(async () => {
        while (this.#registerAgain && !this.#options.signal.aborted) await this.#register()
      })
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => (this.#registering = undefined))
  }

  async #register(): Promise<void> {
    this.#registerAgain = false
    const { registry, client } = this.#options
    const stored = registry.reader.list('apiregistration.k8s.io', 'apiservices')
    await registerLocal(client, planRegistration(registry.kinds, stored))
  }
}
