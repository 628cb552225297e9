import type { CronJob, Job } from 'kubernetes-types/batch/v1.js'
import t from 'tap'
import { latestTime, planCronJob } from '../../../daemons/controller-manager/cronjob/cronjob-plan.ts'
import { parseCron } from '../../../kube/cron.ts'
import { cronJobs, jobs } from '../../../kube/resources.ts'
import { runControllers } from './harness.ts'

const noon = Date.parse('2026-01-01T12:00:00Z')
const cronJob = (spec: Partial<CronJob['spec']> = {}, status: CronJob['status'] = {}): CronJob => ({
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  metadata: { name: 'tick', namespace: 'default', uid: 'cj', creationTimestamp: '2026-01-01T11:30:00Z' },
  spec: {
    schedule: '*/10 * * * *',
    jobTemplate: { metadata: { labels: { a: 'b' } }, spec: { template: { spec: { containers: [] } } } },
    ...spec,
  },
  status,
})
const job = (name: string, finish?: 'Complete' | 'Failed', at = '2026-01-01T11:50:00Z'): Job => ({
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    creationTimestamp: at,
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'CronJob', name: 'tick', uid: 'cj', controller: true }],
  },
  status: { startTime: at, ...(finish && { completionTime: at, conditions: [{ type: finish, status: 'True' }] }) },
})
const running = { active: [{ name: 'old', uid: 'old' }], lastScheduleTime: '2026-01-01T11:50:00Z' }

t.test('of the times that were missed the latest is made up for', async t => {
  const plan = planCronJob(cronJob(), [], noon)
  t.match(plan.create?.metadata, {
    name: `tick-${noon / 60_000}`,
    labels: { a: 'b' },
    annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T12:00:00Z' },
    ownerReferences: [{ kind: 'CronJob', name: 'tick', controller: true }],
  })
  t.equal(plan.status.lastScheduleTime, '2026-01-01T12:00:00Z')
  t.equal(plan.nextMs, noon + 600_000)
})

const cases: {
  name: string
  spec?: Partial<CronJob['spec']>
  status?: CronJob['status']
  created: boolean
  removed: string[]
  reason?: string
}[] = [
  {
    name: 'what was made is not made again',
    status: { lastScheduleTime: '2026-01-01T12:00:00Z' },
    created: false,
    removed: [],
  },
  { name: 'a suspended one makes nothing', spec: { suspend: true }, created: false, removed: [] },
  { name: 'Allow starts beside what runs', status: running, created: true, removed: [] },
  {
    name: 'Forbid waits for what runs',
    spec: { concurrencyPolicy: 'Forbid' },
    status: running,
    created: false,
    removed: [],
    reason: 'JobAlreadyActive',
  },
  {
    name: 'Replace ends what runs',
    spec: { concurrencyPolicy: 'Replace' },
    status: running,
    created: true,
    removed: ['old'],
  },
]
for (const { name, spec = {}, status = {}, created, removed, reason } of cases)
  t.test(name, async t => {
    const plan = planCronJob(cronJob(spec, status), [job('old')], noon + 5000)
    t.equal(plan.create !== undefined, created)
    t.same(
      plan.remove.map(one => one.metadata?.name),
      removed,
    )
    t.equal(plan.events[0]?.[1], reason)
  })

t.test('what is too late is let go', async t => {
  const plan = planCronJob(cronJob({ startingDeadlineSeconds: 60 }), [], noon + 300_000)
  t.equal(plan.create, undefined)
  t.same(
    plan.events.map(([, reason]) => reason),
    ['MissSchedule'],
  )
})

t.test('finished Jobs leave the active ones, and the oldest go past the limits', async t => {
  const owned = [job('a', 'Complete', '2026-01-01T11:40:00Z'), job('b', 'Complete'), job('c', 'Failed')]
  const status = {
    ...running,
    active: [
      { name: 'b', uid: 'b' },
      { name: 'gone', uid: 'gone' },
    ],
  }
  const plan = planCronJob(
    cronJob({ successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0, suspend: true }, status),
    owned,
    noon,
  )
  t.same(
    plan.remove.map(one => one.metadata?.name),
    ['a', 'c'],
  )
  t.same(plan.status, { lastScheduleTime: running.lastScheduleTime, lastSuccessfulTime: '2026-01-01T11:50:00Z' })
  t.same(
    plan.events.map(([, reason]) => reason),
    ['SawCompletedJob', 'MissingJob'],
  )
})

t.test('the latest time of a schedule that is long past is found', async t => {
  const afterMs = Date.parse('2020-01-01T00:00:00Z')
  const find = (line: string) => latestTime(parseCron(line), { afterMs, nowMs: noon, timeZone: 'UTC' })
  t.equal(find('* * * * *'), noon)
  t.equal(find('0 0 29 2 *'), Date.parse('2024-02-29T00:00:00Z'))
  t.equal(find('@every 7h'), afterMs + Math.floor((noon - afterMs) / 25_200_000) * 25_200_000)
})

t.test('a CronJob makes a Job when it is due, and lists it as active until it is done', async t => {
  const h = await runControllers(t, ['cronjob-controller'])
  const created = new Date(h.clock.now()).toISOString()
  const one = cronJob({ schedule: '* * * * *' })
  h.client.set({ ...one, metadata: { ...one.metadata, creationTimestamp: created } })
  await h.settle()
  t.same(h.client.objects(jobs), [])
  await h.clock.advance(60_000)
  await h.settle()
  const [made] = h.client.objects(jobs)
  t.match(made?.metadata, { labels: { a: 'b' } })
  const status = () => h.client.objects(cronJobs)[0]?.status
  t.match(status()?.active, [{ name: made?.metadata?.name }])
  if (made !== undefined)
    h.client.set<Job>({
      ...made,
      status: { completionTime: created, conditions: [{ type: 'Complete', status: 'True' }] },
    })
  await h.settle()
  t.equal(status()?.active, undefined)
  t.equal(status()?.lastSuccessfulTime, created)
})
