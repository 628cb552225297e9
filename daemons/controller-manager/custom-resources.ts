import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js'
import type { Clock } from '../../kube/clock.ts'
import type { KubeClient } from '../../kube/client/client.ts'
import { Informer } from '../../kube/client/informer.ts'
import type { KubeObject } from '../../kube/object.ts'
import { apiVersionOf, type Resource } from '../../kube/resource.ts'

export interface CustomResourcesOptions {
  client: KubeClient
  /** Asked for by the first subscriber: who needs no custom resources watches no definitions. */
  definitions(): Informer<CustomResourceDefinition>
  signal: AbortSignal
  clock: Clock
  onError(error: unknown, resource: Resource<unknown>): void
}

export interface CustomResourcesHandler {
  /** The informer is started after every subscriber was told. */
  added(resource: Resource<KubeObject>, informer: Informer<KubeObject>): void
  removed(resource: Resource<KubeObject>): void
}

interface Followed {
  resource: Resource<KubeObject>
  informer: Informer<KubeObject>
  stop: AbortController
}

/** The resource as it is served best: in the version that it is stored in, where that is served. */
const resourceOf = ({ spec, status }: CustomResourceDefinition): Resource<KubeObject> | undefined => {
  if (status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') !== true)
    return undefined
  const served = spec.versions.filter(version => version.served)
  const version = served.find(({ storage }) => storage) ?? served[0]
  if (version === undefined) return undefined
  const { kind, plural } = status.acceptedNames ?? spec.names
  return { group: spec.group, version: version.name, kind, plural, namespaced: spec.scope === 'Namespaced' }
}

const sameResource = (a: Resource<unknown>, b: Resource<unknown>): boolean =>
  apiVersionOf(a) === apiVersionOf(b) && a.kind === b.kind && a.namespaced === b.namespaced

/** Follows the kinds that CustomResourceDefinitions bring: one informer each, from Established until the definition is gone. */
export class CustomResources {
  readonly #options: CustomResourcesOptions
  readonly #followed = new Map<string, Followed>()
  readonly #handlers: CustomResourcesHandler[] = []
  constructor(options: CustomResourcesOptions) {
    this.#options = options
  }

  /** Those that are served now. */
  get all(): Resource<KubeObject>[] {
    return [...this.#followed.values()].map(({ resource }) => resource)
  }

  /** To be called while controllers start, as every informer is asked for then. */
  subscribe(handler: CustomResourcesHandler): void {
    this.#handlers.push(handler)
    if (this.#handlers.length > 1) return
    const changed = (definition: CustomResourceDefinition): void =>
      this.#follow(definition.metadata?.name ?? '', resourceOf(definition))
    this.#options.definitions().subscribe({
      added: changed,
      updated: changed,
      deleted: definition => this.#follow(definition.metadata?.name ?? '', undefined),
    })
  }

  #follow(name: string, resource: Resource<KubeObject> | undefined): void {
    const followed = this.#followed.get(name)
    if (followed !== undefined && resource !== undefined && sameResource(followed.resource, resource)) return
    if (followed !== undefined) {
      followed.stop.abort(new Error(`${followed.resource.plural} are not served any more`))
      this.#followed.delete(name)
      for (const handler of this.#handlers) handler.removed(followed.resource)
    }
    if (resource === undefined) return
    const { client, clock, signal, onError } = this.#options
    const stop = new AbortController()
    const informer = new Informer<KubeObject>(client, resource, {
      signal: AbortSignal.any([signal, stop.signal]),
      clock,
      indexes: { namespace: ({ metadata }) => (metadata?.namespace === undefined ? [] : [metadata.namespace]) },
      onError: error => onError(error, resource),
    })
    this.#followed.set(name, { resource, informer, stop })
    for (const handler of this.#handlers) handler.added(resource, informer)
    informer.start()
  }
}
