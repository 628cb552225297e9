import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { isPodActive, isPodReady } from '../pod-state.ts'
import { countIndexes, hasIndex, indexListOf, joinIndexes, parseIndexList, type IndexList } from './index-list.ts'
import {
  finishedAt,
  hasLimitPerIndex,
  indexFailures,
  isIndexed,
  isPodFailed,
  isPodTerminating,
  isTracked,
  uidOf,
  validIndex,
} from './job-pods.ts'
import { nextBackoff, type BackoffRecord } from './pod-backoff.ts'
import { isFailureCounted, matchFailurePolicy } from './pod-failure-policy.ts'

export interface JobInput {
  job: Job
  /** Those it controls, finished ones too. */
  pods: readonly Pod[]
  /** Uids of pods whose finalizer was taken off and that the cache still shows with it. */
  released: ReadonlySet<string>
  /** Every pod that was made or deleted has been seen. */
  settled: boolean
  backoff: BackoffRecord | undefined
  nowMs: number
}

/** A Job and what its pods amount to. */
export interface JobView extends JobInput {
  active: Pod[]
  ready: number
  terminating: number
  /** Pods that the status does not account for yet. */
  tracked: Pod[]
  /** Finished and not yet in the status, not even as uncounted. */
  newlyFailed: Pod[]
  succeeded: number
  failed: number
  nextBackoff: BackoffRecord
  /** The status' indexes, and those with the pods that have just succeeded. */
  countedIndexes: IndexList
  succeededIndexes: IndexList
  /** Only where each index has a limit. */
  failedIndexes: IndexList | undefined
  /** The last failed pod of an index that has no active one: the next pod takes over its count of failures. */
  toReplace: ReadonlyMap<number, Pod>
}

/** Has this failure used up the limit of the pod's index? */
const failsIndex = (job: Job, pod: Pod): boolean => {
  if (!isPodFailed(job, pod)) return false
  const action = matchFailurePolicy(job.spec?.podFailurePolicy, pod)?.action
  if (action === 'FailIndex') return true
  return action !== 'Ignore' && indexFailures(pod).counted >= (job.spec?.backoffLimitPerIndex ?? 0)
}

const failedIndexesOf = (job: Job, tracked: readonly Pod[]): IndexList => {
  const known = parseIndexList(job.status?.failedIndexes ?? '', job.spec?.completions ?? 0)
  const fresh = tracked.filter(pod => failsIndex(job, pod)).flatMap(pod => validIndex(job, pod) ?? [])
  return joinIndexes(known, indexListOf(fresh))
}

const podsToReplace = (
  { job, nowMs }: JobInput,
  tracked: readonly Pod[],
  isSettled: (index: number) => boolean,
): Map<number, Pod> => {
  const total = (pod: Pod): number => indexFailures(pod).counted + indexFailures(pod).ignored
  const last = new Map<number, Pod>()
  for (const pod of tracked) {
    const index = validIndex(job, pod)
    if (index === undefined || !isPodFailed(job, pod) || isSettled(index)) continue
    const other = last.get(index)
    if (other !== undefined && total(other) > total(pod)) continue
    if (other !== undefined && finishedAt(other, nowMs) > finishedAt(pod, nowMs)) continue
    last.set(index, pod)
  }
  return last
}

interface Indexes {
  counted: IndexList
  succeeded: IndexList
  failed: IndexList | undefined
  toReplace: ReadonlyMap<number, Pod>
}

const indexesOf = (input: JobInput, tracked: readonly Pod[], active: readonly Pod[]): Indexes => {
  const { job } = input
  if (!isIndexed(job)) return { counted: [], succeeded: [], failed: undefined, toReplace: new Map() }
  const counted = parseIndexList(job.status?.completedIndexes ?? '', job.spec?.completions ?? 0)
  const fresh = tracked.filter(pod => pod.status?.phase === 'Succeeded').flatMap(pod => validIndex(job, pod) ?? [])
  const succeeded = joinIndexes(counted, indexListOf(fresh))
  if (!hasLimitPerIndex(job)) return { counted, succeeded, failed: undefined, toReplace: new Map() }
  const failed = failedIndexesOf(job, tracked)
  const running = new Set(active.flatMap(pod => validIndex(job, pod) ?? []))
  const isSettled = (index: number) => running.has(index) || hasIndex(succeeded, index) || hasIndex(failed, index)
  return { counted, succeeded, failed, toReplace: podsToReplace(input, tracked, isSettled) }
}

/** Counts a Job's pods, by what its status says already and what is new. */
export const viewJob = (input: JobInput): JobView => {
  const { job, pods, released, backoff, nowMs } = input
  const uncounted = job.status?.uncountedTerminatedPods ?? {}
  const tracked = pods.filter(pod => isTracked(pod) && !released.has(uidOf(pod)))
  // A pod of an index that there is not counts for nothing.
  const valid = tracked.filter(pod => !isIndexed(job) || validIndex(job, pod) !== undefined)
  const seen = (list: readonly string[] | undefined) => new Set(list)
  const [known, knownFailed] = [seen(uncounted.succeeded), seen(uncounted.failed)]
  const newlySucceeded = valid.filter(pod => pod.status?.phase === 'Succeeded' && !known.has(uidOf(pod)))
  const newlyFailed = valid.filter(pod => isPodFailed(job, pod) && !knownFailed.has(uidOf(pod)))
  const active = pods.filter(isPodActive)
  const indexes = indexesOf(input, tracked, active)
  const counted = newlyFailed.filter(pod => isFailureCounted(job.spec?.podFailurePolicy, pod))
  return {
    ...input,
    active,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    tracked,
    newlyFailed,
    succeeded: isIndexed(job)
      ? countIndexes(indexes.succeeded)
      : (job.status?.succeeded ?? 0) + newlySucceeded.length + known.size,
    failed: (job.status?.failed ?? 0) + counted.length + knownFailed.size,
    nextBackoff: nextBackoff(backoff, { succeeded: newlySucceeded, failed: newlyFailed, nowMs }),
    countedIndexes: indexes.counted,
    succeededIndexes: indexes.succeeded,
    failedIndexes: indexes.failed,
    toReplace: indexes.toReplace,
  }
}
