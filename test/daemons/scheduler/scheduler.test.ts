import { pino } from 'pino'
import t, { type Test } from 'tap'
import type { Event, Pod } from 'kubernetes-types/core/v1.js'
import { FakeClient } from '../../../kube/client/fake-client.ts'
import { events, nodes, pods } from '../../../kube/resources.ts'
import { resolveOptions, optionsFromConfig } from '../../../kube/options.ts'
import { FakeJournal } from '../../../host/journal.ts'
import { options } from '../../../daemons/scheduler/options.ts'
import { start } from '../../../daemons/scheduler/start.ts'
import { node, pod } from './objects.ts'

/** Waits until `found` answers, turning the event loop; the watch streams are in memory, so a few turns do. */
const until = async <T>(found: () => Promise<T | undefined>): Promise<T> => {
  for (let turn = 0; turn < 2000; turn++) {
    const value = await found()
    if (value !== undefined) return value
    await new Promise(resolve => setImmediate(resolve))
  }
  throw new Error('it never came')
}

const run = async (t: Test, ...objects: object[]) => {
  const client = new FakeClient({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } }, ...objects)
  const stop = new AbortController()
  const running = await start(resolveOptions(options, { securePort: 0 }), {
    signal: stop.signal,
    log: pino({ level: 'silent' }),
    journal: new FakeJournal(),
    client,
  })
  t.teardown(async () => {
    stop.abort(new Error('the test is over'))
    await running.done
  })
  const get = (name: string) => client.get(pods, name, { namespace: 'default' })
  const bound = (name: string) => until(async () => (await get(name)).spec?.nodeName)
  const eventOf = (name: string) =>
    until(async () => (await client.list(events)).items.find((e: Event) => e.involvedObject.name === name))
  return { client, get, bound, eventOf, running }
}

void t.test('a pod is bound, and an event says where', async t => {
  const { client, bound, eventOf } = await run(t, node('a'))
  await client.create(pods, pod('web'))
  t.equal(await bound('web'), 'a')
  t.match(await eventOf('web'), {
    type: 'Normal',
    reason: 'Scheduled',
    message: 'Successfully assigned default/web to a',
  })
})

void t.test('a pod that fits nowhere says why, and is bound when a node comes', async t => {
  const { client, get, bound, eventOf } = await run(t, node('a', { spec: { unschedulable: true } }))
  await client.create(pods, pod('web'))
  const condition = await until(async () =>
    (await get('web')).status?.conditions?.find(c => c.type === 'PodScheduled' && c.status === 'False'),
  )
  const message = '0/1 nodes are available: 1 node(s) were unschedulable.'
  t.match(condition, { reason: 'Unschedulable', message })
  t.match(await eventOf('web'), { type: 'Warning', reason: 'FailedScheduling', message })
  await client.create(nodes, node('b'))
  t.equal(await bound('web'), 'b')
})

void t.test('pods decided about count at once: two that fill a node never share it', async t => {
  const { client, bound } = await run(
    t,
    node('a', { allocatable: { cpu: '1' } }),
    node('b', { allocatable: { cpu: '1' } }),
  )
  await Promise.all(['x', 'y'].map(name => client.create(pods, pod(name, { cpu: '1' }))))
  t.strictSame([await bound('x'), await bound('y')].sort(), ['a', 'b'])
})

void t.test('a pod that waits for room is bound when another goes', async t => {
  const { client, get, bound } = await run(
    t,
    node('a', { allocatable: { cpu: '1' } }),
    pod('old', { cpu: '1', on: 'a' }),
  )
  await client.create(pods, pod('new', { cpu: '1' }))
  await until(async () => (await get('new')).status?.conditions?.[0])
  await client.delete(pods, 'old', { namespace: 'default', gracePeriodSeconds: 0 })
  t.equal(await bound('new'), 'a')
})

void t.test('pods of another scheduler are left alone', async t => {
  const { client, get, bound } = await run(t, node('a'))
  await client.create(pods, pod('theirs', { spec: { schedulerName: 'other' } }))
  await client.create(pods, pod('ours'))
  await bound('ours')
  t.equal(((await get('theirs')) as Pod).spec?.nodeName, undefined)
})

void t.test('200 pods: everyone is bound, spread evenly, and the figures say so', async t => {
  const { client, running } = await run(t, node('a'), node('b'))
  await Promise.all(Array.from({ length: 200 }, (_, i) => client.create(pods, pod(`p${i}`, { cpu: '1m' }))))
  const all = await until(async () => {
    const { items } = await client.list(pods)
    return items.every(p => p.spec?.nodeName) ? items : undefined
  })
  // Scores are whole numbers, so that near ties fall either way.
  t.ok(Math.abs(all.filter(p => p.spec?.nodeName === 'a').length - 100) <= 10)
  await new Promise(resolve => setImmediate(resolve))
  t.match(
    await running.metrics.registry.metrics(),
    /schedule_attempts_total\{result="scheduled",profile="default-scheduler"\} 200/,
  )
})

void t.test('the config file: unknown keys and plugins fail by name', async t => {
  const read = (config: object) => resolveOptions(options, optionsFromConfig(options, config, 'scheduler.yaml'))
  t.throws(() => read({ podInitialBackof: 1 }), { message: /unknown key podInitialBackof/ })
  t.throws(() => read({ profiles: [{ plugins: { score: { disabled: [{ name: 'Nope' }] } } }] }), { message: /"Nope"/ })
  t.throws(() => read({ profiles: [{ pluginConfig: [] }] }), { message: /unknown key pluginConfig/ })
  const { profiles } = read({
    profiles: [
      {
        schedulerName: 'one',
        plugins: { score: { disabled: [{ name: '*' }], enabled: [{ name: 'NodeAffinity', weight: 7 }] } },
      },
    ],
  })
  t.match(profiles[0]?.scores, [{ name: 'NodeAffinity', weight: 7 }])
  t.equal(profiles[0]?.scores.length, 1)
})

void t.test('leader election is refused by name', async t => {
  const context = { signal: new AbortController().signal, log: pino({ level: 'silent' }), journal: new FakeJournal() }
  await t.rejects(start(resolveOptions(options, { leaderElect: true }), context), { code: 'NOT_IMPLEMENTED' })
})
