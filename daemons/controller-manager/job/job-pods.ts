import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { isDeleting } from '../owner.ts'
import { isPodTerminal, podCondition } from '../pod-state.ts'

/** Held on pods until the Job's status accounts for them. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking'
export const indexKey = 'batch.kubernetes.io/job-completion-index'
const failureCountKey = 'batch.kubernetes.io/job-index-failure-count'
const ignoredFailureCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count'

export const isIndexed = (job: Job): boolean => job.spec?.completionMode === 'Indexed'

export const hasLimitPerIndex = (job: Job): boolean => isIndexed(job) && job.spec?.backoffLimitPerIndex !== undefined

/** Pods on their way out hold their places until they are gone. */
export const replacesFailedOnly = (job: Job): boolean =>
  job.spec?.podReplacementPolicy === 'Failed' || job.spec?.podFailurePolicy !== undefined

export const isTracked = (pod: Pod): boolean => (pod.metadata?.finalizers ?? []).includes(trackingFinalizer)

export const uidOf = (pod: Pod): string => pod.metadata?.uid ?? ''

const countIn = (pod: Pod, key: string): number => {
  const text = pod.metadata?.annotations?.[key] ?? ''
  return /^\d+$/.test(text) ? Number(text) : 0
}

/** The pod's completion index, when it has one below the Job's completions. */
export const validIndex = (job: Job, pod: Pod): number | undefined => {
  const text = pod.metadata?.annotations?.[indexKey] ?? ''
  const index = /^\d+$/.test(text) ? Number(text) : undefined
  return index !== undefined && index < (job.spec?.completions ?? 0) ? index : undefined
}

export const isPodTerminating = (pod: Pod): boolean => isDeleting(pod) && !isPodTerminal(pod)

export const isPodFailed = (job: Job, pod: Pod): boolean => {
  if (pod.status?.phase === 'Failed') return true
  if (!isDeleting(pod)) return false
  // A deleted pod that never ran has no kubelet that would ever call it failed.
  if (replacesFailedOnly(job)) return pod.status?.phase === 'Pending'
  return pod.status?.phase !== 'Succeeded'
}

/** How often the pods of this index failed before this pod, as the annotations pass it on. */
export const indexFailures = (pod: Pod): { counted: number; ignored: number } => ({
  counted: countIn(pod, failureCountKey),
  ignored: countIn(pod, ignoredFailureCountKey),
})

export const failureAnnotations = (counted: number, ignored: number): Record<string, string> => ({
  [failureCountKey]: String(counted),
  ...(ignored > 0 ? { [ignoredFailureCountKey]: String(ignored) } : {}),
})

/** When a pod ended, in ms: by its containers, else by the word that it is not ready, else by its deletion. */
export const finishedAt = (pod: Pod, nowMs: number): number => {
  const ends = (pod.status?.containerStatuses ?? []).map(status =>
    Date.parse(status.state?.terminated?.finishedAt ?? ''),
  )
  if (ends.length > 0 && ends.every(Number.isFinite)) return Math.max(...ends)
  const notReady = podCondition(pod, 'Ready')
  const times = [
    notReady?.status === 'False' ? notReady.lastTransitionTime : undefined,
    pod.metadata?.deletionTimestamp,
    pod.metadata?.creationTimestamp,
  ]
  return times.map(time => Date.parse(time ?? '')).find(Number.isFinite) ?? nowMs
}
