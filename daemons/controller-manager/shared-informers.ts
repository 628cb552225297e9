import type { Clock } from '../../kube/clock.ts'
import type { KubeClient } from '../../kube/client/client.ts'
import { Informer } from '../../kube/client/informer.ts'
import { SkiffError } from '../../kube/errors.ts'
import type { KubeObject } from '../../kube/object.ts'
import { apiVersionOf, type Resource } from '../../kube/resource.ts'
import { controllerOf } from './owner.ts'

export interface SharedInformersOptions {
  signal: AbortSignal
  clock: Clock
  onError: (error: unknown, resource: Resource<unknown>) => void
}

const specField = (object: KubeObject, field: string): string | undefined => {
  const spec = (object as { spec?: Record<string, unknown> }).spec
  const value = spec?.[field]
  return typeof value === 'string' ? value : undefined
}

const one = (value: string | undefined): readonly string[] => (value === undefined || value === '' ? [] : [value])

/**
 * Indexes that every informer has: `namespace`, `controller` (uid of the controlling owner), `node` (spec.nodeName),
 * `service` (`namespace/name` of an EndpointSlice's Service).
 */
const indexes: Record<string, (object: KubeObject) => readonly string[]> = {
  namespace: object => one(object.metadata?.namespace),
  controller: object => one(controllerOf(object)?.uid),
  node: object => one(specField(object, 'nodeName')),
  service: object => {
    const name = object.metadata?.labels?.['kubernetes.io/service-name']
    return name === undefined ? [] : [`${object.metadata?.namespace}/${name}`]
  },
}

/** One informer a resource for all controllers: the first to ask makes it. */
export class SharedInformers {
  readonly #client: KubeClient
  readonly #options: SharedInformersOptions
  readonly #informers = new Map<string, Informer<KubeObject>>()
  #started = false

  constructor(client: KubeClient, options: SharedInformersOptions) {
    this.#client = client
    this.#options = options
  }

  of<T extends KubeObject>(resource: Resource<T>): Informer<T> {
    const key = `${apiVersionOf(resource)}/${resource.plural}`
    const known = this.#informers.get(key)
    // The map is keyed by the resource itself, so the informer found under it holds its objects.
    if (known !== undefined) return known as unknown as Informer<T>
    // One made later would be read before it is synced: controllers ask for theirs when they start.
    if (this.#started) throw new SkiffError('INTERNAL', `the informer of ${resource.plural} was asked for too late`)
    const informer = new Informer<T>(this.#client, resource, {
      signal: this.#options.signal,
      clock: this.#options.clock,
      indexes,
      onError: error => this.#options.onError(error, resource),
    })
    this.#informers.set(key, informer as unknown as Informer<KubeObject>)
    return informer
  }

  start(): void {
    this.#started = true
    for (const informer of this.#informers.values()) informer.start()
  }

  /** Resolves when every informer made so far has its first list. */
  async synced(): Promise<void> {
    await Promise.all([...this.#informers.values()].map(informer => informer.synced))
  }
}
