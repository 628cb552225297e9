import type { CronJob, CronJobStatus, Job } from 'kubernetes-types/batch/v1.js'
import type { ObjectReference } from 'kubernetes-types/core/v1.js'
import { isTimeZone, nextCronTime, parseCron, type CronSchedule } from '../../../kube/cron.ts'
import { cronJobs } from '../../../kube/resources.ts'
import { timestamp } from '../controller-context.ts'
import { controllerReference, isDeleting } from '../owner.ts'

/** What is to be done for a CronJob now. Events are for people: type, reason, message. */
export interface CronJobPlan {
  remove: Job[]
  create: Job | undefined
  /** The status after that, a Job that is created left out (see withCreated). */
  status: CronJobStatus
  events: ['Normal' | 'Warning', string, string][]
  /** When to look again. */
  nextMs: number | undefined
}

type Finish = 'Complete' | 'Failed'

const finishOf = (job: Job): Finish | undefined =>
  (['Complete', 'Failed'] as const).find(type =>
    job.status?.conditions?.some(condition => condition.type === type && condition.status === 'True'),
  )

const byAge = (a: Job, b: Job): number =>
  Date.parse(a.status?.startTime ?? a.metadata?.creationTimestamp ?? '') -
  Date.parse(b.status?.startTime ?? b.metadata?.creationTimestamp ?? '')

/** Finished Jobs past the limits, the oldest first. */
const pastHistory = ({ spec }: CronJob, owned: readonly Job[]): Job[] =>
  (
    [
      ['Complete', spec?.successfulJobsHistoryLimit],
      ['Failed', spec?.failedJobsHistoryLimit],
    ] as const
  ).flatMap(([finish, limit]) => {
    if (limit === undefined) return []
    const finished = owned.filter(job => finishOf(job) === finish && !isDeleting(job)).sort(byAge)
    return finished.slice(0, Math.max(0, finished.length - limit))
  })

const hour = 3_600_000
/** Looked through from the shortest on: the latest time of a schedule is rarely long ago. */
const windows = [hour, 24 * hour, 32 * 24 * hour, 366 * 24 * hour, 5 * 366 * 24 * hour]

/** The latest time of the schedule in (`afterMs`, `nowMs`]. */
export const latestTime = (
  schedule: CronSchedule,
  { afterMs, nowMs, timeZone }: { afterMs: number; nowMs: number; timeZone: string },
): number | undefined => {
  if (schedule.kind === 'every') {
    const times = Math.floor((nowMs - afterMs) / schedule.intervalMs)
    return times < 1 ? undefined : Math.floor(afterMs / 1000) * 1000 + times * schedule.intervalMs
  }
  for (const window of windows) {
    let found: number | undefined
    let at = nextCronTime(schedule, Math.max(afterMs, nowMs - window), timeZone)
    while (at !== undefined && at <= nowMs) {
      found = at
      at = nextCronTime(schedule, at, timeZone)
    }
    if (found !== undefined || nowMs - window <= afterMs) return found
  }
  return undefined
}

const jobAt = (cronJob: CronJob, atMs: number): Job => {
  const { metadata, spec } = cronJob.spec?.jobTemplate ?? {}
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      // The minute in the name: whoever tries it twice makes it once.
      name: `${cronJob.metadata?.name}-${Math.floor(atMs / 60_000)}`,
      namespace: cronJob.metadata?.namespace ?? '',
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations: { ...metadata?.annotations, 'batch.kubernetes.io/cronjob-scheduled-timestamp': timestamp(atMs) },
      ownerReferences: [controllerReference(cronJob, cronJobs)],
    },
    ...(spec === undefined ? {} : { spec }),
  }
}

