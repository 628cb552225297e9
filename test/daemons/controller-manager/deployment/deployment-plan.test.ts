import type { Deployment, ReplicaSet } from 'kubernetes-types/apps/v1.js'
import t from 'tap'
import { newReplicaSet, planDeployment } from '../../../../daemons/controller-manager/deployment/deployment-plan.ts'
import { deployment, pod, replicaSet } from '../objects.ts'

const nowMs = Date.parse('2026-01-01T01:00:00Z')
const conditions = (d: { conditions?: { type: string; status: string; reason?: string }[] } | undefined) =>
  Object.fromEntries((d?.conditions ?? []).map(c => [c.type, `${c.status} ${c.reason}`]))

/** A set as the deployment itself would have made it. */
const own = (d: Deployment, replicas: number, available = replicas, more: Partial<ReplicaSet> = {}): ReplicaSet => {
  const made = newReplicaSet(d, [])
  return {
    ...made,
    ...more,
    metadata: { ...made.metadata, uid: 'rs-own', creationTimestamp: '2026-01-01T00:30:00Z', ...more.metadata },
    spec: { ...made.spec, selector: made.spec?.selector ?? {}, replicas },
    status: { replicas, availableReplicas: available, readyReplicas: available, observedGeneration: 1 },
  }
}

const old = (name: string, replicas: number, revision: string, extra: Partial<ReplicaSet['metadata']> = {}) =>
  replicaSet(name, replicas, {
    image: `old-${name}`,
    metadata: {
      name,
      namespace: 'default',
      uid: `rs-${name}`,
      annotations: { 'deployment.kubernetes.io/revision': revision },
      ...extra,
    },
    status: { replicas, availableReplicas: replicas },
  })

t.test('a new deployment makes its replica set, labelled and selected by the template hash', async t => {
  const d = deployment('web', 3)
  d.metadata = { ...d.metadata, annotations: { note: 'x', 'kubectl.kubernetes.io/last-applied-configuration': '{}' } }
  const plan = planDeployment({ deployment: d, replicaSets: [], pods: [], nowMs })
  const hash = plan.create?.metadata?.labels?.['pod-template-hash'] ?? ''
  t.match(plan.create, {
    metadata: {
      name: `web-${hash}`,
      labels: { app: 'web', 'pod-template-hash': hash },
      ownerReferences: [{ kind: 'Deployment', name: 'web', uid: 'd-web', controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: 'web', 'pod-template-hash': hash } },
      template: { metadata: { labels: { app: 'web', 'pod-template-hash': hash } } },
    },
  })
  t.same(plan.create?.metadata?.annotations, {
    note: 'x',
    'deployment.kubernetes.io/revision': '1',
    'deployment.kubernetes.io/desired-replicas': '3',
    'deployment.kubernetes.io/max-replicas': '4',
  })
  t.equal(plan.revision, '1')
  t.same(conditions(plan.status), {
    Available: 'False MinimumReplicasUnavailable',
    Progressing: 'True NewReplicaSetCreated',
  })
  t.equal(plan.againMs, 601_000)
})

t.test('a settled deployment is left alone, but for nothing at all', async t => {
  const d = deployment('web', 3)
  const first = planDeployment({ deployment: d, replicaSets: [own(d, 3)], pods: [], nowMs })
  t.same(conditions(first.status), {
    Available: 'True MinimumReplicasAvailable',
    Progressing: 'True NewReplicaSetAvailable',
  })
  const settled: Deployment = {
    ...d,
    metadata: { ...d.metadata, annotations: { 'deployment.kubernetes.io/revision': '1' } },
    ...(first.status === undefined ? {} : { status: first.status }),
  }
  t.same(planDeployment({ deployment: settled, replicaSets: [own(d, 3)], pods: [], nowMs: nowMs + 9e6 }), {
    create: undefined,
    updates: [],
    revision: undefined,
    remove: [],
    status: undefined,
    againMs: undefined,
  })
})

t.test('a changed template makes a set of the next revision, and old ones that may go do so at once', async t => {
  const plan = planDeployment({ deployment: deployment('web', 4), replicaSets: [old('a', 4, '3')], pods: [], nowMs })
  t.equal(plan.create?.spec?.replicas, 1)
  t.equal(plan.revision, '4')
  t.same(
    plan.updates.map(u => [u.object.metadata?.name, u.from, u.to]),
    [['a', 4, 3]],
  )
})

for (const { name, was, next } of [
  { name: 'past what a number holds', was: '3546343826724305832', next: '3546343826724305833' },
  { name: 'after a text that is none', was: 'third', next: '1' },
  { name: 'after one that no int64 holds', was: '9223372036854775808', next: '1' },
])
  t.test(`revisions are counted ${name}`, async t => {
    const replicaSets = [old('a', 4, was)]
    t.equal(planDeployment({ deployment: deployment('web', 4), replicaSets, pods: [], nowMs }).revision, next)
  })

