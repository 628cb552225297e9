import t from 'tap'
import { SyncLoop } from '../../../daemons/kube-proxy/sync-loop.ts'
import { FakeClock } from '../../../host/clock-fake.ts'

const setUp = (fail: () => boolean = () => false) => {
  const clock = new FakeClock()
  const stop = new AbortController()
  const runs: number[] = []
  const errors: unknown[] = []
  const startedAt = clock.now()
  const work = async () => {
    runs.push(clock.now() - startedAt)
    if (fail()) throw new Error('no')
  }
  const loop = new SyncLoop({ signal: stop.signal, clock, minPeriodMs: 100, work, onError: e => errors.push(e) })
  return { clock, stop, runs, errors, loop, done: loop.run() }
}

t.test('the first run is at once, a burst costs one more, and an idle loop none', async t => {
  const { clock, stop, runs, loop, done } = setUp()
  await clock.advance(50)
  t.same(runs, [])
  loop.trigger()
  await clock.advance(0)
  await clock.advance(10)
  for (let i = 0; i < 20; i++) loop.trigger()
  await clock.advance(1000)
  t.same(runs, [50, 150])
  stop.abort()
  await done
})

t.test('work that fails is tried again, later each time, until it succeeds', async t => {
  let left = 3
  const { clock, stop, runs, errors, loop, done } = setUp(() => left-- > 0)
  loop.trigger()
  await clock.advance(0)
  await clock.advance(60_000)
  t.same(runs, [0, 1000, 3000, 7000])
  t.equal(errors.length, 3)
  stop.abort()
  await done
})
