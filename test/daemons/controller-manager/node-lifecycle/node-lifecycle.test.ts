import t from 'tap'
import { evictionTime } from '../../../../daemons/controller-manager/node-lifecycle/eviction-plan.ts'
import { observe, silentConditions } from '../../../../daemons/controller-manager/node-lifecycle/node-health.ts'
import { planTaints } from '../../../../daemons/controller-manager/node-lifecycle/node-taints.ts'
import { node, pod, t0 } from '../objects.ts'

const start = Date.parse(t0)
const limits = { graceMs: 40_000, startupGraceMs: 60_000 }
const lease = (renewTime: string) => ({ spec: { renewTime } })

t.test('a node that renews its lease is alive by our clock, whatever its own says', async t => {
  const first = observe(undefined, node('n'), lease('2001-01-01T00:00:00.000000Z'), start)
  const second = observe(first, node('n'), lease('2001-01-01T00:00:10.000000Z'), start + 30_000)
  t.equal(second.seenAtMs, start + 30_000)
  t.equal(silentConditions(node('n'), second, limits, start + 70_000), undefined)
  const third = observe(second, node('n'), lease('2001-01-01T00:00:10.000000Z'), start + 71_000)
  t.match(silentConditions(node('n'), third, limits, start + 71_000), [
    { type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown', lastHeartbeatTime: t0 },
    { type: 'MemoryPressure', status: 'Unknown', reason: 'NodeStatusNeverUpdated' },
    { type: 'DiskPressure' },
    { type: 'PIDPressure' },
  ])
})

t.test('what was said once is not said again', async t => {
  const health = observe(undefined, node('n'), undefined, start)
  const conditions = silentConditions(node('n'), health, limits, start + 41_000) ?? []
  const silent = { ...node('n'), status: { conditions } }
  t.equal(silentConditions(silent, health, limits, start + 90_000), undefined)
})

t.test('a node that never reported gets longer, counted from its creation', async t => {
  const fresh = node('n', 'none')
  const health = observe(undefined, fresh, undefined, start + 50_000)
  t.equal(silentConditions(fresh, health, limits, start + 60_000), undefined)
  t.match(silentConditions(fresh, health, limits, start + 60_001), [{ reason: 'NodeStatusNeverUpdated' }, {}, {}, {}])
})

const keys = (taints: readonly { key: string; effect: string }[] | undefined) =>
  taints?.map(taint => `${taint.key.replace('node.kubernetes.io/', '')}:${taint.effect}`)

for (const { name, status, mayEvict = true, result } of [
  { name: 'a ready node has no taints', status: 'True' as const, result: undefined },
  {
    name: 'one that is not ready has',
    status: 'False' as const,
    result: ['not-ready:NoSchedule', 'not-ready:NoExecute'],
  },
  {
    name: 'and one of unknown state',
    status: 'Unknown' as const,
    result: ['unreachable:NoSchedule', 'unreachable:NoExecute'],
  },
  {
    name: 'while every node is silent nobody is driven away',
    status: 'Unknown' as const,
    mayEvict: false,
    result: ['unreachable:NoSchedule'],
  },
])
  t.test(name, async t => {
    t.same(keys(planTaints(node('n', status), mayEvict, start)), result)
  })

t.test("others' taints stay, ours change with the state and keep their time", async t => {
  const other = { key: 'gpu', effect: 'NoExecute' }
  const tainted = node('n', 'Unknown')
  tainted.spec = {
    taints: [other, { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule', timeAdded: t0 }],
    unschedulable: true,
  }
  const taints = planTaints(tainted, true, start + 5000)
  t.same(keys(taints), ['gpu:NoExecute', 'unreachable:NoSchedule', 'unschedulable:NoSchedule', 'unreachable:NoExecute'])
  const recovered = node('n')
  recovered.spec = { taints: taints ?? [] }
  t.same(keys(planTaints(recovered, true, start)), ['gpu:NoExecute'])
  const same = { ...tainted, spec: { ...tainted.spec, taints: taints ?? [] } }
  t.equal(planTaints(same, true, start + 9000), undefined)
})

const taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: t0 }
for (const { name, tolerations, at } of [
  { name: 'a pod that tolerates nothing leaves at once', tolerations: [], at: start + 1000 },
  { name: 'one that tolerates the taint stays', tolerations: [{ key: taint.key, operator: 'Exists' }], at: undefined },
  {
    name: 'one that tolerates it for a time leaves then, counted from the taint',
    tolerations: [{ key: taint.key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }],
    at: start + 300_000,
  },
  {
    name: 'of several tolerations the shortest counts',
    tolerations: [
      { operator: 'Exists', tolerationSeconds: 60 },
      { key: taint.key, operator: 'Exists' },
    ],
    at: start + 60_000,
  },
  {
    name: 'a toleration of another effect is none',
    tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
    at: start + 1000,
  },
  { name: 'nor one of another value', tolerations: [{ key: taint.key, value: 'x' }], at: start + 1000 },
])
  t.test(name, async t => {
    t.equal(evictionTime(pod('a', { spec: { containers: [], tolerations } }), [taint], start + 1000), at)
  })