t.test('going back to an earlier template raises its revision and keeps the history', async t => {
  const d = deployment('web', 4)
  const back = own(d, 0)
  const plan = planDeployment({ deployment: d, replicaSets: [back, old('b', 4, '2')], pods: [], nowMs })
  t.equal(plan.create, undefined)
  t.equal(plan.revision, '3')
  t.match(plan.updates[0]?.object.metadata?.annotations, {
    'deployment.kubernetes.io/revision': '3',
    'deployment.kubernetes.io/revision-history': '1',
  })
})

t.test('while paused no template change is rolled out, but the size is followed', async t => {
  const d = deployment('web', 6, { paused: true })
  const plan = planDeployment({ deployment: d, replicaSets: [old('a', 3, '1')], pods: [], nowMs })
  t.equal(plan.create, undefined)
  t.same(
    plan.updates.map(u => [u.object.metadata?.name, u.to]),
    [['a', 6]],
  )
  t.equal(conditions(plan.status)['Progressing'], 'Unknown DeploymentPaused')
})

t.test('a scaled deployment sizes its set and notes the new size on it', async t => {
  const d = deployment('web', 5)
  const set = own({ ...d, spec: { ...deployment('web', 3).spec!, replicas: 3 } }, 3)
  const plan = planDeployment({ deployment: d, replicaSets: [set], pods: [], nowMs })
  t.match(plan.updates, [
    {
      from: 3,
      to: 5,
      object: {
        spec: { replicas: 5 },
        metadata: { annotations: { 'deployment.kubernetes.io/desired-replicas': '5' } },
      },
    },
  ])
})

t.test('Recreate: the old go first, then their pods must be gone, then the new come', async t => {
  const d = deployment('web', 2, { strategy: { type: 'Recreate' } })
  const first = planDeployment({ deployment: d, replicaSets: [old('a', 2, '1')], pods: [], nowMs })
  t.equal(first.create, undefined)
  t.same(
    first.updates.map(u => u.to),
    [0],
  )
  const stopping = [pod('x', { owner: 'a', deleting: true })]
  const second = planDeployment({ deployment: d, replicaSets: [old('a', 0, '1')], pods: stopping, nowMs })
  t.equal(second.create, undefined)
  const third = planDeployment({ deployment: d, replicaSets: [old('a', 0, '1')], pods: [], nowMs })
  t.equal(third.create?.spec?.replicas, 2)
})

t.test('superseded sets past the history limit go once the rollout is complete, the oldest first', async t => {
  const d = deployment('web', 1, { revisionHistoryLimit: 1 })
  const sets = [own(d, 1), old('a', 0, '7'), old('b', 0, '9'), old('c', 0, '8')]
  t.same(
    planDeployment({ deployment: d, replicaSets: sets, pods: [], nowMs }).remove.map(set => set.metadata?.name),
    ['a', 'c'],
  )
  const running = [own(d, 1, 0), ...sets.slice(1)]
  t.same(planDeployment({ deployment: d, replicaSets: running, pods: [], nowMs }).remove, [])
})

t.test('without progress until the deadline the rollout is said to have failed', async t => {
  const d = deployment('web', 2)
  const at = '2026-01-01T00:00:00Z'
  const told = {
    type: 'Progressing',
    status: 'True',
    reason: 'ReplicaSetUpdated',
    lastUpdateTime: at,
    lastTransitionTime: at,
  }
  const waiting: Deployment = {
    ...d,
    status: { replicas: 2, updatedReplicas: 2, unavailableReplicas: 2, conditions: [told] },
  }
  const plan = (ms: number) =>
    planDeployment({ deployment: waiting, replicaSets: [own(d, 2, 0)], pods: [], nowMs: Date.parse(at) + ms })
  t.equal(conditions(plan(599_000).status)['Progressing'], 'True ReplicaSetUpdated')
  t.equal(plan(599_000).againMs, 2000)
  t.equal(conditions(plan(600_000).status)['Progressing'], 'False ProgressDeadlineExceeded')
})

t.test('a set that cannot make its pods is told of in the deployment', async t => {
  const d = deployment('web', 2)
  const told = { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }
  const failing = { ...own(d, 2, 0), status: { replicas: 0, conditions: [told] } }
  const { status } = planDeployment({ deployment: d, replicaSets: [failing], pods: [], nowMs })
  t.equal(conditions(status)['ReplicaFailure'], 'True FailedCreate')
})

t.test('a deployment on its way out changes nothing but its status', async t => {
  const d = deployment('web', 2)
  d.metadata = { ...d.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' }
  const plan = planDeployment({ deployment: d, replicaSets: [], pods: [], nowMs })
  t.match({ create: plan.create, updates: plan.updates }, { create: undefined, updates: [] })
})
