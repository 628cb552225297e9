import type { Job, JobStatus } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { timestamp } from '../controller-context.ts'
import { isDeleting } from '../owner.ts'
import { conditionOf, isSuspended, withCondition, type Verdict } from './job-conditions.ts'
import { countIndexes, formatIndexList, hasIndex, indexListOf, joinIndexes } from './index-list.ts'
import { isIndexed, isPodFailed, uidOf, validIndex } from './job-pods.ts'
import type { JobView } from './job-view.ts'
import { isFailureCounted } from './pod-failure-policy.ts'

/** Upstream's: so many uids at most stand in a status. */
const maxUncounted = 500

/** The pods as they are after what was done. */
export interface Outcome {
  active: number
  ready: number
  terminating: number
  verdict: Verdict | undefined
  /** Whether the number of pods was looked at, which only then says that a Job is suspended or resumed. */
  managed: boolean
}

/**
 * The first of two writes: finished pods are noted by uid (or index) before their finalizers go, so that a crash in
 * between loses none of them and counts none twice. KEP-2307.
 */
export interface StatusPlan {
  status: JobStatus
  /** Pods whose finalizers go once the status is written. */
  release: Pod[]
  /** How the Job ends once all its pods are counted. */
  final: Verdict | undefined
  events: ['Normal', string, string][]
}

/** The verdict of a Job whose pods have all succeeded that had to. */
export const completionVerdict = ({ job, succeeded }: JobView, active: number): Verdict | undefined => {
  const { completions } = job.spec ?? {}
  const complete = completions === undefined ? succeeded > 0 : succeeded >= completions
  if (!complete || active > 0) return undefined
  return {
    type: 'SuccessCriteriaMet',
    reason: 'CompletionsReached',
    message: 'Reached expected number of succeeded pods',
  }
}

/** Moves uids whose pods have no finalizer any more from the lists to the counters. */
export const settleUncounted = (status: JobStatus, tracked: ReadonlySet<string>): JobStatus => {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  const left = { succeeded: succeeded.filter(uid => tracked.has(uid)), failed: failed.filter(uid => tracked.has(uid)) }
  const counts = {
    succeeded: (status.succeeded ?? 0) + succeeded.length - left.succeeded.length,
    failed: (status.failed ?? 0) + failed.length - left.failed.length,
  }
  const { succeeded: _, failed: __, ...rest } = status
  return {
    ...rest,
    ...(counts.succeeded > 0 ? { succeeded: counts.succeeded } : {}),
    ...(counts.failed > 0 ? { failed: counts.failed } : {}),
    uncountedTerminatedPods: {
      ...(left.succeeded.length > 0 ? { succeeded: left.succeeded } : {}),
      ...(left.failed.length > 0 ? { failed: left.failed } : {}),
    },
  }
}

/** A failed pod keeps its finalizer until the next pod of its index has taken over the count of failures. */
const mayRelease = (view: JobView, pod: Pod, verdict: Verdict | undefined): boolean => {
  if (isDeleting(view.job) || verdict !== undefined || pod.status?.phase === 'Succeeded') return true
  if (!isPodFailed(view.job, pod)) return false
  const index = validIndex(view.job, pod)
  return index === undefined || uidOf(view.toReplace.get(index) ?? {}) !== uidOf(pod)
}

/** How a pod that is let go counts. With a Job that fails, whatever has not ended well has failed. */
const countsAs = (view: JobView, pod: Pod, verdict: Verdict | undefined): 'succeeded' | 'failed' | undefined => {
  const { job } = view
  if (isIndexed(job) && validIndex(job, pod) === undefined) return undefined
  if (pod.status?.phase === 'Succeeded') return 'succeeded'
  const over = verdict !== undefined && verdict.type !== 'SuccessCriteriaMet'
  if (!over && !isPodFailed(job, pod)) return undefined
  return isFailureCounted(job.spec?.podFailurePolicy, pod) ? 'failed' : undefined
}

interface Tally {
  release: Pod[]
  succeeded: Set<string>
  failed: Set<string>
  indexes: number[]
  /** More pods are left than may stand in the status at once. */
  full: boolean
}

const tally = (view: JobView, status: JobStatus, verdict: Verdict | undefined): Tally => {
  const { succeeded, failed } = status.uncountedTerminatedPods ?? {}
  const result: Tally = {
    release: [],
    succeeded: new Set(succeeded),
    failed: new Set(failed),
    indexes: [],
    full: false,
  }
  const ordered = isIndexed(view.job)
    ? view.tracked.toSorted((a, b) => (validIndex(view.job, a) ?? -1) - (validIndex(view.job, b) ?? -1))
    : view.tracked
  for (const pod of ordered) {
    if (!mayRelease(view, pod, verdict)) continue
    result.release.push(pod)
    const uid = uidOf(pod)
    const as = countsAs(view, pod, verdict)
    if (result.failed.has(uid) || as === undefined) continue
    if (as === 'failed') result.failed.add(uid)
    else if (!isIndexed(view.job)) result.succeeded.add(uid)
    else {
      const index = validIndex(view.job, pod) ?? 0
      if (!hasIndex(view.countedIndexes, index)) result.indexes.push(index)
    }
    result.full = result.indexes.length + result.succeeded.size + result.failed.size >= maxUncounted
    if (result.full) break
  }
  return result
}

