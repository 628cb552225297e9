import { createServer } from 'node:net'
import { once } from 'node:events'
import t from 'tap'
import { startTestServer } from './test-server.ts'

/** Timers and sockets that keep the process alive; what was closed just now is gone two turns later. */
const alive = async (): Promise<string[]> => {
  for (let turn = 0; turn < 2; turn++) await new Promise(done => setImmediate(done))
  return process
    .getActiveResourcesInfo()
    .filter(name => /Timeout|Server|TCP/.test(name))
    .sort()
}

t.test('a server that cannot have its port leaves no timer and no socket behind', async t => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const address = taken.address()
  const securePort = typeof address === 'object' && address !== null ? address.port : 0
  const before = await alive()
  await t.rejects(startTestServer(t, { securePort }), { code: 'HOST_UNFIT' })
  t.same(await alive(), before)
})

t.test('neither does one whose second address is not there', async t => {
  const before = await alive()
  await t.rejects(startTestServer(t, { bindAddress: ['127.0.0.1', '192.0.2.77'] }))
  t.same(await alive(), before)
})
