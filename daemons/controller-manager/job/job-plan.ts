import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { isDeleting } from '../owner.ts'
import { deletionOrder } from '../replicaset/pod-ranking.ts'
import { countIndexes, firstMissing, indexListOf, joinIndexes } from './index-list.ts'
import { isConditionTrue, isSuspended, jobCondition, type Verdict } from './job-conditions.ts'
import { jobPod } from './job-pod-template.ts'
import {
  finishedAt,
  hasLimitPerIndex,
  indexFailures,
  isIndexed,
  isPodFailed,
  isPodTerminating,
  replacesFailedOnly,
  validIndex,
} from './job-pods.ts'
import type { JobView } from './job-view.ts'
import { backoffLeft } from './pod-backoff.ts'
import { matchFailurePolicy } from './pod-failure-policy.ts'
import { matchSuccessPolicy } from './success-policy.ts'

/** Upstream's: no more than this many pods are made or deleted in one pass. */
const burst = 500

export type PodAction =
  | { kind: 'none' }
  | { kind: 'create'; pods: Pod[] }
  /** Too many: they go, and count as nothing. */
  | { kind: 'remove'; pods: Pod[] }
  /** The Job is over: they go, and their finalizers stay until they have been counted. */
  | { kind: 'end'; pods: Pod[] }

export interface JobPlan {
  /** How the Job ends, if it does. */
  verdict: Verdict | undefined
  action: PodAction
  /** When time alone will change something. */
  againMs: number | undefined
}

const failure = (reason: string, message: string): Verdict => ({ type: 'FailureTarget', reason, message })

/** What was settled in an earlier pass, or by a rule of the failure policy. */
const standingVerdict = ({ job, pods }: JobView): Verdict | undefined => {
  const met = jobCondition(job, 'SuccessCriteriaMet')
  if (met?.status === 'True')
    return { type: 'SuccessCriteriaMet', reason: met.reason ?? '', message: met.message ?? '' }
  const target = jobCondition(job, 'FailureTarget')
  if (target?.status === 'True') return { type: 'Failed', reason: target.reason ?? '', message: target.message ?? '' }
  if (job.spec?.podFailurePolicy === undefined) return undefined
  for (const pod of pods) {
    const rule = isPodFailed(job, pod) ? matchFailurePolicy(job.spec.podFailurePolicy, pod) : undefined
    if (rule?.action === 'FailJob') return failure('PodFailurePolicy', rule.message)
  }
  return undefined
}

/** With restartPolicy OnFailure it is the containers' restarts that count. */
const restartsPastLimit = ({ job, pods }: JobView): boolean => {
  if (job.spec?.template?.spec?.restartPolicy !== 'OnFailure') return false
  const restarts = pods
    .filter(({ status }) => status?.phase === 'Running' || status?.phase === 'Pending')
    .flatMap(({ status }) => [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])])
    .reduce((sum, { restartCount }) => sum + restartCount, 0)
  const limit = job.spec.backoffLimit ?? 6
  return limit === 0 ? restarts > 0 : restarts >= limit
}

/** Milliseconds until activeDeadlineSeconds have passed; undefined without one. */
const deadlineLeft = ({ job, nowMs }: JobView): number | undefined => {
  const { activeDeadlineSeconds } = job.spec ?? {}
  if (activeDeadlineSeconds === undefined || isSuspended(job)) return undefined
  const startedAt = Date.parse(job.status?.startTime ?? '')
  return (Number.isFinite(startedAt) ? startedAt : nowMs) + activeDeadlineSeconds * 1000 - nowMs
}

const limitVerdict = (view: JobView): Verdict | undefined => {
  const { backoffLimit = 6 } = view.job.spec ?? {}
  if (view.failed > backoffLimit || restartsPastLimit(view))
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit')
  const left = deadlineLeft(view)
  return left !== undefined && left <= 0
    ? failure('DeadlineExceeded', 'Job was active longer than specified deadline')
    : undefined
}

const indexVerdict = ({ job, failedIndexes = [], succeededIndexes }: JobView): Verdict | undefined => {
  if (!isIndexed(job)) return undefined
  const { completions = 0, maxFailedIndexes, successPolicy } = job.spec ?? {}
  const failed = countIndexes(failedIndexes)
  if (maxFailedIndexes !== undefined && failed > maxFailedIndexes)
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes')
  if (failed > 0 && failed + countIndexes(succeededIndexes) >= completions)
    return failure('FailedIndexes', 'Job has failed indexes')
  const message = matchSuccessPolicy(successPolicy, completions, succeededIndexes)
  return message === undefined ? undefined : { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message }
}

