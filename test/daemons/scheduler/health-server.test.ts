import t from 'tap'
import { startHealthServer } from '../../../daemons/scheduler/health-server.ts'
import { SchedulerMetrics } from '../../../daemons/scheduler/metrics.ts'
import { options } from '../../../daemons/scheduler/options.ts'
import { resolveOptions } from '../../../kube/options.ts'

let ready = false
const onPort = (securePort: number) =>
  startHealthServer(
    resolveOptions(options, { securePort, bindAddress: '127.0.0.1' }),
    new SchedulerMetrics(),
    () => ready,
  )
const server = await onPort(0)
t.teardown(() => server.close())
const ask = async (path: string) => {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`)
  return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text() }
}

t.test('it is alive from the start, and ready when its informers are', async t => {
  t.match(await ask('/healthz'), { status: 200, text: 'ok' })
  t.match(await ask('/livez?verbose'), { status: 200, text: 'ok' })
  t.match(await ask('/readyz'), { status: 503, text: 'informers have not synced' })
  ready = true
  t.match(await ask('/readyz'), { status: 200, text: 'ok' })
})

t.test('its figures are in the text format of Prometheus', async t => {
  t.match(await ask('/metrics'), { status: 200, type: /^text\/plain; version=/, text: /^# HELP scheduler_/m })
})

t.test('what it does not serve is not found', async t => {
  t.match(await ask('/configz'), { status: 404, text: '/configz is not served here' })
})

t.test('a port that is taken is named, with what to do', async t => {
  await t.rejects(onPort(server.port), {
    code: 'HOST_UNFIT',
    message: new RegExp(`cannot listen on 127.0.0.1:${server.port}`),
  })
})
