import type { Clock } from '../../../kube/clock.ts'
import type { KubeClient } from '../../../kube/client/client.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { equalJson, type JsonObject } from '../../../kube/patch/json-value.ts'
import { hasReason } from '../../../kube/status.ts'
import type { AdmissionReader } from '../admission/plugin.ts'
import { timeText } from '../registry/registry.ts'
import { apiServices, availableOf, type RemoteApi } from './api-service.ts'
import { type Availability, checkAvailability } from './availability.ts'
import type { RemoteConnections } from './remote-connections.ts'
import { RemoteDocuments } from './remote-documents.ts'

export interface RemoteWatchOptions {
  reader: AdmissionReader
  clock: Clock
  connections: RemoteConnections
  client: KubeClient
  /** Its documents are others now. */
  onChange(): void
  onError(error: unknown): void
}

/** Upstream's: a server is looked at again after 30 s, its documents after a minute; one that fails, soon. */
const checkEveryMs = 30_000
const refreshEveryMs = 60_000
const firstRetryMs = 250

/** Looks after one aggregated API: is it there, what does it serve. */
export class RemoteWatch {
  readonly api: RemoteApi
  readonly documents: RemoteDocuments
  readonly #options: RemoteWatchOptions
  readonly #stopped = new AbortController()
  /** How often it went away, by why. */
  readonly lost = new Map<string, number>()
  #available: boolean
  #refreshAt = 0
  #wake: AbortController | undefined
  #poked = false
  constructor(api: RemoteApi, object: UnknownObject, options: RemoteWatchOptions) {
    this.api = api
    this.#options = options
    this.documents = new RemoteDocuments(api, options.connections)
    // As its last check has left it, until the next: a restart interrupts nobody.
    this.#available = availableOf(object)?.status === 'True'
  }

  get available(): boolean {
    return this.#available
  }

  isOf(api: RemoteApi): boolean {
    return equalJson(this.api as unknown as JsonObject, api as unknown as JsonObject)
  }

  stop(): void {
    this.#stopped.abort(new Error('the APIService has changed'))
  }

  /** Something it depends on has changed: looks now. */
  readonly poke = (): void => {
    this.#poked = true
    this.#wake?.abort(new Error('something has changed'))
  }

  /** Until the signal aborts, or `stop` is called. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#stopped.signal])
    let retryMs = firstRetryMs
    while (!ended.aborted) {
      this.#poked = false
      const good = await this.#look(ended).catch((error: unknown) => {
        this.#options.onError(error)
        return false
      })
      retryMs = good ? firstRetryMs : Math.min(retryMs * 2, checkEveryMs)
      await this.#rest(good ? checkEveryMs : retryMs, ended)
    }
  }

  /** Whether all is well, and told. */
  async #look(ended: AbortSignal): Promise<boolean> {
    const found = await checkAvailability(this.api, this.#options.reader, this.#options.connections)
    if (ended.aborted) return false
    if (found.status === 'True') return (await this.#write(found)) && this.#refresh()
    await this.#fail(found)
    return false
  }

  async #fail(found: Availability): Promise<void> {
    this.#refreshAt = 0
    this.documents.markStale()
    this.#options.onChange()
    await this.#write(found)
  }

  async #rest(ms: number, ended: AbortSignal): Promise<void> {
    if (this.#poked) return
    this.#wake = new AbortController()
    try {
      await this.#options.clock.sleep(ms, AbortSignal.any([ended, this.#wake.signal]))
    } catch {
      // Woken, or over: the loop looks.
    }
    this.#wake = undefined
  }

  /** Whether the documents are as they should be. */
  async #refresh(): Promise<boolean> {
    const now = this.#options.clock.now()
    if (now < this.#refreshAt) return true
    try {
      await this.documents.refresh()
      this.#refreshAt = now + refreshEveryMs
      return true
    } catch {
      return false
    } finally {
      this.#options.onChange()
    }
  }

  /** Tells it in the APIService's status, where it is not told yet. False: the object has changed meanwhile. */
  async #write({ status, reason, message }: Availability): Promise<boolean> {
    if (this.#available && status !== 'True') this.lost.set(reason, (this.lost.get(reason) ?? 0) + 1)
    this.#available = status === 'True'
    const { reader, client, clock } = this.#options
    const live = reader.get('apiregistration.k8s.io', 'apiservices', '', this.api.name)
    if (live === undefined) return true
    const old = availableOf(live)
    if (old?.status === status && old.reason === reason && old.message === message) return true
    const lastTransitionTime =
      old?.status === status && old.lastTransitionTime !== undefined ? old.lastTransitionTime : timeText(clock.now())
    const condition = { type: 'Available', status, reason, message, lastTransitionTime }
    const others = ((live['status'] as { conditions?: JsonObject[] } | undefined)?.conditions ?? []).filter(
      ({ type }) => type !== 'Available',
    )
    try {
      const object = { ...live, status: { conditions: [...others, condition] } }
      await client.update(apiServices, object, { subresource: 'status' })
      return true
    } catch (error) {
      if (!hasReason(error, 'Conflict', 'NotFound')) throw error
      return false
    }
  }
}
