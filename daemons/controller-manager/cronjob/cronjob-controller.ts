import type { CronJob, Job } from 'kubernetes-types/batch/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { messageOf } from '../../../kube/errors.ts'
import { objectKey } from '../../../kube/object.ts'
import { cronJobs, jobs } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { controllerOf } from '../owner.ts'
import { applyWrite, deleteWrite, updateWrite } from '../write.ts'
import { planCronJob, withCreated } from './cronjob-plan.ts'

/** A Job of this name that is there already was made by an attempt whose status was lost. */
const createJob = async ({ client, signal }: ControllerContext, job: Job): Promise<Job> => {
  try {
    return await client.create(jobs, job, { signal })
  } catch (error) {
    if (!hasReason(error, 'AlreadyExists')) throw error
    const { name = '', namespace = '' } = job.metadata ?? {}
    return client.get(jobs, name, { namespace, signal })
  }
}

/** Gives the milliseconds after which to look again. */
const sync = async (context: ControllerContext, cronJob: CronJob): Promise<number | undefined> => {
  const { client, clock, informers, signal } = context
  const recorder = context.recorder('cronjob-controller')
  const nowMs = clock.now()
  const owned = informers.of(jobs).byIndex('controller', cronJob.metadata?.uid ?? '')
  const plan = planCronJob(cronJob, owned, nowMs)
  for (const [type, reason, message] of plan.events) recorder.event(cronJob, type, reason, message)
  for (const job of plan.remove) {
    await applyWrite(client, deleteWrite(jobs, job, { propagationPolicy: 'Background' }), signal)
    recorder.event(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata?.name}`)
  }
  let { status } = plan
  if (plan.create !== undefined)
    try {
      const made = await createJob(context, plan.create)
      recorder.event(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${made.metadata?.name}`)
      status = withCreated(status, made)
    } catch (error) {
      recorder.event(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${messageOf(error)}`)
      throw error
    }
  if (!isDeepStrictEqual(status, cronJob.status ?? {}))
    await applyWrite(client, updateWrite(cronJobs, { ...cronJob, status }, 'status'), signal)
  return plan.nextMs === undefined ? undefined : Math.max(1, plan.nextMs - nowMs)
}

export const startCronJobController: StartController = context => {
  const informer = context.informers.of(cronJobs)
  const queue = context.startQueue('cronjob', 5, async key => {
    const cronJob = informer.get(key)
    const again = cronJob === undefined ? undefined : await sync(context, cronJob)
    if (again !== undefined) queue.addAfter(key, again)
  })
  const add = (cronJob: CronJob): void => queue.add(objectKey(cronJob))
  informer.subscribe({ added: add, updated: add, deleted: () => {} })
  const addOwner = (job: Job): void => {
    const owner = controllerOf(job)
    if (owner?.kind === cronJobs.kind) queue.add(`${job.metadata?.namespace}/${owner.name}`)
  }
  context.informers.of(jobs).subscribe({ added: addOwner, updated: addOwner, deleted: addOwner })
}
