import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import t from 'tap'
import { failedStatus, planDisruption } from '../../../../daemons/controller-manager/disruption/disruption-plan.ts'
import { podDisruptionBudgets } from '../../../../kube/resources.ts'
import { runControllers } from '../harness.ts'
import { deployment, pod, replicaSet, t0 } from '../objects.ts'

const nowMs = Date.parse(t0)
const budget = (spec: PodDisruptionBudget['spec'], status?: object): PodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: 'web', namespace: 'default', uid: 'b', generation: 2 },
  spec: { selector: { matchLabels: { app: 'web' } }, ...spec },
  ...(status === undefined ? {} : { status: status as NonNullable<PodDisruptionBudget['status']> }),
})
const ready = (count: number) => Array.from({ length: count }, (_, i) => pod(`p${i}`, { ready: true }))

for (const { name, spec, pods, scale, shown } of [
  {
    name: 'a number of pods that must be there',
    spec: { minAvailable: 2 },
    pods: ready(3),
    scale: undefined,
    shown: [3, 3, 2, 1],
  },
  { name: 'a share of them, rounded up', spec: { minAvailable: '50%' }, pods: ready(3), scale: 3, shown: [3, 3, 2, 1] },
  {
    name: 'a number that may be missing of those that should be',
    spec: { maxUnavailable: 1 },
    pods: ready(3),
    scale: 4,
    shown: [4, 3, 3, 0],
  },
  {
    name: 'everything may be missing',
    spec: { maxUnavailable: '100%' },
    pods: ready(1),
    scale: 1,
    shown: [1, 1, 0, 1],
  },
  {
    name: 'unready pods are not healthy',
    spec: { minAvailable: 1 },
    pods: [...ready(1), pod('x', { ready: false })],
    scale: undefined,
    shown: [2, 1, 1, 0],
  },
  {
    name: 'pods that go are not healthy',
    spec: { minAvailable: 0 },
    pods: [pod('x', { ready: true, deleting: true })],
    scale: undefined,
    shown: [1, 0, 0, 0],
  },
  { name: 'without pods nothing may go', spec: { minAvailable: 0 }, pods: [], scale: undefined, shown: [0, 0, 0, 0] },
])
  t.test(`${name}: expected, healthy, desired and allowed are ${shown.join(', ')}`, async t => {
    const plan = planDisruption(budget(spec), {
      pods,
      scale: scale === undefined ? undefined : { count: scale, unmanaged: [] },
      nowMs,
    })
    const { expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed, observedGeneration } = plan.status ?? {}
    t.same([expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed], shown)
    t.equal(observedGeneration, 2)
  })

t.test('an evicted pod does not count for two minutes, and then it does', async t => {
  const status = { disruptedPods: { p0: t0, gone: t0 } }
  const first = planDisruption(budget({ minAvailable: 1 }, status), { pods: ready(2), scale: undefined, nowMs })
  t.match(first.status, { currentHealthy: 1, disruptedPods: { p0: t0, gone: undefined } })
  t.equal(first.recheckAtMs, nowMs + 120_001)
  const later = planDisruption(budget({ minAvailable: 1 }, status), {
    pods: ready(2),
    scale: undefined,
    nowMs: nowMs + 120_001,
  })
  t.equal(later.status?.currentHealthy, 2)
  t.same(
    later.notDeleted.map(({ metadata }) => metadata?.name),
    ['p0'],
  )
})

t.test('what stands right is not written again', async t => {
  const { status } = planDisruption(budget({ minAvailable: 1 }), { pods: ready(2), scale: undefined, nowMs })
  const again = planDisruption(budget({ minAvailable: 1 }, status), {
    pods: ready(2),
    scale: undefined,
    nowMs: nowMs + 1000,
  })
  t.equal(again.status, undefined)
})

t.test('what cannot be counted lets nothing go, and says why', async t => {
  const { disruptionsAllowed, conditions } = failedStatus(budget({ maxUnavailable: 1 }), { message: 'why', nowMs })
  t.equal(disruptionsAllowed, 0)
  t.match(conditions, [{ type: 'DisruptionAllowed', status: 'False', reason: 'SyncFailed', message: 'why' }])
})

t.test('the controller counts the pods of a Deployment by what it wants', async t => {
  const owner = deployment('web', 3)
  const set = replicaSet('web-1', 3)
  set.metadata = {
    ...set.metadata,
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: 'd-web', controller: true }],
  }
  const ownerReferences = [
    { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web-1', uid: 'rs-web-1', controller: true },
  ]
  const owned = ready(2).map(one => ({ ...one, metadata: { ...one.metadata, ownerReferences } }))
  const { client } = await runControllers(
    t,
    ['disruption-controller'],
    [owner, set, ...owned, budget({ maxUnavailable: 1 })],
  )
  const { status } = await client.get(podDisruptionBudgets, 'web', { namespace: 'default' })
  t.match(status, {
    expectedPods: 3,
    currentHealthy: 2,
    desiredHealthy: 2,
    disruptionsAllowed: 0,
    conditions: [{ type: 'DisruptionAllowed', status: 'False', reason: 'InsufficientPods' }],
  })
})

t.test('a pod of an unknown controller stops all evictions', async t => {
  const ownerReferences = [{ apiVersion: 'x/v1', kind: 'Robot', name: 'r', uid: 'r', controller: true }]
  const owned = { ...pod('a', { ready: true }), metadata: { ...pod('a').metadata, ownerReferences } }
  const { client } = await runControllers(t, ['disruption-controller'], [owned, budget({ maxUnavailable: 1 })])
  const { status } = await client.get(podDisruptionBudgets, 'web', { namespace: 'default' })
  t.match(status?.conditions, [{ reason: 'SyncFailed', message: 'found no controllers for pod "a"' }])
})
