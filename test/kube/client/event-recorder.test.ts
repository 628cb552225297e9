import t from 'tap'
import { FakeClock } from '../../../host/clock-fake.ts'
import { EventRecorder } from '../../../kube/client/event-recorder.ts'
import { FakeClient } from '../../../kube/client/fake-client.ts'
import { events } from '../../../kube/resources.ts'

const turn = async () => {
  for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve))
}
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default', uid: 'u1' } }

const setUp = () => {
  const client = new FakeClient()
  const clock = new FakeClock()
  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const recorder = new EventRecorder(client, { component: 'test', host: 'n1' }, { clock, onError })
  return { client, clock, recorder, errors }
}

t.test('an event that repeats raises the count of the first one', async t => {
  const { client, clock, recorder } = setUp()
  recorder.event(pod, 'Normal', 'Started', 'one')
  recorder.event(pod, 'Normal', 'Started', 'one')
  await turn()
  await clock.advance(5000)
  recorder.event(pod, 'Normal', 'Started', 'one')
  recorder.event(pod, 'Warning', 'Failed', 'two', 'spec.containers{web}')
  await turn()
  t.match(client.objects(events), [
    {
      count: 3,
      reason: 'Started',
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:05Z',
      involvedObject: { kind: 'Pod', name: 'web', namespace: 'default', uid: 'u1' },
      source: { component: 'test', host: 'n1' },
    },
    { count: 1, type: 'Warning', involvedObject: { fieldPath: 'spec.containers{web}' } },
  ])
})

t.test('an event that has expired in the store begins again', async t => {
  const { client, recorder } = setUp()
  recorder.event(pod, 'Normal', 'Started', 'one')
  await turn()
  for (const event of client.objects(events)) client.remove(event)
  recorder.event(pod, 'Normal', 'Started', 'one')
  await turn()
  t.match(client.objects(events), [{ count: 1 }])
})

t.test('an object that floods is cut off, and may speak again later', async t => {
  const { client, clock, recorder } = setUp()
  for (let i = 0; i < 40; i++) recorder.event(pod, 'Normal', 'R', `m${i}`)
  await turn()
  t.equal(client.objects(events).length, 25)
  await clock.advance(300_000)
  recorder.event(pod, 'Normal', 'R', 'later')
  await turn()
  t.equal(client.objects(events).length, 26)
})

t.test('failures are reported and stop nothing', async t => {
  const { client, recorder, errors } = setUp()
  client.intercept = () => {
    throw new Error('down')
  }
  recorder.event(pod, 'Normal', 'R', 'm')
  recorder.event({ metadata: { name: 'x' } }, 'Normal', 'R', 'm')
  await turn()
  t.equal(errors.length, 2)
})
