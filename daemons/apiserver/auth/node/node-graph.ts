import type { PersistentVolume, Pod } from 'kubernetes-types/core/v1.js'
import type { VolumeAttachment } from 'kubernetes-types/storage/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import { type Draft, draftOf } from '../../kinds/draft.ts'
import type { Store, StoreEvent } from '../../store/store.ts'
import { podReferences, referenceKey, type ReferencePlural } from './pod-references.ts'

const pods = '/registry/core/pods/'
const volumes = '/registry/core/persistentvolumes/'

interface IndexedPod {
  node: string
  references: ReadonlySet<string>
}

/** The secrets a volume is mounted with, as keys. */
const volumeSecrets = ({ spec }: Draft<PersistentVolume>): string[] => {
  const home = spec?.claimRef?.namespace ?? ''
  const { azureFile, csi, cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos } = spec ?? {}
  const refs = [
    ...[cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos].map(source => source?.secretRef),
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
    azureFile && { name: azureFile.secretName, namespace: azureFile.secretNamespace },
  ]
  return refs.flatMap(ref => (ref?.name ? referenceKey('secrets', ref.namespace || home, ref.name) : []))
}

/**
 * Which node has to do with what: a pod's references lead to its node, a claim's volume to the pods of the claim, a
 * volume's secrets to the volume (upstream's node authorizer graph). Made when the first node asks, then it follows
 * the store; a pod that is known is not looked at again, for its references cannot change.
 */
export class NodeGraph {
  readonly #store: Store
  readonly #pods = new Map<string, IndexedPod>()
  /** How many pods of each node refer to a thing. */
  readonly #nodes = new Map<string, Map<string, number>>()
  readonly #volumesOfSecret = new Map<string, Set<string>>()
  readonly #secretsOfVolume = new Map<string, readonly string[]>()
  readonly #stops: (() => void)[]

  constructor(store: Store) {
    this.#store = store
    const { revision } = store
    for (const { key, object } of store.range({ prefix: pods }).entries) this.#addPod(key, object)
    for (const { key, object } of store.range({ prefix: volumes }).entries) this.#setVolume(key, object)
    this.#stops = [
      store.watch(pods, revision, event => this.#podChanged(event)),
      store.watch(volumes, revision, ({ type, entry }) =>
        this.#setVolume(entry.key, type === 'put' ? entry.object : undefined),
      ),
    ]
  }

  close(): void {
    for (const stop of this.#stops) stop()
  }

  #addPod(key: string, object: UnknownObject): void {
    const pod = draftOf<Pod>(object)
    const node = pod.spec?.nodeName ?? ''
    if (node === '') return
    const references = podReferences(pod)
    this.#pods.set(key, { node, references })
    for (const reference of references) {
      let counts = this.#nodes.get(reference)
      if (counts === undefined) this.#nodes.set(reference, (counts = new Map()))
      counts.set(node, (counts.get(node) ?? 0) + 1)
    }
  }

  #removePod(key: string): void {
    const known = this.#pods.get(key)
    if (known === undefined) return
    this.#pods.delete(key)
    for (const reference of known.references) {
      const counts = this.#nodes.get(reference)
      const left = (counts?.get(known.node) ?? 1) - 1
      if (left > 0) counts?.set(known.node, left)
      else counts?.delete(known.node)
      if (counts?.size === 0) this.#nodes.delete(reference)
    }
  }

  #podChanged({ type, entry, previous }: StoreEvent): void {
    if (type === 'put' && previous !== undefined && this.#pods.has(entry.key)) return
    this.#removePod(entry.key)
    if (type === 'put') this.#addPod(entry.key, entry.object)
  }

  #setVolume(key: string, object: UnknownObject | undefined): void {
    for (const secret of this.#secretsOfVolume.get(key) ?? []) {
      const named = this.#volumesOfSecret.get(secret)
      named?.delete(key)
      if (named?.size === 0) this.#volumesOfSecret.delete(secret)
    }
    const secrets = object === undefined ? [] : volumeSecrets(draftOf<PersistentVolume>(object))
    if (secrets.length === 0) this.#secretsOfVolume.delete(key)
    else this.#secretsOfVolume.set(key, secrets)
    for (const secret of secrets) {
      let named = this.#volumesOfSecret.get(secret)
      if (named === undefined) this.#volumesOfSecret.set(secret, (named = new Set()))
      named.add(key)
    }
  }

  #volumeReaches(node: string, key: string): boolean {
    const object = this.#store.get(key)?.object
    const claim = object && draftOf<PersistentVolume>(object).spec?.claimRef
    if (!claim) return false
    return this.reaches(node, { plural: 'persistentvolumeclaims', namespace: claim.namespace, name: claim.name })
  }

  /** Whether a pod on the node refers to an object, by itself or by a volume it mounts. */
  reaches(
    node: string,
    wanted: { plural: ReferencePlural; namespace?: string | undefined; name?: string | undefined },
  ): boolean {
    const key = referenceKey(wanted.plural, wanted.namespace ?? '', wanted.name ?? '')
    if (this.#nodes.get(key)?.has(node) === true) return true
    return [...(this.#volumesOfSecret.get(key) ?? [])].some(volume => this.#volumeReaches(node, volume))
  }

  reachesVolume(node: string, name: string): boolean {
    return this.#volumeReaches(node, `${volumes}${name}`)
  }

  runsPod(node: string, namespace: string, name: string): boolean {
    const object = this.#store.get(`${pods}${namespace}/${name}`)?.object
    return object !== undefined && draftOf<Pod>(object).spec?.nodeName === node
  }

  hasAttachment(node: string, name: string): boolean {
    const object = this.#store.get(`/registry/storage.k8s.io/volumeattachments/${name}`)?.object
    return object !== undefined && draftOf<VolumeAttachment>(object).spec?.nodeName === node
  }
}
