import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { deployments } from '../../../kube/resources.ts'
import { controllerReference, isDeleting } from '../owner.ts'
import { isPodTerminal } from '../pod-state.ts'
import {
  conditionOf,
  countStatus,
  deadlineLeftMs,
  hasDeadline,
  isComplete,
  progressStatus,
  withCondition,
} from './deployment-status.ts'
import { currentAnnotations, desiredAnnotation, revisionAnnotation, revisionOf, sizeAnnotations } from './revision.ts'
import { isRollingUpdate, olderFirst, replicasOf } from './rollout-limits.ts'
import { currentReplicas, rollingStep, scaleProportionally, shrinkOld, type Resize } from './scaling.ts'
import { equalTemplates, hashLabel, templateHash } from './template-hash.ts'

export interface DeploymentInput {
  deployment: Deployment
  /** Those it controls. */
  replicaSets: readonly ReplicaSet[]
  /** Pods of those sets; only Recreate looks at them. */
  pods: readonly Pod[]
  nowMs: number
}

/** What a pass over a Deployment does, in this order. */
export interface DeploymentPlan {
  create: ReplicaSet | undefined
  /** ReplicaSets as they are to be; `from` and `to` are replicas, the same when only annotations change. */
  updates: { object: ReplicaSet; from: number; to: number }[]
  /** The revision that the Deployment is to be annotated with. */
  revision: string | undefined
  /** Superseded sets past the history limit. */
  remove: ReplicaSet[]
  status: DeploymentStatus | undefined
  /** When to look again, though nothing happens. */
  againMs: number | undefined
}

interface Family {
  current: ReplicaSet | undefined
  old: ReplicaSet[]
}

/** The set that carries the Deployment's template (the oldest, should there be several), and the others. */
export const familyOf = (deployment: Deployment, sets: readonly ReplicaSet[]): Family => {
  const sorted = [...sets].sort(olderFirst)
  const current = sorted.find(set => equalTemplates(set.spec?.template, deployment.spec?.template))
  return { current, old: sorted.filter(set => set !== current) }
}

