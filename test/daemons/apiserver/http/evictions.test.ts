import t, { type Test } from 'tap'
import { startTestServer, type Reply } from './test-server.ts'

const pods = '/api/v1/namespaces/default/pods'
const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
const merge = { 'content-type': 'application/merge-patch+json' }

const ready = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }

const setUp = async (test: Test) => {
  const { ask } = await startTestServer(test)
  const makePod = async (name: string, status: object = ready) => {
    const spec = { containers: [{ name: 'c', image: 'busybox:1' }], nodeName: 'n1' }
    const metadata = { name, labels: { app: 'web' }, finalizers: ['example.com/hold'] }
    await ask(pods, { method: 'POST', body: { metadata, spec } })
    await ask(`${pods}/${name}/status`, { method: 'PATCH', headers: merge, body: { status } })
  }
  const makeBudget = async (name: string, status: object, spec: object = {}) => {
    const selector = { matchLabels: { app: 'web' } }
    await ask(budgets, { method: 'POST', body: { metadata: { name }, spec: { selector, minAvailable: 1, ...spec } } })
    const full = { expectedPods: 2, currentHealthy: 2, desiredHealthy: 1, observedGeneration: 1, ...status }
    await ask(`${budgets}/${name}/status`, { method: 'PATCH', headers: merge, body: { status: full } })
  }
  const evict = (name: string, more: object = {}): Promise<Reply> =>
    ask(`${pods}/${name}/eviction`, { method: 'POST', body: { metadata: { name }, ...more } })
  const statusOf = async (path: string) => (await ask(path)).json['status'] as Record<string, unknown>
  return { ask, makePod, makeBudget, evict, statusOf }
}

t.test('a pod without a budget is marked and deleted', async t => {
  const { ask, makePod, evict } = await setUp(t)
  await makePod('web')
  t.equal((await evict('web')).status, 201)
  const { json } = await ask(`${pods}/web`)
  t.ok((json['metadata'] as { deletionTimestamp?: string }).deletionTimestamp)
  const { conditions } = json['status'] as { conditions: Record<string, string>[] }
  t.match(
    conditions.find(({ type }) => type === 'DisruptionTarget'),
    { status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' },
  )
})

t.test('each eviction takes one from the budget; when nothing is left, none more', async t => {
  const { makePod, makeBudget, evict, statusOf } = await setUp(t)
  await makePod('a')
  await makePod('b')
  await makeBudget('web', { disruptionsAllowed: 1 })
  t.equal((await evict('a', { deleteOptions: { dryRun: ['All'] } })).status, 201)
  t.match(await statusOf(`${budgets}/web`), { disruptionsAllowed: 1, disruptedPods: undefined })
  t.equal((await evict('a')).status, 201)
  t.match(await statusOf(`${budgets}/web`), {
    disruptionsAllowed: 0,
    disruptedPods: { a: /Z$/ },
    conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }],
  })
  const refused = await evict('b')
  t.equal(refused.status, 429)
  t.match(refused.json, {
    reason: 'TooManyRequests',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    details: {
      causes: [
        {
          reason: 'DisruptionBudget',
          message: 'The disruption budget web needs 1 healthy pods and has 2 currently',
        },
      ],
    },
  })
})

t.test('a budget that the controller has not seen yet lets nothing go', async t => {
  const { makePod, makeBudget, evict } = await setUp(t)
  await makePod('a')
  await makeBudget('web', { disruptionsAllowed: 1, observedGeneration: 0 })
  const { status, headers, text } = await evict('a')
  t.equal(status, 429)
  t.equal(headers['retry-after'], '10')
  t.match(text, /The disruption budget web is still being processed by the server\./)
})

t.test('two budgets for a pod are one too many', async t => {
  const { makePod, makeBudget, evict } = await setUp(t)
  await makePod('a')
  await makeBudget('one', { disruptionsAllowed: 1 })
  await makeBudget('two', { disruptionsAllowed: 1 })
  const { status, text } = await evict('a')
  t.equal(status, 500)
  t.match(text, /This pod has more than one PodDisruptionBudget, which the eviction subresource does not support\./)
})

t.test('a pod that is over or has not begun goes without a budget', async t => {
  const { makePod, makeBudget, evict } = await setUp(t)
  await makeBudget('web', { disruptionsAllowed: 0 })
  for (const phase of ['Succeeded', 'Failed', 'Pending']) {
    await makePod(phase.toLowerCase(), { phase })
    t.equal((await evict(phase.toLowerCase())).status, 201, phase)
  }
})

for (const { name, status, spec, code } of [
  { name: 'goes while enough others are healthy', status: { currentHealthy: 1 }, spec: {}, code: 201 },
  { name: 'stays while too few others are', status: { currentHealthy: 0 }, spec: {}, code: 429 },
  {
    name: 'goes always where the budget says so',
    status: { currentHealthy: 0 },
    spec: { unhealthyPodEvictionPolicy: 'AlwaysAllow' },
    code: 201,
  },
])
  t.test(`an unready pod ${name}`, async t => {
    const { makePod, makeBudget, evict } = await setUp(t)
    await makePod('a', { phase: 'Running' })
    await makeBudget('web', { disruptionsAllowed: 0, ...status }, spec)
    t.equal((await evict('a')).status, code)
  })
