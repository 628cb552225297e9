import type { Job, JobCondition } from 'kubernetes-types/batch/v1.js'
import { timestamp } from '../controller-context.ts'

export const jobCondition = (job: Job, type: string): JobCondition | undefined =>
  job.status?.conditions?.find(condition => condition.type === type)

export const isConditionTrue = (job: Job, type: string): boolean => jobCondition(job, type)?.status === 'True'

/** Nothing is done for a Job any more once it is Complete or Failed. */
export const isJobFinished = (job: Job): boolean => isConditionTrue(job, 'Complete') || isConditionTrue(job, 'Failed')

export const isSuspended = (job: Job): boolean => job.spec?.suspend === true

/** How a Job is to end: `type` is an interim or a final condition. */
export interface Verdict {
  type: 'SuccessCriteriaMet' | 'FailureTarget' | 'Complete' | 'Failed'
  reason: string
  message: string
}

export const conditionOf = (
  { type, reason, message }: { type: string; reason: string; message: string },
  nowMs: number,
  status = 'True',
): JobCondition => {
  const at = timestamp(nowMs)
  return { type, status, lastProbeTime: at, lastTransitionTime: at, reason, message }
}

/**
 * The conditions with this one told; the same array when they say so already. What was never true need not be told to
 * be false.
 */
export const withCondition = (known: readonly JobCondition[], next: JobCondition): readonly JobCondition[] => {
  const old = known.find(condition => condition.type === next.type)
  if (old === undefined) return next.status === 'False' ? known : [...known, next]
  if (old.status === next.status && old.reason === next.reason && old.message === next.message) return known
  return known.map(condition => (condition === old ? next : condition))
}
