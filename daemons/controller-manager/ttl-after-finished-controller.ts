import type { Job } from 'kubernetes-types/batch/v1.js'
import { jobs } from '../../kube/resources.ts'
import type { StartController } from './controller-context.ts'
import { isDeleting } from './owner.ts'
import { applyWrite, deleteWrite } from './write.ts'

/** When a finished Job's time is up, in ms; undefined: it stays. */
export const expiryOf = (job: Job): number | undefined => {
  const ttlSeconds = job.spec?.ttlSecondsAfterFinished
  if (ttlSeconds === undefined || isDeleting(job)) return undefined
  const finished = (job.status?.conditions ?? []).find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  )
  const at = Date.parse(finished?.lastTransitionTime ?? '')
  return Number.isNaN(at) ? undefined : at + ttlSeconds * 1000
}

/** Deletes finished Jobs, and what they own, `ttlSecondsAfterFinished` after their end. */
export const startTtlAfterFinishedController: StartController = context => {
  const { informers, client, signal, clock } = context
  const known = informers.of(jobs)
  const queue = context.startQueue('ttl_jobs_to_delete', 1, async key => {
    const job = known.get(key)
    const expiry = job === undefined ? undefined : expiryOf(job)
    if (job === undefined || expiry === undefined) return
    const left = expiry - clock.now()
    if (left > 0) return queue.addAfter(key, left)
    // The cache may lag: a Job that was given more time in between is another version than this one.
    const { uid, resourceVersion } = job.metadata ?? {}
    const preconditions = {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    }
    await applyWrite(client, deleteWrite(jobs, job, { propagationPolicy: 'Foreground', preconditions }), signal)
  })
  const enqueue = (job: Job): void => {
    if (expiryOf(job) !== undefined) queue.add(`${job.metadata?.namespace ?? ''}/${job.metadata?.name ?? ''}`)
  }
  known.subscribe({ added: enqueue, updated: enqueue })
}
