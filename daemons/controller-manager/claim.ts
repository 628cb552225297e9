import type { KubeObject, OwnerReference } from '../../kube/object.ts'
import { controllerOf, isDeleting } from './owner.ts'

export interface Claim<T> {
  /** Under this owner's control already, and still selected. */
  owned: T[]
  /** Selected, with no controller: to be adopted. */
  adopt: T[]
  /** Under its control and no longer selected: to be let go. */
  release: T[]
}

/**
 * Sorts objects of the owner's namespace by what the owner is to do with each. An owner on its way out adopts and
 * releases nothing.
 */
export const claim = <T extends KubeObject>(
  owner: KubeObject,
  objects: readonly T[],
  selected: (object: T) => boolean,
): Claim<T> => {
  const result: Claim<T> = { owned: [], adopt: [], release: [] }
  for (const object of objects) {
    const controller = controllerOf(object)
    if (controller !== undefined && controller.uid !== owner.metadata?.uid) continue
    if (controller !== undefined && selected(object)) result.owned.push(object)
    else if (isDeleting(owner) || isDeleting(object)) continue
    else if (controller !== undefined) result.release.push(object)
    else if (selected(object)) result.adopt.push(object)
  }
  return result
}

/** Merge patch that puts the object under a controller; the version makes two adopters collide instead of both winning. */
export const adoptPatch = (object: KubeObject, reference: OwnerReference): unknown => ({
  metadata: {
    resourceVersion: object.metadata?.resourceVersion,
    ownerReferences: [...(object.metadata?.ownerReferences ?? []), reference],
  },
})

/** Merge patch that takes these owners off the object. */
export const releasePatch = (object: KubeObject, uids: readonly string[]): unknown => {
  const left = (object.metadata?.ownerReferences ?? []).filter(owner => !uids.includes(owner.uid))
  return {
    metadata: {
      resourceVersion: object.metadata?.resourceVersion,
      ownerReferences: left.length === 0 ? null : left,
    },
  }
}
