import t from 'tap'
import { eventually, kubectl, ok, skiff } from './skiff.ts'

const image = 'skiff/busybox:1'
const apply = (...items: object[]) =>
  ok(kubectl(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) }))
const get = async (what: string, path: string) =>
  (await ok(kubectl(['get', ...what.split(' '), '-o', `jsonpath=${path}`]))).trim()
const container = (script: string) => ({ name: 'c', image, command: ['sh', '-c', script] })
const conditions = (job: string) =>
  get(`job ${job}`, '{range .status.conditions[?(@.status=="True")]}{.type}:{.reason} {end}')

const job = (name: string, script: string, spec: object = {}) => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name },
  spec: {
    ...spec,
    template: { spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers: [container(script)] } },
  },
})

const template = (app: string) => ({
  metadata: { labels: { app } },
  spec: { terminationGracePeriodSeconds: 1, containers: [container('sleep 100000')] },
})

/** Each Job, and how it ends. */
const jobs: { name: string; job: object; ends: string; counts: string }[] = [
  {
    name: 'a Job with completions runs them all',
    job: job('plain', 'true', { completions: 3, parallelism: 2 }),
    ends: 'SuccessCriteriaMet:CompletionsReached Complete:CompletionsReached',
    counts: '3//',
  },
  {
    name: 'an indexed Job gives each pod its number',
    job: job('indexed', 'echo index $JOB_COMPLETION_INDEX; hostname', {
      completions: 3,
      parallelism: 3,
      completionMode: 'Indexed',
    }),
    ends: 'SuccessCriteriaMet:CompletionsReached Complete:CompletionsReached',
    counts: '3//0-2',
  },
  {
    name: 'a Job whose pod fails too often fails',
    job: job('failing', 'exit 3', { backoffLimit: 0 }),
    ends: 'FailureTarget:BackoffLimitExceeded Failed:BackoffLimitExceeded',
    counts: '/1/',
  },
  {
    name: 'a Job past its deadline fails, and its pod goes',
    job: job('late', 'sleep 1000', { activeDeadlineSeconds: 3 }),
    ends: 'FailureTarget:DeadlineExceeded Failed:DeadlineExceeded',
    counts: '/1/',
  },
  {
    name: 'an exit code that is listed fails a Job at once',
    job: job('policy', 'exit 42', {
      podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [42] } }] },
    }),
    ends: 'FailureTarget:PodFailurePolicy Failed:PodFailurePolicy',
    counts: '/1/',
  },
]