/** The ReplicaSet for the Deployment's present template. */
export const newReplicaSet = (deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet => {
  const template = deployment.spec?.template ?? {}
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0)
  const labels = { ...template.metadata?.labels, [hashLabel]: hash }
  const selector = deployment.spec?.selector ?? {}
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata?.name}-${hash}`,
      namespace: deployment.metadata?.namespace ?? '',
      labels,
      annotations: { ...currentAnnotations(deployment, old, undefined), ...sizeAnnotations(deployment) },
      ownerReferences: [controllerReference(deployment, deployments)],
    },
    spec: {
      replicas: currentReplicas(deployment, old, undefined),
      ...(deployment.spec?.minReadySeconds === undefined ? {} : { minReadySeconds: deployment.spec.minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  }
}

/** spec.replicas changed since the active sets were sized. */
const isScaling = (deployment: Deployment, sets: readonly ReplicaSet[]): boolean =>
  sets.some(set => {
    const noted = set.metadata?.annotations?.[desiredAnnotation]
    return replicasOf(set) > 0 && noted !== undefined && Number(noted) !== replicasOf(deployment)
  })

/** Pods of superseded sets that still run: Recreate waits for the last of them. */
const oldPodsRun = (current: ReplicaSet | undefined, pods: readonly Pod[]): boolean =>
  pods.some(
    pod =>
      !isPodTerminal(pod) &&
      !pod.metadata?.ownerReferences?.some(owner => owner.controller === true && owner.uid === current?.metadata?.uid),
  )

const sized = (deployment: Deployment, { set, replicas }: Resize) => ({
  object: {
    ...set,
    metadata: { ...set.metadata, annotations: { ...set.metadata?.annotations, ...sizeAnnotations(deployment) } },
    spec: { ...set.spec, selector: set.spec?.selector ?? {}, replicas },
  },
  from: replicasOf(set),
  to: replicas,
})

/** Joins what is to happen to each set into one write, and leaves out what changes nothing. */
const updatesOf = (
  deployment: Deployment,
  { current, old }: Family,
  resizes: readonly Resize[],
): DeploymentPlan['updates'] => {
  const updates: DeploymentPlan['updates'] = []
  for (const set of current === undefined ? old : [current, ...old]) {
    const resize = resizes.find(one => one.set === set)
    const update =
      resize === undefined ? { object: set, from: replicasOf(set), to: replicasOf(set) } : sized(deployment, resize)
    if (set === current) update.object = asCurrent(deployment, old, update.object)
    if (!isDeepStrictEqual(update.object, set)) updates.push(update)
  }
  return updates
}

const asCurrent = (deployment: Deployment, old: readonly ReplicaSet[], set: ReplicaSet): ReplicaSet => {
  const minReadySeconds = deployment.spec?.minReadySeconds ?? 0
  const same = (set.spec?.minReadySeconds ?? 0) === minReadySeconds
  return {
    ...set,
    metadata: { ...set.metadata, annotations: currentAnnotations(deployment, old, set) },
    ...(same ? {} : { spec: { ...set.spec, selector: set.spec?.selector ?? {}, minReadySeconds } }),
  }
}

/** Superseded, empty and settled sets, the oldest revisions first, past the limit. */
const expired = (deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] => {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10
  const alive = old.filter(set => !isDeleting(set))
  if (alive.length <= limit) return []
  return [...alive]
    .sort((a, b) => Number(revisionOf(a) - revisionOf(b)) || olderFirst(a, b))
    .slice(0, alive.length - limit)
    .filter(
      set =>
        (set.status?.replicas ?? 0) === 0 &&
        replicasOf(set) === 0 &&
        (set.metadata?.generation ?? 0) <= (set.status?.observedGeneration ?? 0),
    )
}

/** Pausing stops the progress clock and resuming restarts it. */
const pauseConditions = (deployment: Deployment, nowMs: number): DeploymentCondition[] | undefined => {
  if (!hasDeadline(deployment)) return undefined
  const conditions = deployment.status?.conditions ?? []
  const reason = conditionOf(conditions, 'Progressing')?.reason
  if (reason === 'ProgressDeadlineExceeded') return undefined
  const paused = deployment.spec?.paused === true
  if (paused === (reason === 'DeploymentPaused')) return undefined
  return withCondition(
    conditions,
    {
      type: 'Progressing',
      status: 'Unknown',
      reason: paused ? 'DeploymentPaused' : 'DeploymentResumed',
      message: paused ? 'Deployment is paused' : 'Deployment is resumed',
    },
    nowMs,
  )
}

const progressingOnce = (
  conditions: readonly DeploymentCondition[],
  current: ReplicaSet | undefined,
  created: ReplicaSet | undefined,
  nowMs: number,
): DeploymentCondition[] => {
  const told = (reason: string, message: string) =>
    withCondition(conditions, { type: 'Progressing', status: 'True', reason, message }, nowMs)
  if (created !== undefined) return told('NewReplicaSetCreated', `Created new replica set "${created.metadata?.name}"`)
  if (current !== undefined && conditionOf(conditions, 'Progressing') === undefined)
    return told('FoundNewReplicaSet', `Found new replica set "${current.metadata?.name}"`)
  return [...conditions]
}

const changedStatus = (deployment: Deployment, status: DeploymentStatus): DeploymentStatus | undefined => {
  const plain = (of: DeploymentStatus | undefined): unknown => {
    const { conditions = [], ...counts } = of ?? {}
    const kept = Object.entries(counts).filter(([, value]) => value !== 0)
    const sorted = [...conditions].sort((a, b) => (a.type < b.type ? -1 : 1))
    return { ...Object.fromEntries(kept), conditions: sorted }
  }
  return isDeepStrictEqual(plain(deployment.status), plain(status)) ? undefined : status
}

/** Follows the steps of upstream's controller: status only, scale, or one step of the rollout. */
export const planDeployment = (input: DeploymentInput): DeploymentPlan => {
  const { replicaSets: sets, nowMs } = input
  const paused = pauseConditions(input.deployment, nowMs)
  const deployment: Deployment =
    paused === undefined
      ? input.deployment
      : { ...input.deployment, status: { ...input.deployment.status, conditions: paused } }
  const { current, old } = familyOf(deployment, sets)
  const none = { create: undefined, updates: [], revision: undefined, remove: [], againMs: undefined }
  const settle = (status: DeploymentStatus) => changedStatus(input.deployment, status)
  if (isDeleting(deployment)) return { ...none, status: settle(countStatus(deployment, current, sets, nowMs)) }

  if (deployment.spec?.paused === true || isScaling(deployment, sets)) {
    const resizes = scaleProportionally(deployment, current, old)
    return {
      ...none,
      updates: updatesOf(deployment, { current, old }, resizes),
      revision: revisionFor(deployment, current, old),
      remove: deployment.spec?.paused === true ? expired(deployment, old) : [],
      status: settle(countStatus(deployment, current, sets, nowMs)),
    }
  }
  return planRollout({ ...input, deployment }, { current, old }, settle)
}

const revisionFor = (
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): string | undefined => {
  if (current === undefined) return undefined
  const revision = currentAnnotations(deployment, old, current)[revisionAnnotation]
  return revision === deployment.metadata?.annotations?.[revisionAnnotation] ? undefined : revision
}

const planRollout = (
  { deployment, pods, nowMs }: DeploymentInput,
  { current, old }: Family,
  settle: (status: DeploymentStatus) => DeploymentStatus | undefined,
): DeploymentPlan => {
  const recreate = !isRollingUpdate(deployment)
  const stopped = recreate && (old.some(set => replicasOf(set) > 0) || oldPodsRun(current, pods))
  const create = current === undefined && !stopped ? newReplicaSet(deployment, old) : undefined
  const next = current ?? create
  const resizes = recreate
    ? recreateStep(deployment, current, old, stopped)
    : current !== undefined
      ? rollingStep(deployment, current, old)
      : create !== undefined
        ? shrinkOld(deployment, create, old)
        : []
  const all = current === undefined ? old : [current, ...old]
  const base: Deployment = hasDeadline(deployment)
    ? {
        ...deployment,
        status: {
          ...deployment.status,
          conditions: progressingOnce(deployment.status?.conditions ?? [], current, create, nowMs),
        },
      }
    : deployment
  const status = progressStatus(base, next, all, nowMs)
  const left = deadlineLeftMs(deployment, status.conditions, nowMs)
  return {
    create,
    updates: updatesOf(deployment, { current, old }, resizes),
    revision: revisionFor(deployment, next, old),
    remove: isComplete(deployment, status) ? expired(deployment, old) : [],
    status: settle(status),
    againMs: left === undefined || left < 0 ? undefined : left + 1000,
  }
}

/** Everything old goes first; only when none of it runs does the current set start. */
const recreateStep = (
  deployment: Deployment,
  current: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  stopped: boolean,
): Resize[] => {
  const doomed = old.filter(set => replicasOf(set) > 0)
  if (doomed.length > 0) return doomed.map(set => ({ set, replicas: 0 }))
  if (current === undefined || stopped || replicasOf(current) === replicasOf(deployment)) return []
  return [{ set: current, replicas: replicasOf(deployment) }]
}
