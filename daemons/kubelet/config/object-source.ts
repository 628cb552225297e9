import type { ConfigMap, Secret } from 'kubernetes-types/core/v1.js'
import type { KubeClient } from '../../../kube/client/client.ts'
import { Informer } from '../../../kube/client/informer.ts'
import type { Clock } from '../../../kube/clock.ts'
import type { KubeObject } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'
import { configMaps, secrets } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { ConfigSource } from '../container/env.ts'

interface Watched {
  stop: AbortController
  /** By pod uid: what to call when the object changes. */
  followers: Map<string, () => void>
}

/**
 * Config maps and secrets: read fresh from the API when a container is made, and watched one by one while a pod has
 * them mounted. A kubelet never lists what its pods do not name.
 */
export class ObjectSource implements ConfigSource {
  readonly #client: KubeClient
  readonly #options: { signal: AbortSignal; clock: Clock; onError(error: unknown): void }
  readonly #watched = new Map<string, Watched>()
  readonly #byPod = new Map<string, Set<string>>()
  constructor(client: KubeClient, options: { signal: AbortSignal; clock: Clock; onError(error: unknown): void }) {
    this.#client = client
    this.#options = options
  }

  configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    return this.#get(configMaps, namespace, name)
  }

  secret(namespace: string, name: string): Promise<Secret | undefined> {
    return this.#get(secrets, namespace, name)
  }

  /** Follows exactly these (`configmaps/NAME`, `secrets/NAME`) for a pod; an empty set ends it. */
  follow(uid: string, namespace: string, references: ReadonlySet<string>, changed: () => void): void {
    const before = this.#byPod.get(uid) ?? new Set()
    const now = new Set([...references].map(reference => `${namespace}/${reference}`))
    for (const key of before) if (!now.has(key)) this.#leave(key, uid)
    for (const key of now) if (!before.has(key)) this.#join(key, uid, changed)
    if (now.size === 0) this.#byPod.delete(uid)
    else this.#byPod.set(uid, now)
  }

  async #get<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string): Promise<T | undefined> {
    try {
      return await this.#client.get(resource, name, { namespace, signal: this.#options.signal })
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined
      throw error
    }
  }

  #join(key: string, uid: string, changed: () => void): void {
    const known = this.#watched.get(key)
    if (known !== undefined) return void known.followers.set(uid, changed)
    const [namespace = '', plural, name = ''] = key.split('/')
    const stop = new AbortController()
    const watched: Watched = { stop, followers: new Map([[uid, changed]]) }
    this.#watched.set(key, watched)
    const { clock, onError, signal } = this.#options
    const options = {
      signal: AbortSignal.any([signal, stop.signal]),
      clock,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      onError,
    }
    const tell = () => {
      for (const follower of Array.from(watched.followers.values())) follower()
    }
    const informer: Informer<ConfigMap> | Informer<Secret> =
      plural === 'secrets'
        ? new Informer(this.#client, secrets, options)
        : new Informer(this.#client, configMaps, options)
    informer.subscribe({ added: tell, updated: tell })
    informer.start()
  }

  #leave(key: string, uid: string): void {
    const watched = this.#watched.get(key)
    watched?.followers.delete(uid)
    if (watched === undefined || watched.followers.size > 0) return
    watched.stop.abort(new Error(`nobody has ${key} mounted any more`))
    this.#watched.delete(key)
  }
}
