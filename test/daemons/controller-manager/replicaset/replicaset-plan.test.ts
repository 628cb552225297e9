import t from 'tap'
import { deletionOrder } from '../../../../daemons/controller-manager/replicaset/pod-ranking.ts'
import {
  planReplicas,
  planReplicaSetStatus,
} from '../../../../daemons/controller-manager/replicaset/replicaset-plan.ts'
import { slowStartBatches } from '../../../../daemons/controller-manager/pod-creation.ts'
import { pod, replicaSet } from '../objects.ts'

const nowMs = Date.parse('2026-01-02T00:00:00Z')
const late = '2026-01-01T23:59:59Z'
const cost = (value: string) => ({ 'controller.kubernetes.io/pod-deletion-cost': value })

for (const { name, first, second, related = [] } of [
  { name: 'a pod without a node goes before one with', first: pod('b'), second: pod('a', { node: 'n' }) },
  {
    name: 'a pending pod goes before a running one',
    first: pod('b', { node: 'n', phase: 'Pending' }),
    second: pod('a', { node: 'n' }),
  },
  {
    name: 'one that is not ready before one that is',
    first: pod('b', { node: 'n', ready: false }),
    second: pod('a', { node: 'n' }),
  },
  {
    name: 'the cheaper one goes first',
    first: pod('b', { node: 'n', annotations: cost('-5') }),
    second: pod('a', { node: 'n', annotations: cost('0') }),
  },
  {
    name: 'one on a crowded node goes first',
    first: pod('b', { node: 'full' }),
    second: pod('a', { node: 'empty' }),
    related: [pod('x', { node: 'full' }), pod('y', { node: 'full' }), pod('z', { node: 'empty' })],
  },
  {
    name: 'the one that became ready last goes first',
    first: pod('b', { node: 'n', readyAt: late }),
    second: pod('a', { node: 'n' }),
  },
  {
    name: 'the one that restarted more goes first',
    first: pod('b', { node: 'n', restarts: 3 }),
    second: pod('a', { node: 'n', restarts: 1 }),
  },
  { name: 'the newest goes first', first: pod('b', { node: 'n', created: late }), second: pod('a', { node: 'n' }) },
  { name: 'pods alike in all that go by uid', first: pod('a', { node: 'n' }), second: pod('b', { node: 'n' }) },
])
  t.test(name, async t => {
    t.same(deletionOrder([second, first], related, nowMs), [first, second])
    t.same(deletionOrder([first, second], related, nowMs), [first, second])
  })

t.test('replicas that are missing are made, those too many deleted, never more than 500 at once', async t => {
  t.same(planReplicas(replicaSet('a', 3), [pod('x')], [], nowMs), { kind: 'create', count: 2 })
  t.same(planReplicas(replicaSet('a', 1000), [], [], nowMs), { kind: 'create', count: 500 })
  t.same(planReplicas(replicaSet('a', 1), [pod('x')], [], nowMs), { kind: 'none' })
  t.match(planReplicas(replicaSet('a', 1), [pod('x'), pod('y', { ready: false })], [], nowMs), {
    kind: 'delete',
    pods: [{ metadata: { name: 'y' } }],
  })
  const going = replicaSet('a', 3, { metadata: { name: 'a', deletionTimestamp: late } })
  t.same(planReplicas(going, [], [], nowMs), { kind: 'none' })
})

t.test('creation starts slowly', async t => {
  t.same(slowStartBatches(10), [1, 2, 4, 3])
  t.same(slowStartBatches(1), [1])
  t.same(slowStartBatches(0), [])
})

t.test('the status counts pods that are labelled, ready, and ready for long enough', async t => {
  const set = replicaSet('a', 3, {
    spec: { minReadySeconds: 60, selector: {}, template: { metadata: { labels: { app: 'web' } } } },
  })
  const pods = [pod('x'), pod('y', { readyAt: late }), pod('z', { ready: false, labels: {} })]
  t.same(planReplicaSetStatus(set, pods, undefined, nowMs), {
    replicas: 3,
    fullyLabeledReplicas: 2,
    readyReplicas: 2,
    availableReplicas: 1,
  })
})

t.test('a status that says the same already is not written, zeros or not', async t => {
  const set = replicaSet('a', 0, { status: { replicas: 0, readyReplicas: 0, conditions: [] } })
  t.equal(planReplicaSetStatus(set, [], undefined, nowMs), undefined)
})

t.test('a failure stands in the status until it is over', async t => {
  const failure = { reason: 'FailedCreate' as const, message: 'no' }
  const status = planReplicaSetStatus(replicaSet('a', 1), [], failure, nowMs)
  t.match(status?.conditions, [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate' }])
  const set = replicaSet('a', 1, status === undefined ? {} : { status })
  t.equal(planReplicaSetStatus(set, [], { ...failure, message: 'other' }, nowMs + 5000), undefined)
  t.same(planReplicaSetStatus(set, [], undefined, nowMs), { replicas: 0 })
})
