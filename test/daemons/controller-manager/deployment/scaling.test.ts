import type { ReplicaSet } from 'kubernetes-types/apps/v1.js'
import t from 'tap'
import {
  rollingStep,
  scaleProportionally,
  type Resize,
} from '../../../../daemons/controller-manager/deployment/scaling.ts'
import { rolloutLimits } from '../../../../daemons/controller-manager/deployment/rollout-limits.ts'
import { deployment, replicaSet } from '../objects.ts'

const rolling = (maxSurge: number | string, maxUnavailable: number | string) => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
})

for (const { name, replicas, surge, unavailable, limits } of [
  { name: 'percentages: surge up, unavailable down', replicas: 10, surge: '25%', unavailable: '25%', limits: [3, 2] },
  { name: 'plain numbers are taken as they are', replicas: 10, surge: 4, unavailable: 1, limits: [4, 1] },
  { name: 'both nothing: one may be unavailable', replicas: 3, surge: 0, unavailable: '10%', limits: [0, 1] },
  { name: 'never more unavailable than there are', replicas: 2, surge: 0, unavailable: 5, limits: [0, 2] },
])
  t.test(name, async t => {
    const { maxSurge, maxUnavailable } = rolloutLimits(deployment('web', replicas, rolling(surge, unavailable)))
    t.same([maxSurge, maxUnavailable], limits)
  })

const set = (name: string, replicas: number, available = replicas, annotations = {}): ReplicaSet =>
  replicaSet(name, replicas, {
    metadata: {
      name,
      namespace: 'default',
      uid: name,
      creationTimestamp: `2026-01-01T00:00:0${name.length}Z`,
      annotations,
    },
    status: { replicas, availableReplicas: available },
  })

const sizes = (resizes: readonly Resize[]) =>
  Object.fromEntries(resizes.map(resize => [resize.set.metadata?.name, resize.replicas]))

// Columns: the new set and the old one, as replicas/available, before; what the step makes of them.
for (const { name, replicas, surge, unavailable, current, old, result } of [
  {
    name: 'a rollout begins with the surge',
    replicas: 10,
    surge: 2,
    unavailable: 2,
    current: [0, 0],
    old: [10, 10],
    result: { new: 2 },
  },
  {
    name: 'with the surge used up, old ones go down to the minimum',
    replicas: 10,
    surge: 2,
    unavailable: 2,
    current: [2, 0],
    old: [10, 10],
    result: { o: 8 },
  },
  {
    name: 'new ones that are not available let no old one go',
    replicas: 10,
    surge: 0,
    unavailable: 2,
    current: [2, 0],
    old: [8, 8],
    result: {},
  },
  {
    name: 'new ones that are available do',
    replicas: 10,
    surge: 0,
    unavailable: 2,
    current: [2, 2],
    old: [8, 8],
    result: { o: 6 },
  },
  {
    name: 'unhealthy old ones go first, though the minimum is not met',
    replicas: 10,
    surge: 3,
    unavailable: 2,
    current: [3, 0],
    old: [10, 5],
    result: { o: 8 },
  },
  {
    name: 'too many new ones are taken back',
    replicas: 5,
    surge: 1,
    unavailable: 1,
    current: [7, 7],
    old: [0, 0],
    result: { new: 5 },
  },
  {
    name: 'a finished rollout does nothing',
    replicas: 5,
    surge: 1,
    unavailable: 1,
    current: [5, 5],
    old: [0, 0],
    result: {},
  },
] as const)
  t.test(name, async t => {
    const resizes = rollingStep(
      deployment('web', replicas, rolling(surge, unavailable)),
      set('new', current[0], current[1]),
      [set('o', old[0], old[1])],
    )
    t.same(sizes(resizes), result)
  })

for (const { name, replicas, sets, result } of [
  { name: 'the only active set gets all replicas', replicas: 7, sets: [set('a', 3)], result: { a: 7 } },
  { name: 'to nothing', replicas: 0, sets: [set('a', 3)], result: { a: 0 } },
  {
    name: 'in a rollout each set grows by its share, the largest takes the rest',
    replicas: 20,
    sets: [
      set('new', 4, 4, { 'deployment.kubernetes.io/max-replicas': '13' }),
      set('older', 9, 9, { 'deployment.kubernetes.io/max-replicas': '13' }),
    ],
    result: { older: 17, new: 8 },
  },
  {
    name: 'and shrinks by its share',
    replicas: 5,
    sets: [
      set('new', 4, 4, { 'deployment.kubernetes.io/max-replicas': '13' }),
      set('older', 9, 9, { 'deployment.kubernetes.io/max-replicas': '13' }),
    ],
    result: { older: 5, new: 2 },
  },
])
  t.test(name, async t => {
    const [current, ...old] = sets
    t.same(sizes(scaleProportionally(deployment('web', replicas), current, old)), result)
  })

t.test('any rollout ends with all replicas new, and never leaves the limits on the way', async t => {
  for (const replicas of [1, 2, 3, 7, 10])
    for (const [surge, unavailable] of [
      [0, 1],
      [1, 0],
      ['25%', '25%'],
      ['100%', '100%'],
    ] as const) {
      const d = deployment('web', replicas, rolling(surge, unavailable))
      const { maxSurge, maxUnavailable } = rolloutLimits(d)
      let current = set('new', 0)
      let old = set('o', replicas)
      for (let steps = 0; ; steps++) {
        const next = sizes(rollingStep(d, current, [old]))
        if (Object.keys(next).length === 0) break
        // What shrinks is gone at once and what grows becomes available at once.
        if (next['new'] !== undefined) current = set('new', next['new'])
        if (next['o'] !== undefined) old = set('o', next['o'])
        const total = (current.spec?.replicas ?? 0) + (old.spec?.replicas ?? 0)
        if (total > replicas + maxSurge || total < replicas - maxUnavailable || steps > 100)
          t.fail(`${replicas} ${surge} ${unavailable}: ${total} after ${steps} steps`)
        if (steps > 100) break
      }
      t.same([current.spec?.replicas, old.spec?.replicas], [replicas, 0], `${replicas}, ${surge}, ${unavailable}`)
    }
})
