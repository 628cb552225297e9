import t, { type Test } from 'tap'
import { eventually } from '../http/eventually.ts'
import { startTestServer } from '../http/test-server.ts'

const api = '/apis/flowcontrol.apiserver.k8s.io/v1'

/** Requests of kim go through a priority level without seats, of which nobody lends it any. */
const setUp = async (t: Test, limitResponse: object) => {
  const server = await startTestServer(t)
  const make = async (plural: string, kind: string, body: object) => {
    const full = { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind, metadata: { name: 'jail' }, ...body }
    const reply = await server.ask(`${api}/${plural}`, { method: 'POST', body: full })
    if (reply.status !== 201) throw new Error(reply.text)
    return reply.json as { metadata: { uid: string } }
  }
  const limited = { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse }
  const level = await make('prioritylevelconfigurations', 'PriorityLevelConfiguration', {
    spec: { type: 'Limited', limited },
  })
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }
  const rules = [{ subjects: [{ kind: 'User', user: { name: 'kim' } }], resourceRules: [everything] }]
  const schema = await make('flowschemas', 'FlowSchema', {
    spec: { priorityLevelConfiguration: { name: 'jail' }, matchingPrecedence: 50, rules },
  })
  const metrics = async (pattern: RegExp) => pattern.exec((await server.ask('/metrics')).text)?.[1]
  return { server, kim: await server.authority.client('kim', ['system:authenticated']), level, schema, metrics }
}

t.test('answers say which flow and priority level they went through', async t => {
  const server = await startTestServer(t)
  const uid = async (plural: string, name: string) =>
    ((await server.ask(`${api}/${plural}/${name}`)).json as { metadata: { uid: string } }).metadata.uid
  const headers = async (as?: { cert: string; key: string }) =>
    (await server.ask('/api/v1/namespaces/default/pods', as === undefined ? {} : { as })).headers
  await eventually(async () => {
    const mine = await headers()
    const wanted = await uid('flowschemas', 'exempt')
    if (mine['x-kubernetes-pf-flowschema-uid'] !== wanted) throw new Error(JSON.stringify(mine))
    t.equal(mine['x-kubernetes-pf-prioritylevel-uid'], await uid('prioritylevelconfigurations', 'exempt'))
  })
  const node = await headers(await server.authority.client('system:node:n', ['system:nodes']))
  t.equal(node['x-kubernetes-pf-flowschema-uid'], await uid('flowschemas', 'system-nodes'), 'whatever they are told')
  const stream = server.session().request({ ':path': '/api/v1/pods?watch=true' })
  const watched = await new Promise<Record<string, unknown>>(resolve => stream.once('response', resolve))
  t.equal(watched['x-kubernetes-pf-flowschema-uid'], await uid('flowschemas', 'exempt'))
  stream.destroy()
})

t.test('who has no room is refused, and everybody else is not', async t => {
  const { server, kim, level, schema, metrics } = await setUp(t, { type: 'Reject' })
  const pods = '/api/v1/namespaces/default/pods'
  await eventually(async () => {
    const { headers } = await server.ask(pods, { as: kim })
    if (headers['x-kubernetes-pf-flowschema-uid'] !== schema.metadata.uid) throw new Error('not yet')
  })
  await server.ask('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    method: 'POST',
    body: {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'kim' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'kim' }],
    },
  })
  const refused = await server.ask(pods, { as: kim })
  t.equal(refused.status, 429)
  t.equal(refused.text, 'Too many requests, please try again later.\n')
  t.equal(refused.headers['retry-after'], '1')
  t.equal(refused.headers['x-kubernetes-pf-prioritylevel-uid'], level.metadata.uid)
  t.equal((await server.ask(pods)).status, 200)
  const counter = /rejected_requests_total\{priority_level="jail",flow_schema="jail",reason="concurrency-limit"\} (\d+)/
  t.equal(await metrics(counter), '1')
})

t.test('who waits in a queue goes on when there is room; who finds it full is refused', async t => {
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 1 }
  const { server, kim, metrics } = await setUp(t, { type: 'Queue', queuing })
  const review = () =>
    server.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      as: kim,
    })
  const inQueue = () => metrics(/current_inqueue_requests\{priority_level="jail",flow_schema="jail"\} (\d+)/)
  await eventually(async () => {
    if ((await inQueue()) === undefined) throw new Error('the level is not there yet')
  })
  const first = review()
  await eventually(async () => {
    if ((await inQueue()) !== '1') throw new Error('nobody waits yet')
  })
  t.equal((await review()).status, 429)
  t.equal(
    await metrics(/rejected_requests_total\{priority_level="jail",flow_schema="jail",reason="queue-full"\} (\d+)/),
    '1',
  )
  await server.ask(`${api}/prioritylevelconfigurations/jail`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { spec: { limited: { nominalConcurrencyShares: 30 } } },
  })
  t.equal((await first).status, 201)
  t.equal((await review()).status, 201)
  t.equal(await inQueue(), '0')
})

t.test('who goes away while waiting leaves the queue', async t => {
  const { server, kim, metrics } = await setUp(t, {
    type: 'Queue',
    queuing: { queues: 1, handSize: 1, queueLengthLimit: 9 },
  })
  const inQueue = () => metrics(/current_inqueue_requests\{priority_level="jail",flow_schema="jail"\} (\d+)/)
  await eventually(async () => {
    if ((await inQueue()) === undefined) throw new Error('the level is not there yet')
  })
  const review = '/apis/authentication.k8s.io/v1/selfsubjectreviews'
  const stream = server.session(kim).request({ ':path': review, ':method': 'POST', 'content-type': 'application/json' })
  stream.on('error', () => {})
  stream.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }))
  await eventually(async () => {
    if ((await inQueue()) !== '1') throw new Error('nobody waits yet')
  })
  stream.close()
  await eventually(async () => {
    if ((await inQueue()) !== '0') throw new Error('somebody waits still')
  })
  t.equal(
    await metrics(/rejected_requests_total\{priority_level="jail",flow_schema="jail",reason="cancelled"\} (\d+)/),
    '1',
  )
})

t.test('a flow schema says whether its priority level is missing', async t => {
  const { server } = await setUp(t, { type: 'Reject' })
  const dangling = (status: string, message: RegExp) =>
    eventually(async () => {
      const { json } = await server.ask(`${api}/flowschemas/jail`)
      const [condition] =
        (json as { status: { conditions?: { status: string; message: string }[] } }).status.conditions ?? []
      if (condition?.status !== status) throw new Error(JSON.stringify(condition))
      t.match(condition.message, message)
    })
  await dangling('False', /named "jail" and it exists$/)
  await server.ask(`${api}/prioritylevelconfigurations/jail`, { method: 'DELETE' })
  await dangling('True', /named "jail" but there is no such object$/)
})
