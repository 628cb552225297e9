import t from 'tap'
import { FakeClock } from '../../../host/clock-fake.ts'
import type { ClusterEvent } from '../../../daemons/scheduler/framework/plugin.ts'
import { SchedulingQueue } from '../../../daemons/scheduler/scheduling-queue.ts'
import { pod } from './objects.ts'

const MOVED_BY: Record<string, ClusterEvent[]> = { Fit: ['pod-removed', 'node-added'], Taint: ['node-changed'] }

const make = () => {
  const clock = new FakeClock(0)
  const stop = new AbortController()
  const queue = new SchedulingQueue({
    clock,
    signal: stop.signal,
    initialBackoffMs: 1000,
    maxBackoffMs: 10_000,
    movedBy: plugin => MOVED_BY[plugin] ?? [],
  })
  return { clock, queue, stop }
}

void t.test('higher priority first, then who came first', async t => {
  const { clock, queue } = make()
  queue.set(pod('a'))
  await clock.advance(1)
  queue.set(pod('b'))
  queue.set(pod('c', { spec: { priority: 10 } }))
  const order = [await queue.pop(), await queue.pop(), await queue.pop()].map(item => item.key)
  t.strictSame(order, ['default/c', 'default/a', 'default/b'])
})

void t.test('who waits for a pod gets it as it comes', async t => {
  const { queue } = make()
  const next = queue.pop()
  queue.set(pod('a'))
  t.equal((await next).key, 'default/a')
})

void t.test('only events that concern the plugins that refused a pod move it', async t => {
  const { queue } = make()
  queue.set(pod('a'))
  queue.refused(await queue.pop(), ['Fit'])
  queue.moved('node-changed')
  t.equal(queue.size('unschedulable'), 1)
  queue.moved('pod-removed')
  t.equal(queue.size('unschedulable'), 0)
})

void t.test('an idle scheduler tries a moved pod at once, without the rest of its back-off', async t => {
  const { queue } = make()
  queue.set(pod('a'))
  queue.refused(await queue.pop(), ['Taint'])
  const next = queue.pop()
  queue.moved('node-changed')
  t.equal((await next).attempts, 2)
})

void t.test('an event that comes while a pod is being tried is not lost', async t => {
  const { queue } = make()
  queue.set(pod('a'))
  const item = await queue.pop()
  queue.moved('pod-removed')
  queue.refused(item, ['Fit'])
  t.equal(queue.size('unschedulable'), 0)
  t.equal((await queue.pop()).key, 'default/a')
})

void t.test('a binding that failed waits out its back-off, doubled each time, up to the longest', async t => {
  const { clock, queue } = make()
  queue.set(pod('a'))
  for (const wait of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
    queue.failed(await queue.pop())
    await clock.advance(wait - 1)
    t.equal(queue.size('active'), 0)
    await clock.advance(1)
    t.equal(queue.size('active'), 1)
  }
})

void t.test('a pod nothing moves is tried again after five minutes', async t => {
  const { clock, queue } = make()
  queue.set(pod('a'))
  queue.refused(await queue.pop(), ['Taint'])
  await clock.advance(300_000)
  t.equal(queue.size('active'), 1)
})

void t.test('a gated pod waits until its gates are gone', async t => {
  const { queue } = make()
  queue.set(pod('a', { spec: { schedulingGates: [{ name: 'x' }] } as object }))
  t.equal(queue.size('gated'), 1)
  queue.set(pod('a'))
  t.equal(queue.size('active'), 1)
})

void t.test('a change of the pod’s spec moves it; a change of its status does not', async t => {
  const { queue } = make()
  queue.set(pod('a'))
  queue.refused(await queue.pop(), ['Taint'])
  queue.set(pod('a', { phase: 'Pending' }))
  t.equal(queue.size('unschedulable'), 1)
  queue.set(pod('a', { spec: { tolerations: [{ operator: 'Exists' }] } }))
  t.equal(queue.size('unschedulable'), 0)
})

void t.test('a deleted pod is nowhere any more, and stopping leaves nobody asleep', async t => {
  const { clock, queue, stop } = make()
  queue.set(pod('a'))
  queue.refused(await queue.pop(), ['Fit'])
  queue.delete('default/a')
  t.equal(queue.size('unschedulable'), 0)
  stop.abort(new Error('stopped'))
  t.equal(clock.sleeping, 0)
  await t.rejects(queue.pop(), { message: 'stopped' })
})
