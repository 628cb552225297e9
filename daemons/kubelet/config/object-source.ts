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
  /** One of the two. */
  configMap?: Informer<ConfigMap>
  secret?: Informer<Secret>
  /** By pod uid: what to call when the object changes. */
  followers: Map<string, () => void>
}

/**
 * Config maps and secrets: watched one by one while a pod has them mounted, and read from the API while nobody has. A
 * kubelet never lists what its pods do not name. What is watched is not asked for again: every pod mounts the ConfigMap
 * with the cluster's certificate.
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

  async configMap(namespace: string, name: string): Promise<ConfigMap | undefined> {
    const watched = this.#watched.get(`${namespace}/${configMaps.plural}/${name}`)
    return watched?.configMap?.get(`${namespace}/${name}`) ?? this.#get(configMaps, namespace, name)
  }

  async secret(namespace: string, name: string): Promise<Secret | undefined> {
    const watched = this.#watched.get(`${namespace}/${secrets.plural}/${name}`)
    return watched?.secret?.get(`${namespace}/${name}`) ?? this.#get(secrets, namespace, name)
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
    const informer =
      plural === secrets.plural
        ? (watched.secret = new Informer(this.#client, secrets, options))
        : (watched.configMap = new Informer(this.#client, configMaps, options))
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
