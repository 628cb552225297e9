import type { Job } from 'kubernetes-types/batch/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import { events, jobs, pods } from '../../../../kube/resources.ts'
import { apiError } from '../../../../kube/status.ts'
import { runControllers, type Harness } from '../harness.ts'
import { t0 } from '../objects.ts'
import { end, job, running } from './job-objects.ts'

const the = ({ client }: Harness): Job => client.objects(jobs)[0] ?? {}
const conditions = (h: Harness): string[] =>
  (the(h).status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason ?? ''}`)
const told = ({ client }: Harness): string[] => client.objects(events).map(event => event.reason ?? '')
const indexOf = (pod: Pod): string | undefined =>
  pod.metadata?.annotations?.['batch.kubernetes.io/job-completion-index']
const start = (t: Parameters<typeof runControllers>[0], ...objects: Parameters<typeof runControllers>[2] & object) =>
  runControllers(t, ['job-controller'], objects)
/** Lets every pod that runs end this way, and what follows happen. */
const endAll = async (h: Harness, how: Parameters<typeof end>[2], which: (pod: Pod) => boolean = () => true) => {
  for (const pod of running(h).filter(which)) end(h.client, pod, how, h.clock.now())
  await h.settle()
}

t.test('a Job runs as many pods at once as it may until enough have succeeded', async t => {
  const h = await start(t, job('a', { parallelism: 2, completions: 3 }))
  t.equal(running(h).length, 2)
  t.same(running(h)[0]?.metadata?.finalizers, ['batch.kubernetes.io/job-tracking'])
  t.match(the(h).status, { active: 2, ready: 0, terminating: 0, uncountedTerminatedPods: {} })
  t.ok(the(h).status?.startTime)
  await endAll(h, { phase: 'Succeeded' })
  t.equal(running(h).length, 1)
  t.match(the(h).status, { active: 1, succeeded: 2 })
  await endAll(h, { phase: 'Succeeded' })
  t.match(the(h).status, { succeeded: 3, ready: 0, terminating: 0, uncountedTerminatedPods: {} })
  t.equal(the(h).status?.active, undefined)
  t.ok(the(h).status?.completionTime)
  t.same(conditions(h), ['SuccessCriteriaMet=True CompletionsReached', 'Complete=True CompletionsReached'])
  t.ok(told(h).includes('SuccessfulCreate') && told(h).includes('Completed'))
  t.ok(h.client.objects(pods).every(pod => pod.metadata?.finalizers === undefined))
  const writes = h.client.calls.length
  await h.clock.advance(20 * 60_000)
  t.equal(h.client.calls.length, writes, 'a finished Job costs no write')
})

t.test('pods are counted before they are let go', async t => {
  const h = await start(t, job('a'))
  const seen: string[] = []
  h.client.intercept = call => {
    if (call.resource.kind === 'Pod' && call.verb === 'patch') seen.push('let go')
    const { status } = call.body as Job
    if (call.subresource === 'status')
      seen.push(
        `${status?.uncountedTerminatedPods?.succeeded?.length ?? 0} uncounted, ${status?.succeeded ?? 0} counted`,
      )
  }
  await endAll(h, { phase: 'Succeeded' })
  t.same(seen, ['1 uncounted, 0 counted', 'let go', '0 uncounted, 1 counted'])
})

t.test('no pod too many is made while the cache of Jobs is behind that of pods', async t => {
  let late: Promise<void> = Promise.resolve()
  let open: () => void = () => {}
  const h = await runControllers(t, ['job-controller'], [job('a', { parallelism: 2, completions: 2 })], {}, client => {
    const watch = client.watch.bind(client)
    client.watch = (resource, options) =>
      (async function* () {
        for await (const event of watch(resource, options)) {
          if (resource.kind === 'Job') await late
          yield event
        }
      })()
  })
  late = new Promise(resolve => (open = resolve))
  await endAll(h, { phase: 'Succeeded' })
  for (const pod of h.client.objects(pods))
    h.client.set({ ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata?.annotations, a: 'b' } } })
  await h.settle()
  t.equal(h.client.objects(pods).length, 2)
  open()
  await h.settle()
  t.equal(h.client.objects(pods).length, 2)
  t.match(the(h).status, { succeeded: 2 })
})

t.test('a work queue is done when a pod has succeeded and the others have ended', async t => {
  const h = await start(t, job('a', { parallelism: 2 }))
  const [first] = running(h)
  await endAll(h, { phase: 'Succeeded' }, pod => pod === first)
  t.equal(running(h).length, 1, 'no other is made')
  t.same(conditions(h), [])
  await endAll(h, { phase: 'Failed' })
  t.match(conditions(h).at(-1), /Complete=True/)
})

t.test('a failed pod is replaced, later each time, until the limit is reached', async t => {
  const h = await start(t, job('a', { backoffLimit: 1 }))
  await endAll(h, { phase: 'Failed' })
  t.equal(running(h).length, 0)
  t.match(the(h).status, { failed: 1 })
  await h.clock.advance(10_000)
  await h.settle()
  t.equal(running(h).length, 1)
  await endAll(h, { phase: 'Failed' })
  t.match(the(h).status, { failed: 2 })
  t.same(conditions(h), ['FailureTarget=True BackoffLimitExceeded', 'Failed=True BackoffLimitExceeded'])
  t.equal(the(h).status?.completionTime, undefined)
  t.ok(told(h).includes('BackoffLimitExceeded'))
})

t.test('past its deadline a Job fails, and is Failed only when its pods have ended', async t => {
  const h = await start(t, job('a', { activeDeadlineSeconds: 60 }))
  const [pod] = running(h)
  if (pod !== undefined)
    h.client.set<Pod>({ ...pod, spec: { containers: [], ...pod.spec, nodeName: 'n' }, status: { phase: 'Running' } })
  await h.settle()
  await h.clock.advance(60_000)
  await h.settle()
  t.same(conditions(h), ['FailureTarget=True DeadlineExceeded'])
  t.match(the(h).status, { terminating: 1, failed: 1 })
  for (const ending of h.client.objects(pods)) h.client.remove(ending)
  await h.settle()
  t.same(conditions(h), ['FailureTarget=True DeadlineExceeded', 'Failed=True DeadlineExceeded'])
  t.equal(the(h).status?.terminating, 0)
})

t.test('a suspended Job gives up its pods without counting them, and starts anew', async t => {
  const h = await start(t, job('a', { parallelism: 2, completions: 2 }))
  const startTime = the(h).status?.startTime
  const suspend = (value: boolean) =>
    h.client.patch(jobs, 'a', { spec: { suspend: value } }, { type: 'merge', namespace: 'default' })
  await suspend(true)
  await h.settle()
  t.equal(h.client.objects(pods).length, 0)
  t.same(conditions(h), ['Suspended=True JobSuspended'])
  t.equal(the(h).status?.failed, undefined)
  await h.clock.advance(60_000)
  await suspend(false)
  await h.settle()
  t.equal(running(h).length, 2)
  t.same(conditions(h), ['Suspended=False JobResumed'])
  t.not(the(h).status?.startTime, startTime)
  t.ok(told(h).includes('Suspended') && told(h).includes('Resumed'))
})

t.test('each pod of an indexed Job has an index, in its name, host name, label and environment', async t => {
  const h = await start(t, job('a', { parallelism: 3, completions: 4, completionMode: 'Indexed' }))
  t.same(running(h).map(indexOf), ['0', '1', '2'])
  t.match(running(h)[1], {
    metadata: { generateName: 'a-1-', labels: { 'batch.kubernetes.io/job-completion-index': '1' } },
    spec: {
      hostname: 'a-1',
      containers: [
        {
          env: [
            {
              name: 'JOB_COMPLETION_INDEX',
              valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
            },
          ],
        },
      ],
    },
  })
  await endAll(h, { phase: 'Succeeded' }, pod => indexOf(pod) !== '1')
  t.match(the(h).status, { completedIndexes: '0,2', succeeded: 2 })
  t.same(running(h).map(indexOf), ['1', '3'])
  await endAll(h, { phase: 'Succeeded' })
  t.match(the(h).status, { completedIndexes: '0-3', succeeded: 4 })
  t.match(conditions(h).at(-1), /Complete=True/)
})

t.test('with a limit per index the others go on, and the Job fails at the end', async t => {
  const spec = { parallelism: 2, completions: 2, completionMode: 'Indexed', backoffLimitPerIndex: 1 }
  const h = await start(t, job('a', { ...spec, backoffLimit: 2_147_483_647 }))
  await endAll(h, { phase: 'Failed' }, pod => indexOf(pod) === '0')
  t.same(running(h).map(indexOf), ['1'])
  await h.clock.advance(10_000)
  await h.settle()
  const again = running(h).find(pod => indexOf(pod) === '0')
  t.match(again?.metadata?.annotations, { 'batch.kubernetes.io/job-index-failure-count': '1' })
  await endAll(h, { phase: 'Failed' }, pod => indexOf(pod) === '0')
  t.match(the(h).status, { failedIndexes: '0', failed: 2 })
  t.same(running(h).map(indexOf), ['1'])
  await endAll(h, { phase: 'Succeeded' })
  t.same(conditions(h), ['FailureTarget=True FailedIndexes', 'Failed=True FailedIndexes'])
  t.match(the(h).status, { completedIndexes: '1', failedIndexes: '0' })
})

t.test('a success policy ends the Job early, and its other pods do not count as failed', async t => {
  const successPolicy = { rules: [{ succeededIndexes: '1' }] }
  const h = await start(t, job('a', { parallelism: 2, completions: 2, completionMode: 'Indexed', successPolicy }))
  await endAll(h, { phase: 'Succeeded' }, pod => indexOf(pod) === '1')
  t.same(conditions(h), ['SuccessCriteriaMet=True SuccessPolicy', 'Complete=True SuccessPolicy'])
  t.equal(the(h).status?.failed, undefined)
  t.equal(running(h).length, 0)
})

t.test('a failure policy fails the Job, or forgives', async t => {
  const podFailurePolicy = {
    rules: [
      { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
      { action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } },
    ],
  }
  const h = await start(t, job('a', { backoffLimit: 0, podFailurePolicy }))
  await endAll(h, { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] })
  await h.clock.advance(10_000)
  await h.settle()
  t.equal(running(h).length, 1, 'an ignored failure is no failure')
  t.equal(the(h).status?.failed, undefined)
  await endAll(h, { phase: 'Failed', exitCode: 42 })
  t.same(conditions(h), ['FailureTarget=True PodFailurePolicy', 'Failed=True PodFailurePolicy'])
  t.match(the(h).status?.conditions?.[1]?.message, /^Container c for pod default\/a-\w+ failed with exit code 42/)
})

for (const { policy, made } of [
  { policy: 'Failed', made: 0 },
  { policy: 'TerminatingOrFailed', made: 1 },
])
  t.test(`podReplacementPolicy ${policy}: ${made} replaces a pod that is ending`, async t => {
    const h = await start(t, job('a', { podReplacementPolicy: policy }))
    const [pod] = running(h)
    if (pod !== undefined)
      h.client.set<Pod>({
        ...pod,
        metadata: { ...pod.metadata, deletionTimestamp: t0, deletionGracePeriodSeconds: 30 },
        spec: { containers: [], ...pod.spec, nodeName: 'n' },
        status: { phase: 'Running' },
      })
    await h.settle()
    await h.clock.advance(10_000)
    await h.settle()
    t.equal(running(h).length, made)
    t.equal(the(h).status?.terminating, 1)
  })

t.test('another controller’s Job is left alone, and so are its pods', async t => {
  const theirs = job('a', { managedBy: 'example.com/queue' })
  const ownerReferences = [{ apiVersion: 'batch/v1', kind: 'Job', name: 'a', uid: 'j-a', controller: true }]
  const metadata = {
    name: 'p',
    namespace: 'default',
    finalizers: ['batch.kubernetes.io/job-tracking'],
    ownerReferences,
  }
  const h = await start(t, theirs, { apiVersion: 'v1', kind: 'Pod', metadata })
  t.same(h.client.calls, [])
})

t.test('a free pod that is selected is taken in, and the pods of a Job that is gone are let go', async t => {
  const owner = job('a')
  const free: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'free', namespace: 'default', labels: owner.spec?.template.metadata?.labels ?? {} },
    spec: { containers: [{ name: 'c', image: 'v1' }] },
    status: { phase: 'Running' },
  }
  const h = await start(t, owner, free)
  t.equal(h.client.objects(pods).length, 1)
  t.match(h.client.objects(pods)[0]?.metadata, {
    ownerReferences: [{ uid: 'j-a', controller: true }],
    finalizers: ['batch.kubernetes.io/job-tracking'],
  })
  h.client.remove(the(h))
  await h.settle()
  t.equal(h.client.objects(pods)[0]?.metadata?.finalizers, undefined)
})

t.test('what a quota refuses is told, tried again, and not counted', async t => {
  let refuse = true
  const h = await runControllers(t, ['job-controller'], [job('a', { parallelism: 5, completions: 5 })], {}, client => {
    client.intercept = call => {
      if (refuse && call.verb === 'create' && call.resource.kind === 'Pod') throw apiError('Forbidden', 'no more')
    }
  })
  t.ok(told(h).includes('FailedCreate'))
  t.equal(the(h).status?.active, undefined)
  refuse = false
  await h.clock.advance(1_000_000)
  await h.settle()
  t.match(the(h).status, { active: 5 })
})
