import type { ConfigMap } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import { claim } from '../../../daemons/controller-manager/claim.ts'
import { controllers, selectControllers } from '../../../daemons/controller-manager/controllers.ts'
import { Expectations } from '../../../daemons/controller-manager/expectations.ts'
import { nextRange, parsePool } from '../../../daemons/controller-manager/node-ipam-plan.ts'
import { planPodGarbage } from '../../../daemons/controller-manager/pod-gc-plan.ts'
import { planRootCa } from '../../../daemons/controller-manager/root-ca-publisher.ts'
import { planDefaultAccount } from '../../../daemons/controller-manager/service-account-controller.ts'
import { FakeClock } from '../../../host/clock-fake.ts'
import { namespace, pod, replicaSet, t0 } from './objects.ts'

const names = ['a', 'deployment-controller', 'z']
for (const { wanted, result } of [
  { wanted: ['*'], result: names },
  { wanted: ['*', '-deployment'], result: ['a', 'z'] },
  { wanted: ['deployment-controller'], result: ['deployment-controller'] },
  { wanted: [], result: [] },
  { wanted: ['-a'], result: [] },
])
  t.test(`--controllers=${wanted.join()} runs ${result.join() || 'none'}`, async t => {
    t.same(selectControllers(wanted, names), result)
  })

t.test('a controller that there is not is named', async t => {
  t.throws(() => selectControllers(['*', '-nonsense']), { code: 'INVALID_INPUT', message: /nonsense/ })
  t.equal(selectControllers(['*']).length, Object.keys(controllers).length)
})

for (const { name, used, range } of [
  { name: 'the first node gets the first range', used: [], range: '10.244.0.0/24' },
  { name: 'the lowest free one is given', used: ['10.244.0.0/24', '10.244.2.0/24'], range: '10.244.1.0/24' },
  { name: 'a larger range takes all it covers', used: ['10.244.0.0/22'], range: '10.244.4.0/24' },
  { name: 'a smaller one takes the piece it lies in', used: ['10.244.0.128/25'], range: '10.244.1.0/24' },
  { name: 'ranges outside the pool take nothing', used: ['10.10.0.0/24', 'fd00::/64'], range: '10.244.0.0/24' },
])
  t.test(name, async t => {
    t.equal(nextRange(parsePool('10.244.0.0/16', 24), used), range)
  })

t.test('a pool that is used up gives nothing', async t => {
  t.equal(nextRange(parsePool('10.0.0.0/31', 32), ['10.0.0.0/32', '10.0.0.1/32']), undefined)
})

for (const [cidr, bits, code] of [
  ['10.244.0.0', 24, 'INVALID_INPUT'],
  ['10.244.0.0/24', 16, 'INVALID_INPUT'],
  ['x/16', 24, 'INVALID_INPUT'],
  ['10.0.0.0/8', 30, 'INVALID_INPUT'],
  ['fd00::/48', 64, 'NOT_IMPLEMENTED'],
] as const)
  t.test(`--cluster-cidr ${cidr} with /${bits} is refused`, async t => {
    t.throws(() => parsePool(cidr, bits), { code })
  })

t.test('garbage: finished pods past the threshold, pods of gone nodes, deleted ones without a node', async t => {
  const pods = [
    pod('old', { phase: 'Failed', node: 'n', created: '2025-01-01T00:00:00Z' }),
    pod('new', { phase: 'Succeeded', node: 'n' }),
    pod('lost', { node: 'gone' }),
    pod('nowhere', { deleting: true }),
    pod('fine', { node: 'n' }),
    pod('ending', { node: 'n', deleting: true }),
  ]
  t.same(
    planPodGarbage(pods, 1, name => name === 'gone').map(({ pod: one, reason }) => `${one.metadata?.name} ${reason}`),
    ['old terminated', 'lost orphaned', 'nowhere unscheduled'],
  )
})

t.test('every namespace that stays gets its account and the CA certificate, which is put right', async t => {
  const going = namespace('x')
  going.metadata = { ...going.metadata, deletionTimestamp: t0 }
  t.match(planDefaultAccount(namespace('x'), undefined), {
    kind: 'create',
    object: { metadata: { name: 'default', namespace: 'x' } },
  })
  t.equal(planDefaultAccount(going, undefined), undefined)
  const made = planRootCa(namespace('x'), undefined, 'PEM')
  t.match(made, { kind: 'create', object: { data: { 'ca.crt': 'PEM' } } })
  const known = made?.kind === 'create' ? (made.object as ConfigMap) : {}
  t.equal(planRootCa(namespace('x'), known, 'PEM'), undefined)
  t.match(planRootCa(namespace('x'), known, 'NEW'), { kind: 'update', object: { data: { 'ca.crt': 'NEW' } } })
})

t.test(
  'objects are adopted when selected and free, let go when no longer selected, left when another has them',
  async t => {
    const pods = [
      pod('mine', { owner: 'a' }),
      pod('left', { owner: 'a', labels: {} }),
      pod('free'),
      pod('other', { owner: 'b' }),
      pod('free-but-going', { deleting: true }),
    ]
    const result = claim(replicaSet('a', 1), pods, one => one.metadata?.labels?.['app'] === 'web')
    t.same(
      Object.values(result).map((list: { metadata?: { name?: string } }[]) => list.map(one => one.metadata?.name)),
      [['mine'], ['free'], ['left']],
    )
  },
)

t.test('expectations are met when everything was seen, or too long ago', async t => {
  const clock = new FakeClock()
  const expectations = new Expectations(clock)
  t.equal(expectations.satisfied('a'), true)
  expectations.expect('a', 2, ['x'])
  expectations.creationSeen('a')
  expectations.creationSeen('a')
  t.equal(expectations.satisfied('a'), false)
  expectations.deletionSeen('a', 'x')
  expectations.deletionSeen('a', 'x')
  t.equal(expectations.satisfied('a'), true)
  expectations.expect('a', 1)
  await clock.advance(5 * 60_000 + 1)
  t.equal(expectations.satisfied('a'), true)
})
