import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import { timestamp } from '../controller-context.ts'
import { availableOf, replicasOf, rolloutLimits, sumOf } from './rollout-limits.ts'

/** progressDeadlineSeconds of this value means none. */
const noDeadline = 2_147_483_647

type Told = Pick<DeploymentCondition, 'type' | 'status'> & { reason: string; message: string }

export const conditionOf = (
  conditions: readonly DeploymentCondition[] | undefined,
  type: string,
): DeploymentCondition | undefined => conditions?.find(condition => condition.type === type)

/** Puts a condition in; the same status and reason leave the old one, the same status keeps its transition time. */
export const withCondition = (
  conditions: readonly DeploymentCondition[],
  told: Told,
  nowMs: number,
): DeploymentCondition[] => {
  const known = conditionOf(conditions, told.type)
  if (known?.status === told.status && known.reason === told.reason) return [...conditions]
  const now = timestamp(nowMs)
  const lastTransitionTime = known?.status === told.status ? (known.lastTransitionTime ?? now) : now
  return [
    ...conditions.filter(condition => condition.type !== told.type),
    { ...told, lastUpdateTime: now, lastTransitionTime },
  ]
}

export const hasDeadline = (deployment: Deployment): boolean => {
  const seconds = deployment.spec?.progressDeadlineSeconds
  return seconds !== undefined && seconds !== noDeadline
}

/** The counts, and whether enough replicas are available. */
export const countStatus = (
  deployment: Deployment,
  current: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  nowMs: number,
): DeploymentStatus => {
  const available = sumOf(all, availableOf)
  const unavailable = Math.max(0, sumOf(all, replicasOf) - available)
  const enough = available >= replicasOf(deployment) - rolloutLimits(deployment).maxUnavailable
  const conditions = withCondition(
    deployment.status?.conditions ?? [],
    enough
      ? {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
        }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        },
    nowMs,
  )
  const counts = {
    replicas: sumOf(all, set => set.status?.replicas ?? 0),
    updatedReplicas: current?.status?.replicas ?? 0,
    readyReplicas: sumOf(all, set => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: unavailable,
  }
  const { collisionCount } = deployment.status ?? {}
  const { generation } = deployment.metadata ?? {}
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0)),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions,
  }
}

/** Everything runs, on the current template, and nothing of the old is left. */
export const isComplete = (deployment: Deployment, status: DeploymentStatus): boolean =>
  (status.updatedReplicas ?? 0) === replicasOf(deployment) &&
  (status.replicas ?? 0) === replicasOf(deployment) &&
  (status.availableReplicas ?? 0) === replicasOf(deployment) &&
  (status.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)

const hasProgressed = (old: DeploymentStatus, status: DeploymentStatus): boolean => {
  const outdated = (of: DeploymentStatus) => (of.replicas ?? 0) - (of.updatedReplicas ?? 0)
  return (
    (status.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    outdated(status) < outdated(old) ||
    (status.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (status.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  )
}

/** Milliseconds until the deadline passes (negative: it has); undefined when none runs. */
export const deadlineLeftMs = (
  deployment: Deployment,
  conditions: readonly DeploymentCondition[] | undefined,
  nowMs: number,
): number | undefined => {
  const progressing = conditionOf(conditions, 'Progressing')
  const seconds = deployment.spec?.progressDeadlineSeconds
  if (!hasDeadline(deployment) || seconds === undefined || progressing === undefined) return undefined
  if (progressing.reason === 'NewReplicaSetAvailable') return undefined
  const from = Date.parse(progressing.lastUpdateTime ?? '')
  return Number.isFinite(from) ? from + seconds * 1000 - nowMs : undefined
}

const withoutType = (conditions: readonly DeploymentCondition[], type: string) =>
  conditions.filter(condition => condition.type !== type)

/** The Progressing and ReplicaFailure conditions of a rollout, on top of the counts. */
export const progressStatus = (
  deployment: Deployment,
  current: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  nowMs: number,
): DeploymentStatus => {
  const status = countStatus(deployment, current, all, nowMs)
  let conditions: DeploymentCondition[] = status.conditions ?? []
  const old = deployment.status ?? {}
  const known = conditionOf(old.conditions, 'Progressing')
  const what =
    current === undefined ? `Deployment "${deployment.metadata?.name}"` : `ReplicaSet "${current.metadata?.name}"`
  const settled = (status.replicas ?? 0) === (status.updatedReplicas ?? 0) && known?.reason === 'NewReplicaSetAvailable'
  const tell = (status: string, reason: string, message: string): Told => ({
    type: 'Progressing',
    status,
    reason,
    message: `${what} ${message}`,
  })
  if (!hasDeadline(deployment)) conditions = withoutType(conditions, 'Progressing')
  else if (!settled) {
    if (isComplete(deployment, status))
      conditions = withCondition(
        conditions,
        tell('True', 'NewReplicaSetAvailable', 'has successfully progressed.'),
        nowMs,
      )
    else if (hasProgressed(old, status)) {
      const told = tell('True', 'ReplicaSetUpdated', 'is progressing.')
      const now = timestamp(nowMs)
      // The update time moves at each sign of progress: the deadline counts from it.
      const lastTransitionTime = known?.status === 'True' ? (known.lastTransitionTime ?? now) : now
      conditions = [...withoutType(conditions, 'Progressing'), { ...told, lastUpdateTime: now, lastTransitionTime }]
    } else if ((deadlineLeftMs(deployment, old.conditions, nowMs) ?? 1) <= 0)
      conditions = withCondition(
        conditions,
        tell('False', 'ProgressDeadlineExceeded', 'has timed out progressing.'),
        nowMs,
      )
  }
  return { ...status, conditions: withReplicaFailure(conditions, current, all, nowMs) }
}

/** A ReplicaSet that cannot make its pods is told of in the Deployment, the current one before others. */
const withReplicaFailure = (
  conditions: readonly DeploymentCondition[],
  current: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  nowMs: number,
): DeploymentCondition[] => {
  const failures = [...(current === undefined ? [] : [current]), ...all]
    .flatMap(set => set.status?.conditions ?? [])
    .filter(condition => condition.type === 'ReplicaFailure' && condition.status === 'True')
  const first = failures[0]
  if (first === undefined) return withoutType(conditions, 'ReplicaFailure')
  const told = { type: 'ReplicaFailure', status: 'True', reason: first.reason ?? '', message: first.message ?? '' }
  return withCondition(conditions, told, nowMs)
}
