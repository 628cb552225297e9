import type { PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import { objectKey, type KubeObject } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'
import { persistentVolumeClaims, persistentVolumes, pods } from '../../../kube/resources.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { removeFinalizer } from '../finalizer.ts'
import { isDeleting } from '../owner.ts'
import { applyWrite, patchWrite } from '../write.ts'

const claimFinalizer = 'kubernetes.io/pvc-protection'
const volumeFinalizer = 'kubernetes.io/pv-protection'

/** The finalizer is put on whatever lives without it, and taken off what is deleted and not in use. */
const keepFinalizer = async <T extends KubeObject>(
  context: ControllerContext,
  resource: Resource<T>,
  { object, finalizer, isUsed }: { object: T; finalizer: string; isUsed: () => boolean | Promise<boolean> },
): Promise<void> => {
  const { finalizers = [], resourceVersion } = object.metadata ?? {}
  const has = finalizers.includes(finalizer)
  if (isDeleting(object)) {
    if (has && !(await isUsed())) await removeFinalizer(context, resource, { object, finalizer })
  } else if (!has) {
    const patch = { metadata: { resourceVersion, finalizers: [...finalizers, finalizer] } }
    await applyWrite(context.client, patchWrite(resource, object, patch), context.signal)
  }
}

/** Claims that a pod names, by their keys. */
const claimsOf = ({ metadata, spec }: Pod): string[] =>
  (spec?.volumes ?? []).flatMap(({ persistentVolumeClaim }) =>
    persistentVolumeClaim === undefined ? [] : [`${metadata?.namespace}/${persistentVolumeClaim.claimName}`],
  )

/** Only a pod that has a node uses its claims: no kubelet starts another once the claim is being deleted. */
const uses = (pod: Pod, key: string): boolean => (pod.spec?.nodeName ?? '') !== '' && claimsOf(pod).includes(key)

/** Holds claims back from their deletion until no pod uses them. */
export const startClaimProtectionController: StartController = context => {
  const { informers, client, signal } = context
  const claims = informers.of(persistentVolumeClaims)
  const queue = context.startQueue('pvcprotection', 1, async key => {
    const object = claims.get(key)
    if (object === undefined) return
    const namespace = object.metadata?.namespace ?? ''
    const isUsed = async (): Promise<boolean> => {
      if (
        informers
          .of(pods)
          .byIndex('namespace', namespace)
          .some(pod => uses(pod, key))
      )
        return true
      // Asked afresh: a pod may have been given its node a moment ago.
      const live = await client.list(pods, { namespace, signal })
      return live.items.some(pod => uses(pod, key))
    }
    await keepFinalizer(context, persistentVolumeClaims, { object, finalizer: claimFinalizer, isUsed })
  })
  const add = (claim: PersistentVolumeClaim): void => queue.add(objectKey(claim))
  claims.subscribe({ added: add, updated: add })
  const addClaims = (pod: Pod): void => {
    for (const key of claimsOf(pod)) queue.add(key)
  }
  informers.of(pods).subscribe({ deleted: addClaims })
}

/** Holds volumes back from their deletion while a claim is bound to them. */
export const startVolumeProtectionController: StartController = context => {
  const volumes = context.informers.of(persistentVolumes)
  const queue = context.startQueue('pvprotection', 1, async key => {
    const object = volumes.get(key)
    if (object === undefined) return
    const isUsed = (): boolean => object.status?.phase === 'Bound'
    await keepFinalizer(context, persistentVolumes, { object, finalizer: volumeFinalizer, isUsed })
  })
  const add = (volume: PersistentVolume): void => queue.add(objectKey(volume))
  volumes.subscribe({ added: add, updated: add })
}
