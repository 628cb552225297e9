import type { KubeClient } from '../../../kube/client/client.ts'
import { Informer } from '../../../kube/client/informer.ts'
import type { KubeObject } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'
import { endpointSlices, namespaces, pods, services } from '../../../kube/resources.ts'
import { ClusterIndex } from './cluster-index.ts'

/** The cluster as the `kubernetes` plugin sees it. */
export interface ClusterSource {
  readonly index: ClusterIndex
  /** False until everything was listed once. */
  synced(): boolean
  /** Resolves when it is; rejects when the daemon stops before. */
  readonly whenSynced: Promise<void>
  /** Pods cost memory, so they are watched from the first time a Corefile says `pods verified`. */
  watchPods(): void
}

interface Options {
  signal: AbortSignal
  onError(error: unknown): void
}

/** Starts the informers and keeps the index. One source serves every block and outlives reloads of the Corefile. */
export const watchCluster = (client: KubeClient, { signal, onError }: Options): ClusterSource => {
  const index = new ClusterIndex()
  const waiting: Promise<void>[] = []
  let pending = 0
  const watch = <T extends KubeObject>(
    resource: Resource<T>,
    set: (object: T) => void,
    remove: (object: T) => void,
  ) => {
    const informer = new Informer<T>(client, resource, { signal, onError })
    informer.subscribe({ added: set, updated: set, deleted: remove })
    informer.start()
    pending++
    waiting.push(informer.synced.then(() => void pending--))
  }
  watch(
    namespaces,
    object => index.setNamespace(object),
    object => index.removeNamespace(object),
  )
  watch(
    services,
    object => index.setService(object),
    object => index.removeService(object),
  )
  watch(
    endpointSlices,
    object => index.setSlice(object),
    object => index.removeSlice(object),
  )
  const whenSynced = Promise.all(waiting).then(() => {})
  // Who stops before the first list is in does not want to hear of it again.
  whenSynced.catch(() => {})
  let podsWatched = false
  return {
    index,
    synced: () => pending === 0,
    whenSynced,
    watchPods: () => {
      if (podsWatched) return
      podsWatched = true
      watch(
        pods,
        object => index.setPod(object),
        object => index.removePod(object),
      )
      waiting.at(-1)?.catch(() => {})
    },
  }
}
