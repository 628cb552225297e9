import type { ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { timestamp } from '../controller-context.ts'
import { isDeleting } from '../owner.ts'
import { isPodAvailable, isPodReady } from '../pod-state.ts'
import { deletionOrder } from './pod-ranking.ts'

/** Upstream's: no more than this many pods are made or deleted in one pass. */
const burst = 500

export type ReplicaPlan = { kind: 'none' } | { kind: 'create'; count: number } | { kind: 'delete'; pods: Pod[] }

/** What brings the number of active pods to spec.replicas. `related`: see deletionOrder. */
export const planReplicas = (
  replicaSet: ReplicaSet,
  active: readonly Pod[],
  related: readonly Pod[],
  nowMs: number,
): ReplicaPlan => {
  if (isDeleting(replicaSet)) return { kind: 'none' }
  const surplus = active.length - (replicaSet.spec?.replicas ?? 1)
  if (surplus === 0) return { kind: 'none' }
  if (surplus < 0) return { kind: 'create', count: Math.min(-surplus, burst) }
  const order = surplus >= active.length ? [...active] : deletionOrder(active, related, nowMs)
  return { kind: 'delete', pods: order.slice(0, Math.min(surplus, burst)) }
}

export interface ReplicaFailure {
  reason: 'FailedCreate' | 'FailedDelete'
  message: string
}

const isFullyLabeled = (replicaSet: ReplicaSet, pod: Pod): boolean =>
  Object.entries(replicaSet.spec?.template?.metadata?.labels ?? {}).every(
    ([key, value]) => pod.metadata?.labels?.[key] === value,
  )

const conditionsOf = (
  replicaSet: ReplicaSet,
  failure: ReplicaFailure | undefined,
  nowMs: number,
): ReplicaSetCondition[] => {
  const others = (replicaSet.status?.conditions ?? []).filter(condition => condition.type !== 'ReplicaFailure')
  if (failure === undefined) return others
  const known = replicaSet.status?.conditions?.find(condition => condition.type === 'ReplicaFailure')
  // As upstream: the first message of a reason stays, or the status would be written at each attempt.
  if (known?.reason === failure.reason) return [...others, known]
  const lastTransitionTime = timestamp(nowMs)
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime, ...failure }]
}

/** The status that the pods give; undefined when it is the one that stands. */
export const planReplicaSetStatus = (
  replicaSet: ReplicaSet,
  active: readonly Pod[],
  failure: ReplicaFailure | undefined,
  nowMs: number,
): ReplicaSetStatus | undefined => {
  const minReadySeconds = replicaSet.spec?.minReadySeconds ?? 0
  const conditions = conditionsOf(replicaSet, failure, nowMs)
  const ready = active.filter(isPodReady)
  const available = ready.filter(pod => isPodAvailable(pod, minReadySeconds, nowMs))
  const labeled = active.filter(pod => isFullyLabeled(replicaSet, pod))
  const status: ReplicaSetStatus = {
    replicas: active.length,
    ...(labeled.length === 0 ? {} : { fullyLabeledReplicas: labeled.length }),
    ...(ready.length === 0 ? {} : { readyReplicas: ready.length }),
    ...(available.length === 0 ? {} : { availableReplicas: available.length }),
    ...(replicaSet.metadata?.generation === undefined ? {} : { observedGeneration: replicaSet.metadata.generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  }
  return isDeepStrictEqual(status, withoutZeros(replicaSet.status)) ? undefined : status
}

/** Servers may fill in zeros that another leaves out. */
const withoutZeros = (status: ReplicaSetStatus | undefined): unknown => {
  if (status === undefined) return undefined
  const { replicas, conditions, ...counts } = status
  const kept = Object.entries(counts).filter(([, value]) => value !== 0)
  return { replicas, ...Object.fromEntries(kept), ...(conditions?.length ? { conditions } : {}) }
}
