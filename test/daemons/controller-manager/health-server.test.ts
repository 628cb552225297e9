import t from 'tap'
import { startHealthServer } from '../../../daemons/controller-manager/health-server.ts'
import { FakeClock } from '../../../host/clock-fake.ts'
import { WorkQueue } from '../../../kube/client/work-queue.ts'

t.test('/healthz says ok, /metrics has the queues, anything else is not found', async t => {
  const stop = new AbortController()
  const queue = new WorkQueue({ signal: stop.signal, clock: new FakeClock() })
  queue.add('a')
  const server = await startHealthServer({ address: '127.0.0.1', port: 0 }, new Map([['deployment', queue]]))
  t.teardown(() => {
    stop.abort()
    return server.close()
  })
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`)
    return { status: response.status, text: await response.text() }
  }
  t.same(await get('/healthz'), { status: 200, text: 'ok' })
  t.match((await get('/metrics')).text, /workqueue_adds_total\{name="deployment"\} 1\n/)
  t.equal((await get('/other')).status, 404)
  await t.rejects(startHealthServer({ address: '127.0.0.1', port: server.port }, new Map()), { code: 'HOST_UNFIT' })
})
