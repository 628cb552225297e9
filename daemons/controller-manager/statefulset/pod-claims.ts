import type { StatefulSet } from 'kubernetes-types/apps/v1.js'
import type { PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import type { OwnerReference } from '../../../kube/object.ts'
import { pods, statefulSets } from '../../../kube/resources.ts'
import { controllerReference, isDeleting } from '../owner.ts'
import { claimName, isInRange, ordinalOf } from './stateful-pod.ts'

/** The claims of one pod, as they are to be made. */
export const claimsOf = (set: StatefulSet, pod: Pod): PersistentVolumeClaim[] => {
  const ordinal = ordinalOf(set, pod)
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata = {}, spec }) => ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: claimName(set, metadata.name ?? '', ordinal),
      namespace: set.metadata?.namespace ?? '',
      labels: { ...metadata.labels, ...set.spec?.selector?.matchLabels },
      ...(metadata.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ...(metadata.finalizers === undefined ? {} : { finalizers: metadata.finalizers }),
    },
    ...(spec === undefined ? {} : { spec }),
  }))
}

type Policy = NonNullable<NonNullable<StatefulSet['spec']>['persistentVolumeClaimRetentionPolicy']>

const policyOf = (set: StatefulSet): Policy => set.spec?.persistentVolumeClaimRetentionPolicy ?? {}

/** Somebody else's controller decides when this claim goes. */
const hasOtherController = (claim: PersistentVolumeClaim, set: StatefulSet, pod: Pod): boolean =>
  (claim.metadata?.ownerReferences ?? []).some(
    ({ controller, uid }) => controller === true && uid !== set.metadata?.uid && uid !== pod.metadata?.uid,
  )

/**
 * Who owns a claim, by the set's retention policy: with the set it goes when the set goes, with the pod when a pod that
 * is scaled away goes; the garbage collector does the rest (KEP-1847).
 */
export const claimOwners = (set: StatefulSet, pod: Pod, claim: PersistentVolumeClaim): OwnerReference[] => {
  const others = (claim.metadata?.ownerReferences ?? []).filter(
    ({ kind, name, uid }) =>
      uid !== set.metadata?.uid &&
      uid !== pod.metadata?.uid &&
      // An earlier pod of the same name would take the claim along.
      !(kind === 'Pod' && name === pod.metadata?.name) &&
      !(kind === statefulSets.kind && name === set.metadata?.name),
  )
  if (hasOtherController(claim, set, pod)) return others
  const { whenScaled = 'Retain', whenDeleted = 'Retain' } = policyOf(set)
  const scaledAway = !isInRange(set, ordinalOf(set, pod))
  const owner = whenScaled === 'Delete' && scaledAway ? 'pod' : whenDeleted === 'Delete' ? 'set' : undefined
  switch (owner) {
    case 'pod':
      return [...others, controllerReference(pod, pods)]
    case 'set':
      return [...others, controllerReference(set, statefulSets)]
    case undefined:
      return others
  }
}

export const ownersMatch = (set: StatefulSet, pod: Pod, claim: PersistentVolumeClaim): boolean => {
  const wanted = claimOwners(set, pod, claim)
  return isDeepStrictEqual(wanted, claim.metadata?.ownerReferences ?? [])
}

/** A claim that is on its way out, or goes with an earlier pod of the name: the next pod waits until it is gone. */
export const isStale = (set: StatefulSet, claim: PersistentVolumeClaim, pod: Pod): boolean =>
  isDeleting(claim) ||
  (policyOf(set).whenScaled === 'Delete' &&
    (claim.metadata?.ownerReferences ?? []).some(
      ({ kind, name, uid }) => kind === 'Pod' && name === pod.metadata?.name && uid !== pod.metadata?.uid,
    ))
