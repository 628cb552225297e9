import type { OwnerReference } from '../../../kube/object.ts'

export type OwnerState = 'solid' | 'absent' | 'waiting'

export interface OwnedObject {
  isDeleting: boolean
  finalizers: readonly string[]
  /** Each owner with what is known of it; waiting: it is deleted in the foreground and waits for its dependents. */
  owners: readonly { reference: OwnerReference; state: OwnerState }[]
  hasDependents: boolean
}

export type CollectPlan =
  | { kind: 'none' }
  /** Take these owners off the object: others still hold it. */
  | { kind: 'release'; uids: string[] }
  /** First let the owners that wait for it go on (a circle of dependents would never end), then delete in the foreground. */
  | { kind: 'delete'; policy: 'Foreground' | 'Background' | 'Orphan'; unblock: boolean }

const policyOf = (finalizers: readonly string[]): 'Foreground' | 'Background' | 'Orphan' => {
  if (finalizers.includes('orphan')) return 'Orphan'
  return finalizers.includes('foregroundDeletion') ? 'Foreground' : 'Background'
}

/**
 * What becomes of an object by its owners, as upstream decides it: any owner that stands keeps it; with none left it
 * goes, in the foreground when an owner waits for it and it has dependents itself.
 */
export const planCollect = (object: OwnedObject): CollectPlan => {
  if (object.isDeleting || object.owners.length === 0) return { kind: 'none' }
  const inState = (state: OwnerState) => object.owners.filter(owner => owner.state === state)
  const lost = [...inState('absent'), ...inState('waiting')]
  if (inState('solid').length > 0)
    return lost.length === 0 ? { kind: 'none' } : { kind: 'release', uids: lost.map(owner => owner.reference.uid) }
  if (inState('waiting').length > 0 && object.hasDependents)
    return { kind: 'delete', policy: 'Foreground', unblock: true }
  return { kind: 'delete', policy: policyOf(object.finalizers), unblock: false }
}

/** What a deleted object's own finalizers ask for, with respect to those that depend on it. */
export type FinalizePlan = 'none' | 'orphan-dependents' | 'delete-dependents' | 'finish-foreground'

export const planFinalize = (
  object: { isDeleting: boolean; finalizers: readonly string[] },
  blockingDependents: number,
): FinalizePlan => {
  if (!object.isDeleting) return 'none'
  if (object.finalizers.includes('orphan')) return 'orphan-dependents'
  if (!object.finalizers.includes('foregroundDeletion')) return 'none'
  return blockingDependents === 0 ? 'finish-foreground' : 'delete-dependents'
}