t.test('Jobs, DaemonSets and StatefulSets as their users try them', { timeout: 300_000 }, async t => {
  await skiff(['down'])
  t.teardown(async () => {
    await skiff(['down'])
  })
  await ok(skiff(['up']))

  await t.test('Jobs come to their ends', async t => {
    await apply(...jobs.map(one => one.job))
    for (const { name, job: made, ends, counts } of jobs) {
      const { metadata } = made as { metadata: { name: string } }
      await eventually(
        () => conditions(metadata.name),
        told => told === ends,
        40_000,
      ).then(
        () => t.pass(name),
        (error: unknown) => t.fail(name, { error: String(error) }),
      )
      const path = '{.status.succeeded}/{.status.failed}/{.status.completedIndexes}'
      t.equal(await get(`job ${metadata.name}`, path), counts, name)
    }
    await ok(kubectl(['wait', '--for=condition=Complete', 'job/plain', 'job/indexed', '--timeout=5s']))
    const logs = await ok(kubectl(['logs', '-l', 'batch.kubernetes.io/job-completion-index=1']))
    t.equal(logs, 'index 1\nindexed-1\n')
    t.equal(await get('pods -l job-name=plain', '{.items[*].metadata.finalizers}'), '', 'no pod is held any more')
    await ok(kubectl(['delete', 'jobs', '--all']))
    await eventually(
      () => get('pods', '{.items[*].metadata.name}'),
      names => names === '',
    )
  })

  await t.test('a suspended Job gives its pods up, and starts anew', async t => {
    const suspend = (value: boolean) =>
      ok(kubectl(['patch', 'job', 'paused', '--type=merge', '-p', JSON.stringify({ spec: { suspend: value } })]))
    await apply(job('paused', 'sleep 3'))
    await eventually(
      () => get('job paused', '{.status.ready}'),
      ready => ready === '1',
    )
    await suspend(true)
    await ok(kubectl(['wait', '--for=condition=Suspended', 'job/paused', '--timeout=10s']))
    await eventually(
      () => get('pods -l job-name=paused', '{.items[*].metadata.name}'),
      names => names === '',
    )
    t.equal(await get('job paused', '{.status.active}{.status.failed}'), '')
    await suspend(false)
    await ok(kubectl(['wait', '--for=condition=Complete', 'job/paused', '--timeout=30s']))
  })

  await t.test('a DaemonSet is rolled out, looked back on and undone', async t => {
    const nodes = await get('nodes', '{.items[*].metadata.name}')
    await apply({
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'daemon' },
      spec: { selector: { matchLabels: { app: 'daemon' } }, template: template('daemon') },
    })
    await ok(kubectl(['rollout', 'status', 'daemonset/daemon', '--timeout=30s']))
    t.equal(await get('pods -l app=daemon', '{.items[*].spec.nodeName}'), nodes)
    await ok(kubectl(['set', 'env', 'daemonset/daemon', 'A=1']))
    await ok(kubectl(['rollout', 'status', 'daemonset/daemon', '--timeout=30s']))
    t.match(await ok(kubectl(['rollout', 'history', 'daemonset/daemon'])), /^1 .*\n2 /m)
    t.match(await ok(kubectl(['rollout', 'history', 'daemonset/daemon', '--revision=2'])), /A:\s+1/)
    await ok(kubectl(['rollout', 'undo', 'daemonset/daemon']))
    await ok(kubectl(['rollout', 'status', 'daemonset/daemon', '--timeout=30s']))
    t.equal(await get('pods -l app=daemon', '{.items[*].spec.containers[0].env}'), '')
    t.match(await ok(kubectl(['rollout', 'history', 'daemonset/daemon'])), /^2 .*\n3 /m)
    t.match(await ok(kubectl(['get', 'daemonset', 'daemon'])), /daemon +1 +1 +1 +1 +1 /)
  })

  await t.test('a StatefulSet is made in order, rolled out, undone and scaled', async t => {
    await apply(
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'peers' },
        spec: { clusterIP: 'None', selector: { app: 'peer' }, ports: [{ port: 80 }] },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'peer' },
        spec: {
          serviceName: 'peers',
          replicas: 2,
          selector: { matchLabels: { app: 'peer' } },
          template: template('peer'),
        },
      },
    )
    const status = ['rollout', 'status', 'statefulset/peer', '--timeout=60s']
    await ok(kubectl(status))
    const uids = () => get('pods -l app=peer', '{.items[*].metadata.uid}')
    const first = await uids()
    t.equal(await get('pods -l app=peer', '{.items[*].metadata.name}'), 'peer-0 peer-1')
    t.match(
      await ok(kubectl(['exec', 'peer-0', '--', 'hostname', '-f'])),
      /^peer-0\.peers\.default\.svc\.cluster\.local$/m,
    )
    await ok(kubectl(['set', 'env', 'statefulset/peer', 'A=1']))
    await ok(kubectl(status))
    t.not(await uids(), first, 'other pods, of the same names')
    t.equal(await get('pods -l app=peer', '{.items[*].metadata.name}'), 'peer-0 peer-1')
    t.equal(await get('pods -l app=peer', '{.items[*].spec.containers[0].env[0].value}'), '1 1')
    await ok(kubectl(['rollout', 'undo', 'statefulset/peer']))
    await ok(kubectl(status))
    t.equal(await get('pods -l app=peer', '{.items[*].spec.containers[0].env}'), '')
    await ok(kubectl(['scale', 'statefulset/peer', '--replicas=1']))
    await eventually(
      () => get('pods -l app=peer', '{.items[*].metadata.name}'),
      names => names === 'peer-0',
    )
    t.match(await ok(kubectl(['get', 'statefulset', 'peer'])), /peer +1\/1 /)
  })
})
