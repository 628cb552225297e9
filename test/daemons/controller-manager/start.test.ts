import { pino } from 'pino'
import t from 'tap'
import { options } from '../../../daemons/controller-manager/options.ts'
import { start } from '../../../daemons/controller-manager/start.ts'
import { FakeClock } from '../../../host/clock-fake.ts'
import { FakeJournal } from '../../../host/journal.ts'
import { FakeClient } from '../../../kube/client/fake-client.ts'
import { resolveOptions } from '../../../kube/options.ts'
import { namespace } from './objects.ts'

const context = (signal: AbortSignal) => ({
  signal,
  log: pino({ level: 'silent' }),
  journal: new FakeJournal(),
  client: new FakeClient(namespace('x')),
  clock: new FakeClock(),
})

t.test('health and metrics are served, with the names that upstream has', async t => {
  const stop = new AbortController()
  const resolved = resolveOptions(options, { controllers: ['serviceaccount-controller'] })
  const taken = await start({ ...resolved, securePort: 0 }, context(stop.signal))
  t.equal(taken.port, undefined, 'port 0 serves nothing')
  stop.abort(new Error('done'))
  await taken.done
})

for (const { name, overrides, code } of [
  { name: 'leader election', overrides: { leaderElect: true }, code: 'NOT_IMPLEMENTED' },
  { name: 'a controller that there is not', overrides: { controllers: ['x'] }, code: 'INVALID_INPUT' },
  { name: 'a CA file that is not there', overrides: { rootCaFile: '/nonexistent' }, code: 'INVALID_INPUT' },
])
  t.test(`${name} is refused at the start`, async t => {
    const stop = new AbortController()
    t.teardown(() => stop.abort(new Error('done')))
    await t.rejects(start({ ...resolveOptions(options), ...overrides }, context(stop.signal)), { code })
  })

t.test('without a client and without a kubeconfig it says what is missing', async t => {
  const { client: _, ...rest } = context(new AbortController().signal)
  await t.rejects(start(resolveOptions(options), rest), { code: 'INVALID_INPUT', message: /kubeconfig/ })
})
