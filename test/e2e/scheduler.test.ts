import { pino } from 'pino'
import t from 'tap'
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import { options } from '../../daemons/scheduler/options.ts'
import { start } from '../../daemons/scheduler/start.ts'
import { FakeJournal } from '../../host/journal.ts'
import { createHttpClient } from '../../kube/client/http-client.ts'
import { resolveOptions } from '../../kube/options.ts'
import { nodes, pods } from '../../kube/resources.ts'
import { startTestServer } from '../daemons/apiserver/http/test-server.ts'

const node = (name: string): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name } },
  status: {
    allocatable: { cpu: '2', memory: '4Gi', pods: '110' },
    conditions: [{ type: 'Ready', status: 'True' }],
  },
})

const pod = (name: string, cpu: string): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'a', image: 'x', resources: { requests: { cpu } } }] },
})

for (const way of ['in memory', 'over HTTP/2'])
  void t.test(`the scheduler with a real API server, ${way}`, async t => {
    const server = await startTestServer(t)
    const user = { name: 'system:kube-scheduler', groups: [] }
    const admin = server.client({ name: 'admin', groups: ['system:masters'] })
    const pem = await server.authority.client(user.name, user.groups)
    const http = createHttpClient({ server: server.url, ca: server.authority.cert, ...pem })
    const stop = new AbortController()
    const running = await start(resolveOptions(options, { securePort: 0 }), {
      signal: stop.signal,
      log: pino({ level: 'silent' }),
      journal: new FakeJournal(),
      client: way === 'in memory' ? server.client(user) : http,
    })
    t.teardown(async () => {
      stop.abort(new Error('the test is over'))
      await running.done
      http.close()
    })
    const until = async <T>(found: () => Promise<T | undefined>): Promise<T> => {
      for (let attempt = 0; attempt < 500; attempt++) {
        const value = await found()
        if (value !== undefined) return value
        await new Promise(resolve => setTimeout(resolve, 2))
      }
      throw new Error('it never came')
    }
    const get = (name: string) => admin.get(pods, name, { namespace: 'default' })
    const conditionOf = async (name: string) =>
      (await get(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled')

    await admin.create(pods, pod('early', '1'))
    t.match(await until(() => conditionOf('early')), {
      status: 'False',
      reason: 'Unschedulable',
      message: 'no nodes available to schedule pods',
    })
    await admin.create(nodes, node('a'))
    await admin.patch(
      nodes,
      'a',
      { status: node('a').status, spec: { taints: null } },
      { type: 'merge', subresource: 'status' },
    )
    await admin.patch(nodes, 'a', { spec: { taints: null } }, { type: 'merge' })
    t.equal(await until(async () => (await get('early')).spec?.nodeName), 'a')
    t.match(await conditionOf('early'), { status: 'True' })

    const before = performance.now()
    await admin.create(pods, pod('next', '500m'))
    await until(async () => (await get('next')).spec?.nodeName)
    t.comment(`bound after ${(performance.now() - before).toFixed(1)} ms`)

    await admin.create(pods, pod('large', '1'))
    t.match(await until(() => conditionOf('large')), { message: '0/1 nodes are available: 1 Insufficient cpu.' })
  })
