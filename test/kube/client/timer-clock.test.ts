import t from 'tap'
import { timerClock } from '../../../kube/client/timer-clock.ts'

const soon = (): Promise<string> => new Promise(resolve => setTimeout(resolve, 20, 'still waiting'))

t.test('a wait past 24.8 days, which is all that a timer counts, is not over at once', async t => {
  const stop = new AbortController()
  const wait = timerClock.sleep(2 ** 31, stop.signal)
  t.equal(await Promise.race([wait.then(() => 'over'), soon()]), 'still waiting')
  stop.abort(new Error('enough'))
  await t.rejects(wait, { message: 'enough' })
})

t.test('a short wait ends by itself, and one whose signal is aborted never begins', async t => {
  await timerClock.sleep(1)
  await t.rejects(timerClock.sleep(1, AbortSignal.abort(new Error('over'))), { message: 'over' })
})
