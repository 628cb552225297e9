import t from 'tap'
import { FakeClock } from '../../../host/clock-fake.ts'
import { WorkQueue } from '../../../kube/client/work-queue.ts'

const turn = async () => {
  for (let i = 0; i < 3; i++) await new Promise(resolve => setImmediate(resolve))
}

const setUp = (work: (key: string) => Promise<void>, concurrency = 1) => {
  const stop = new AbortController()
  const clock = new FakeClock()
  const queue = new WorkQueue({ signal: stop.signal, clock, baseDelayMs: 10, maxDelayMs: 40 })
  const errors: string[] = []
  const done = queue.run(concurrency, work, key => errors.push(key))
  return { queue, clock, stop, done, errors }
}

t.test('a key added several times is worked on once, in the order of first addition', async t => {
  const worked: string[] = []
  const { queue, stop, done } = setUp(async key => void worked.push(key))
  for (const key of ['b', 'a', 'b']) queue.add(key)
  await turn()
  t.same(worked, ['b', 'a'])
  stop.abort()
  await done
})

t.test('a key added while it is worked on is worked on again, never twice at once', async t => {
  let running = 0
  let most = 0
  let release: () => void = () => {}
  const { queue, stop, done } = setUp(async () => {
    most = Math.max(most, ++running)
    await new Promise<void>(resolve => (release = resolve))
    running--
  }, 2)
  queue.add('a')
  await turn()
  queue.add('a')
  queue.add('a')
  release()
  await turn()
  t.equal(running, 1)
  release()
  await turn()
  t.equal(running, 0)
  t.equal(most, 1)
  stop.abort()
  await done
})

t.test('failures wait exponentially up to the most, and success resets', async t => {
  const times: number[] = []
  let fail = true
  const { queue, clock, stop, done, errors } = setUp(async () => {
    times.push(clock.now() - start)
    if (fail) throw new Error('no')
  })
  const start = clock.now()
  queue.add('a')
  await turn()
  for (let i = 0; i < 200; i++) await clock.advance(1)
  t.same(times, [0, 10, 30, 70, 110, 150, 190])
  fail = false
  await clock.advance(40)
  fail = true
  const before = times.length
  queue.add('a')
  await turn()
  await clock.advance(10)
  t.equal(times.length, before + 2, 'the wait begins at its shortest again')
  t.ok(errors.length > 6)
  stop.abort()
  await done
})

t.test('of several delayed additions the earliest counts; an addition at once cancels them', async t => {
  const worked: string[] = []
  const { queue, clock, stop, done } = setUp(async key => void worked.push(`${key}@${clock.now() - start}`))
  const start = clock.now()
  queue.addAfter('a', 500)
  queue.addAfter('a', 200)
  queue.addAfter('b', 300)
  queue.add('b')
  await turn()
  for (let i = 0; i < 10; i++) await clock.advance(100)
  t.same(worked, ['b@0', 'a@200'])
  t.equal(clock.sleeping, 0, 'nothing sleeps when nothing waits')
  stop.abort()
  await done
})

t.test('run ends when the signal aborts, after the work in hand', async t => {
  let release: () => void = () => {}
  let finished = false
  const { queue, stop, done } = setUp(async () => {
    await new Promise<void>(resolve => (release = resolve))
    finished = true
  })
  queue.add('a')
  queue.add('b')
  await turn()
  stop.abort()
  release()
  await done
  t.equal(finished, true)
  t.equal(queue.depth, 0)
})
