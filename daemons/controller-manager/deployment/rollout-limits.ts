import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'

export const replicasOf = (object: Deployment | ReplicaSet): number => object.spec?.replicas ?? 1

export const isRollingUpdate = (deployment: Deployment): boolean => deployment.spec?.strategy?.type !== 'Recreate'

const resolve = (value: number | string | undefined, total: number, round: (n: number) => number): number => {
  const share = /^(\d+)%$/.exec(String(value ?? '25%'))
  return share === null ? Number(value) : round((total * Number(share[1])) / 100)
}

/**
 * How far a rollout may go above and below spec.replicas. Percentages of the surge are rounded up, of the
 * unavailable ones down; both being 0 would let nothing move, so one may then be unavailable.
 */
export const rolloutLimits = (deployment: Deployment): { maxSurge: number; maxUnavailable: number } => {
  const replicas = replicasOf(deployment)
  if (!isRollingUpdate(deployment) || replicas === 0) {
    const surge = deployment.spec?.strategy?.rollingUpdate?.maxSurge
    return { maxSurge: isRollingUpdate(deployment) ? resolve(surge, replicas, Math.ceil) : 0, maxUnavailable: 0 }
  }
  const { maxSurge, maxUnavailable } = deployment.spec?.strategy?.rollingUpdate ?? {}
  const surge = resolve(maxSurge, replicas, Math.ceil)
  const unavailable = resolve(maxUnavailable, replicas, Math.floor)
  return { maxSurge: surge, maxUnavailable: Math.min(replicas, surge === 0 && unavailable === 0 ? 1 : unavailable) }
}

export const sumOf = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + of(set), 0)

export const availableOf = (set: ReplicaSet): number => set.status?.availableReplicas ?? 0

export const olderFirst = (a: ReplicaSet, b: ReplicaSet): number => {
  const [at, bt] = [a.metadata?.creationTimestamp ?? '', b.metadata?.creationTimestamp ?? '']
  if (at !== bt) return at < bt ? -1 : 1
  return (a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1
}
