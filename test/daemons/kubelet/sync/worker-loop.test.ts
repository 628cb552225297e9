import t from 'tap'
import { WorkerLoop } from '../../../../daemons/kubelet/sync/worker-loop.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'

const settle = () => new Promise<void>(resolve => setImmediate(resolve))

const setUp = (look: (nth: number) => Promise<number | undefined>) => {
  const clock = new FakeClock()
  const stop = new AbortController()
  const seen = { looks: 0, failures: 0 }
  const loop = new WorkerLoop({
    clock,
    signal: stop.signal,
    look: () => look(++seen.looks),
    failed: () => {
      seen.failures++
      return clock.now() + 500
    },
    broken: error => t.fail(String(error)),
  })
  return { clock, stop, loop, seen }
}

void t.test('pokes while a look is under way make one more look', async t => {
  let release = () => {}
  const held = new Promise<void>(resolve => (release = resolve))
  const { loop, seen } = setUp(async () => {
    await held
    return undefined
  })
  for (let i = 0; i < 3; i++) loop.poke()
  t.equal(seen.looks, 1)
  release()
  await settle()
  t.equal(seen.looks, 2)
})

void t.test('a look that failed is followed by another at the time given, and a poke comes before it', async t => {
  const { clock, loop, seen } = setUp(async nth => {
    if (nth === 1) throw new Error('no engine')
    return undefined
  })
  loop.poke()
  await settle()
  t.strictSame(seen, { looks: 1, failures: 1 })
  loop.poke()
  await settle()
  t.equal(seen.looks, 2)
  await clock.advance(10_000)
  await settle()
  t.equal(seen.looks, 2, 'the time of the failed look is not waited for any more')
})

void t.test('a time that a look names brings the next one; an abort ends it all', async t => {
  const { clock, stop, loop, seen } = setUp(async nth => clock.now() + nth * 1000)
  loop.poke()
  await settle()
  await clock.advance(1000)
  await settle()
  t.equal(seen.looks, 2)
  stop.abort()
  await clock.advance(10_000)
  loop.poke()
  await settle()
  t.equal(seen.looks, 2)
})