/** Active Jobs that go on, and the last success. */
const settle = (cronJob: CronJob, owned: readonly Job[], plan: CronJobPlan): void => {
  const byUid = new Map(owned.map(job => [job.metadata?.uid, job]))
  const active: ObjectReference[] = []
  for (const reference of cronJob.status?.active ?? []) {
    const job = byUid.get(reference.uid)
    const finish = job && finishOf(job)
    if (job === undefined) plan.events.push(['Normal', 'MissingJob', `Active job went missing: ${reference.name}`])
    else if (finish !== undefined)
      plan.events.push(['Normal', 'SawCompletedJob', `Saw completed job: ${reference.name}, condition: ${finish}`])
    else active.push(reference)
  }
  let { lastSuccessfulTime } = plan.status
  for (const job of owned) {
    const at = finishOf(job) === 'Complete' ? job.status?.completionTime : undefined
    if (at !== undefined && !(Date.parse(lastSuccessfulTime ?? '') >= Date.parse(at))) lastSuccessfulTime = at
  }
  const { active: _, lastSuccessfulTime: __, ...rest } = plan.status
  plan.status = {
    ...rest,
    ...(active.length > 0 ? { active } : {}),
    ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
  }
}

/** Undefined where the spec cannot be followed, which the API server does not let pass. */
const readSchedule = (cronJob: CronJob): { schedule: CronSchedule; timeZone: string } | undefined => {
  const timeZone = cronJob.spec?.timeZone ?? 'UTC'
  if (!isTimeZone(timeZone)) return undefined
  try {
    return { schedule: parseCron(cronJob.spec?.schedule ?? ''), timeZone }
  } catch {
    return undefined
  }
}

const start = (cronJob: CronJob, owned: readonly Job[], plan: CronJobPlan, dueMs: number): void => {
  const active = plan.status.active ?? []
  const job = jobAt(cronJob, dueMs)
  if (active.some(({ name }) => name === job.metadata?.name)) return
  const policy = cronJob.spec?.concurrencyPolicy ?? 'Allow'
  if (policy === 'Forbid' && active.length > 0) {
    plan.events.push([
      'Normal',
      'JobAlreadyActive',
      'Not starting job because prior execution is running and concurrency policy is Forbid',
    ])
    return
  }
  if (policy === 'Replace') {
    const uids = new Set(active.map(({ uid }) => uid))
    plan.remove.push(...owned.filter(({ metadata }) => uids.has(metadata?.uid)))
    const { active: _, ...rest } = plan.status
    plan.status = rest
  }
  plan.create = job
  plan.status = { ...plan.status, lastScheduleTime: timestamp(dueMs) }
}

/** `owned`: the Jobs that the CronJob controls. */
export const planCronJob = (cronJob: CronJob, owned: readonly Job[], nowMs: number): CronJobPlan => {
  const plan: CronJobPlan = {
    remove: pastHistory(cronJob, owned),
    create: undefined,
    status: { ...cronJob.status },
    events: [],
    nextMs: undefined,
  }
  settle(cronJob, owned, plan)
  if (isDeleting(cronJob) || cronJob.spec?.suspend === true) return plan
  const read = readSchedule(cronJob)
  if (read === undefined) {
    plan.events.push([
      'Warning',
      'UnparseableSchedule',
      `unparseable schedule or time zone: ${cronJob.spec?.schedule ?? ''}`,
    ])
    return plan
  }
  const { schedule, timeZone } = read
  plan.nextMs = nextCronTime(schedule, nowMs, timeZone)
  const since = Date.parse(cronJob.status?.lastScheduleTime ?? cronJob.metadata?.creationTimestamp ?? '')
  const deadlineMs = (cronJob.spec?.startingDeadlineSeconds ?? Infinity) * 1000
  const dueMs = latestTime(schedule, { afterMs: Number.isFinite(since) ? since : nowMs, nowMs, timeZone })
  if (dueMs === undefined) return plan
  if (dueMs + deadlineMs < nowMs) {
    plan.events.push(['Warning', 'MissSchedule', `Missed scheduled time to start a job: ${timestamp(dueMs)}`])
    return plan
  }
  start(cronJob, owned, plan, dueMs)
  return plan
}

/** The status with the Job that was made among the active ones. */
export const withCreated = (status: CronJobStatus, made: Job): CronJobStatus => {
  const { name, namespace, uid, resourceVersion } = made.metadata ?? {}
  const reference = {
    apiVersion: 'batch/v1',
    kind: 'Job',
    ...(name === undefined ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  }
  return { ...status, active: [...(status.active ?? []), reference] }
}
