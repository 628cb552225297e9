import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import { desiredAnnotation, maxAnnotation } from './revision.ts'
import { availableOf, isRollingUpdate, olderFirst, replicasOf, rolloutLimits, sumOf } from './rollout-limits.ts'

/** A ReplicaSet and the replicas it is to have. */
export interface Resize {
  set: ReplicaSet
  replicas: number
}

/** How many replicas the current set may have now, given what all sets have together. */
export const currentReplicas = (
  deployment: Deployment,
  all: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
): number => {
  const wanted = replicasOf(deployment)
  const has = current === undefined ? 0 : replicasOf(current)
  if (!isRollingUpdate(deployment)) return wanted
  const most = wanted + rolloutLimits(deployment).maxSurge
  const room = most - sumOf(all, replicasOf)
  return room <= 0 ? has : has + Math.min(room, wanted - has)
}

/** One step of a rolling update: up with the new set first, and only if that may not grow, down with the old ones. */
export const rollingStep = (deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Resize[] => {
  const wanted = replicasOf(deployment)
  const has = replicasOf(current)
  if (has > wanted) return [{ set: current, replicas: wanted }]
  const next = has === wanted ? has : currentReplicas(deployment, [...old, current], current)
  if (next !== has) return [{ set: current, replicas: next }]
  return shrinkOld(deployment, current, old)
}

/** Which old sets may give up how many: first the replicas that do not work anyway, then those that the minimum allows. */
export const shrinkOld = (deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): Resize[] => {
  const minAvailable = replicasOf(deployment) - rolloutLimits(deployment).maxUnavailable
  const total = sumOf(old, replicasOf) + replicasOf(current)
  const currentUnavailable = replicasOf(current) - availableOf(current)
  const budget = total - minAvailable - currentUnavailable
  if (sumOf(old, replicasOf) === 0 || budget <= 0) return []
  const sorted = [...old].sort(olderFirst)
  const sizes = new Map(sorted.map(set => [set, replicasOf(set)] as const))
  const take = (set: ReplicaSet, count: number) => sizes.set(set, (sizes.get(set) ?? 0) - count)
  let unhealthy = budget
  for (const set of sorted) {
    const count = Math.min(unhealthy, Math.max(0, replicasOf(set) - availableOf(set)))
    unhealthy -= count
    take(set, count)
  }
  let spare = Math.max(0, sumOf(sorted, availableOf) + availableOf(current) - minAvailable)
  for (const set of sorted) {
    const count = Math.min(spare, sizes.get(set) ?? 0)
    spare -= count
    take(set, count)
  }
  return sorted.flatMap(set => {
    const replicas = sizes.get(set) ?? 0
    return replicas === replicasOf(set) ? [] : [{ set, replicas }]
  })
}

/** All wanted replicas are the current set's, and available. */
const isSaturated = (deployment: Deployment, current: ReplicaSet): boolean =>
  replicasOf(current) === replicasOf(deployment) &&
  Number(current.metadata?.annotations?.[desiredAnnotation]) === replicasOf(deployment) &&
  availableOf(current) === replicasOf(deployment)

/**
 * Follows a changed spec.replicas outside a rollout step: the only active set gets them all; during a rollout (or
 * while paused in one) each active set grows or shrinks by its share, and the largest takes the remainder.
 */
export const scaleProportionally = (
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Resize[] => {
  const wanted = replicasOf(deployment)
  const all = current === undefined ? [...old] : [current, ...old]
  const active = all.filter(set => replicasOf(set) > 0)
  if (active.length <= 1) {
    const only = active[0] ?? current ?? [...old].sort(olderFirst).at(-1)
    return only === undefined || replicasOf(only) === wanted ? [] : [{ set: only, replicas: wanted }]
  }
  if (current !== undefined && isSaturated(deployment, current))
    return old.filter(set => replicasOf(set) > 0).map(set => ({ set, replicas: 0 }))
  if (!isRollingUpdate(deployment)) return []
  return shares(deployment, active)
}

const shares = (deployment: Deployment, active: readonly ReplicaSet[]): Resize[] => {
  const wanted = replicasOf(deployment)
  const allowed = wanted > 0 ? wanted + rolloutLimits(deployment).maxSurge : 0
  const toAdd = allowed - sumOf(active, replicasOf)
  const bySize = (a: ReplicaSet, b: ReplicaSet) =>
    replicasOf(b) - replicasOf(a) || (toAdd > 0 ? -olderFirst(a, b) : olderFirst(a, b))
  let added = 0
  const resizes = [...active].sort(bySize).map(set => {
    const left = toAdd - added
    const share = toAdd === 0 || left === 0 ? 0 : shareOf(deployment, set)
    const part = toAdd > 0 ? Math.min(share, left) : Math.max(share, left)
    added += part
    return { set, replicas: replicasOf(set) + part }
  })
  const first = resizes[0]
  if (first !== undefined) first.replicas = Math.max(0, first.replicas + toAdd - added)
  return resizes
}

/** By how much a set changes if it keeps its part of the whole; the whole it was made for is in its annotation. */
const shareOf = (deployment: Deployment, set: ReplicaSet): number => {
  const has = replicasOf(set)
  const wanted = replicasOf(deployment)
  if (wanted === 0) return -has
  const noted = Number(set.metadata?.annotations?.[maxAnnotation] ?? '0')
  const before = noted > 0 ? noted : (deployment.status?.replicas ?? 0)
  if (before <= 0) return 0
  return Math.round((has * (wanted + rolloutLimits(deployment).maxSurge)) / before) - has
}