const indexFields = (view: JobView, fresh: readonly number[]): Partial<JobStatus> => {
  if (!isIndexed(view.job)) return {}
  const indexes = joinIndexes(view.countedIndexes, indexListOf(fresh))
  const total = countIndexes(indexes)
  return {
    ...(total > 0 ? { succeeded: total, completedIndexes: formatIndexList(indexes) } : {}),
    ...(view.failedIndexes === undefined ? {} : { failedIndexes: formatIndexList(view.failedIndexes) }),
  }
}

/** Says that the Job is suspended, or that it goes on, from which its deadline is counted anew. */
const tellSuspension = ({ job, nowMs }: JobView, plan: StatusPlan): void => {
  const suspended = isSuspended(job)
  const [reason, message] = suspended ? ['JobSuspended', 'Job suspended'] : ['JobResumed', 'Job resumed']
  const condition = conditionOf({ type: 'Suspended', reason, message }, nowMs, suspended ? 'True' : 'False')
  const known = plan.status.conditions ?? []
  const next = withCondition(known, condition)
  if (next === known) return
  plan.events.push(['Normal', suspended ? 'Suspended' : 'Resumed', message])
  plan.status.conditions = [...next]
  if (!suspended) plan.status.startTime = timestamp(nowMs)
}

const finalVerdict = (verdict: Verdict | undefined): Verdict | undefined => {
  if (verdict?.type === 'FailureTarget') return { ...verdict, type: 'Failed' }
  return verdict?.type === 'SuccessCriteriaMet' ? { ...verdict, type: 'Complete' } : verdict
}

/** The status before finalizers go. */
export const planJobStatus = (view: JobView, outcome: Outcome): StatusPlan => {
  const { job, nowMs } = view
  const { verdict } = outcome
  const tracked = new Set(view.tracked.map(uidOf))
  const settled = settleUncounted(job.status ?? {}, tracked)
  const { release, succeeded, failed, indexes, full } = tally(view, settled, verdict)
  const { active: _, completedIndexes: __, failedIndexes: ___, ...rest } = settled
  if (isIndexed(job)) delete rest.succeeded
  const plan: StatusPlan = {
    status: {
      ...rest,
      ...(outcome.active > 0 ? { active: outcome.active } : {}),
      ready: outcome.ready,
      terminating: outcome.terminating,
      ...indexFields(view, indexes),
      uncountedTerminatedPods: {
        ...(succeeded.size > 0 ? { succeeded: [...succeeded] } : {}),
        ...(failed.size > 0 ? { failed: [...failed] } : {}),
      },
    },
    release,
    final: full ? undefined : finalVerdict(verdict),
    events: [],
  }
  if (!isSuspended(job)) plan.status.startTime ??= timestamp(nowMs)
  if (verdict?.type === 'FailureTarget' || verdict?.type === 'SuccessCriteriaMet')
    plan.status.conditions = [...withCondition(plan.status.conditions ?? [], conditionOf(verdict, nowMs))]
  else if (outcome.managed) tellSuspension(view, plan)
  return plan
}

/** The status with the Job at its end; undefined while pods are uncounted or still ending. */
export const finishedStatus = (status: JobStatus, final: Verdict | undefined, nowMs: number): JobStatus | undefined => {
  const { succeeded = [], failed = [] } = status.uncountedTerminatedPods ?? {}
  if (final === undefined || succeeded.length + failed.length > 0 || (status.terminating ?? 0) > 0) return undefined
  const at = timestamp(nowMs)
  return {
    ...status,
    // One that was suspended all its life never started; the server wants a time all the same.
    startTime: status.startTime ?? at,
    conditions: [...withCondition(status.conditions ?? [], conditionOf(final, nowMs))],
    ...(final.type === 'Complete' ? { completionTime: at } : {}),
  }
}

/** What people are told of a Job that has ended. */
export const finishEvents = (
  job: Job,
  status: JobStatus,
  { type, reason, message }: Verdict,
): ['Normal' | 'Warning', string, string][] => {
  if (type !== 'Complete') return [['Warning', reason, message]]
  const { completions } = job.spec ?? {}
  const tooMany = completions !== undefined && (status.succeeded ?? 0) > completions
  return [
    ...(tooMany
      ? [['Warning', 'TooManySucceededPods', 'Too many succeeded pods running after completion count reached'] as const]
      : []),
    ['Normal', 'Completed', 'Job completed'],
  ].map(([kind, why = '', text = '']) => [kind === 'Warning' ? 'Warning' : 'Normal', why, text])
}