/** Pods whose index another pod has too, or that there is not: all but the best one of each. */
const misplaced = (job: Job, ranked: readonly Pod[]): Pod[] => {
  const taken = new Set<number>()
  return ranked.toReversed().filter(pod => {
    const index = validIndex(job, pod)
    if (index === undefined || taken.has(index)) return true
    taken.add(index)
    return false
  })
}

const toRemove = ({ job, active, nowMs }: JobView, atLeast: number): Pod[] => {
  if (active.length === 0 || (atLeast === 0 && !isIndexed(job))) return []
  const ranked = deletionOrder(active, [], nowMs)
  const wrong = isIndexed(job) ? misplaced(job, ranked) : []
  const others = ranked.filter(pod => !wrong.includes(pod))
  return [...wrong, ...others.slice(0, Math.max(0, atLeast - wrong.length))].slice(0, burst)
}

const wantedActive = ({ job, succeeded, active }: JobView): number => {
  const { completions, parallelism = 1 } = job.spec ?? {}
  // A work queue: with the first success no more are made, and the others run to their end.
  if (completions === undefined) return succeeded > 0 ? active.length : parallelism
  return Math.max(0, Math.min(parallelism, completions - succeeded))
}

type Creation = { kind: 'create'; pods: Pod[] } | { kind: 'wait'; ms: number }

/** The lowest indexes without a pod, those left out whose last pod failed too recently. */
const createIndexed = (view: JobView, count: number): Creation => {
  const { job, pods, active, succeededIndexes, failedIndexes = [], toReplace, nowMs } = view
  const holders = replacesFailedOnly(job) ? [...active, ...pods.filter(isPodTerminating)] : active
  const held = indexListOf(holders.flatMap(pod => validIndex(job, pod) ?? []))
  const taken = joinIndexes(joinIndexes(succeededIndexes, failedIndexes), held)
  const waits = firstMissing(taken, count, job.spec?.completions ?? 0).map(index => {
    const last = toReplace.get(index)
    if (last === undefined) return { index, last, ms: 0 }
    const { counted, ignored } = indexFailures(last)
    const record = { failures: counted + ignored + 1, lastFailureMs: finishedAt(last, nowMs) }
    return { index, last, ms: backoffLeft(record, nowMs) }
  })
  const due = waits.filter(({ ms }) => ms === 0)
  if (due.length === 0 && waits.length > 0) return { kind: 'wait', ms: Math.min(...waits.map(({ ms }) => ms)) }
  return { kind: 'create', pods: due.map(({ index, last }) => jobPod(job, index, last)) }
}

const create = (view: JobView, missing: number): Creation => {
  const { job, nextBackoff, nowMs } = view
  const ms = hasLimitPerIndex(job) ? 0 : backoffLeft(nextBackoff, nowMs)
  if (ms > 0) return { kind: 'wait', ms }
  const count = Math.min(missing, burst)
  if (isIndexed(job)) return createIndexed(view, count)
  return { kind: 'create', pods: Array.from({ length: count }, () => jobPod(job)) }
}

/** What brings the number of active pods to what it should be; removing comes before making. */
const manage = (view: JobView): { action: PodAction; againMs?: number } => {
  const { job, active, terminating } = view
  const wanted = isSuspended(job) ? 0 : wantedActive(view)
  const surplus = toRemove(view, Math.max(0, active.length - wanted))
  if (surplus.length > 0) return { action: { kind: 'remove', pods: surplus } }
  const missing = wanted - active.length - (replacesFailedOnly(job) ? terminating : 0)
  if (missing <= 0) return { action: { kind: 'none' } }
  const creation = create(view, missing)
  if (creation.kind === 'wait') return { action: { kind: 'none' }, againMs: creation.ms }
  return { action: creation.pods.length === 0 ? { kind: 'none' } : creation }
}

/** How the Job stands and what is to be done with its pods. */
export const planJob = (view: JobView): JobPlan => {
  const { job, active } = view
  const verdict = standingVerdict(view) ?? limitVerdict(view) ?? indexVerdict(view)
  const left = isConditionTrue(job, 'FailureTarget') ? undefined : deadlineLeft(view)
  if (verdict !== undefined)
    return { verdict, action: active.length > 0 ? { kind: 'end', pods: active } : { kind: 'none' }, againMs: undefined }
  if (!view.settled || isDeleting(job)) return { verdict, action: { kind: 'none' }, againMs: left }
  const { action, againMs } = manage(view)
  const times = [left, againMs].filter(ms => ms !== undefined)
  return { verdict, action, againMs: times.length === 0 ? undefined : Math.max(1, Math.min(...times)) }
}
