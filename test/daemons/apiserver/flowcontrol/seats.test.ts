import t from 'tap'
import { FairQueues } from '../../../../daemons/apiserver/flowcontrol/fair-queues.ts'
import {
  type LevelRow,
  levelRowOf,
  PriorityLevel,
  seatLimits,
} from '../../../../daemons/apiserver/flowcontrol/priority-level.ts'
import { SeatPool } from '../../../../daemons/apiserver/flowcontrol/seat-pool.ts'
import { dealHand } from '../../../../daemons/apiserver/flowcontrol/shuffle-shard.ts'
import { priorityLevels } from '../../../../daemons/apiserver/registry/flow-control-objects.ts'

t.test('seats are shared out as upstream does', async t => {
  const rows = priorityLevels.map(levelRowOf)
  const shares = rows.reduce((sum, row) => sum + row.shares, 0)
  const limits = Object.fromEntries(rows.map(row => [row.name, seatLimits(row, 600, shares)]))
  t.same(
    Object.fromEntries(Object.entries(limits).map(([name, { nominal, guaranteed }]) => [name, [nominal, guaranteed]])),
    {
      exempt: [0, 0],
      'catch-all': [13, 13],
      system: [74, 50],
      'node-high': [98, 73],
      'leader-election': [25, 25],
      'workload-high': [98, 49],
      'workload-low': [245, 24],
      'global-default': [49, 24],
    },
  )
})

t.test('a hand has different queues, and the same flow the same', async t => {
  const hands = Array.from({ length: 200 }, (_, i) => dealHand(`flow ${i}`, 16, 4))
  t.ok(hands.every(hand => new Set(hand).size === 4 && hand.every(card => card >= 0 && card < 16)))
  t.same(
    Array.from({ length: 200 }, (_, i) => dealHand(`flow ${i}`, 16, 4)),
    hands,
  )
  t.same(
    dealHand('x', 3, 8).sort((a, b) => a - b),
    [0, 1, 2],
    'no more than there are',
  )
  const used = new Set(Array.from({ length: 200 }, (_, i) => dealHand(`flow ${i}`, 64, 6)).flat())
  t.equal(used.size, 64, 'every queue is used by somebody')
})

const waiting = (name: string, log: string[] = []) => ({ name, start: () => void log.push(name) })

t.test('a flow that floods its queues leaves the others their turn', async t => {
  const queues = new FairQueues({ queues: 128, handSize: 6, queueLengthLimit: 50 })
  for (let i = 0; i < 300; i++) queues.add('noisy', waiting('noisy'))
  t.equal(queues.length, 300)
  t.equal(queues.add('noisy', waiting('noisy')), undefined, 'its hand is full')
  t.ok(queues.add('quiet', waiting('quiet')), 'which is nobody else’s concern')
  const order = Array.from({ length: 10 }, () => (queues.next() as { name?: string } | undefined)?.name)
  t.ok(order.includes('quiet'), 'it comes within one round of the queues')
})

t.test('within a queue who came first goes first, and who leaves is not waited for', async t => {
  const queues = new FairQueues({ queues: 1, handSize: 1, queueLengthLimit: 3 })
  const [, leave] = ['a', 'b', 'c'].map(name => queues.add('x', waiting(name)))
  leave?.()
  leave?.()
  t.equal(queues.length, 2)
  t.same(
    [queues.next(), queues.next(), queues.next()].map(one => (one as { name?: string } | undefined)?.name),
    ['a', 'c', undefined],
  )
})

const row = (name: string, more: Partial<LevelRow> = {}): LevelRow => ({
  name,
  uid: name,
  exempt: false,
  shares: 1,
  lendablePercent: 0,
  borrowingLimitPercent: undefined,
  queuing: { queues: 1, handSize: 1, queueLengthLimit: 100 },
  ...more,
})
const level = (name: string, seats: number, more: Partial<LevelRow> = {}) => {
  const made = row(name, more)
  return new PriorityLevel(made, seatLimits(made, seats, 1))
}

t.test('a level keeps what it does not lend, whoever wants more', async t => {
  const [noisy, nodes] = [level('noisy', 2), level('nodes', 2)]
  const pool = new SeatPool()
  pool.setLevels([noisy, nodes])
  t.same(
    Array.from({ length: 4 }, () => pool.tryTake(noisy)),
    [true, true, false, false],
  )
  t.ok(pool.tryTake(nodes), 'the node agents’ seats are theirs')
  t.ok(pool.tryTake(nodes))
  t.notOk(pool.tryTake(nodes))
})

t.test('seats that are lent are used, and come back to whose they are', async t => {
  const log: string[] = []
  const [low, high] = [level('low', 2), level('high', 4, { lendablePercent: 50 })]
  const pool = new SeatPool()
  pool.setLevels([low, high])
  t.same(
    Array.from({ length: 5 }, () => pool.tryTake(low)),
    [true, true, true, true, false],
  )
  t.same(
    Array.from({ length: 3 }, () => pool.tryTake(high)),
    [true, true, false],
  )
  low.queues?.add('x', waiting('low', log))
  high.queues?.add('x', waiting('high', log))
  pool.release(low)
  t.same(log, ['high'], 'who is below its nominal seats goes before who borrows')
  pool.release(high)
  t.same(log, ['high', 'low'])
})

t.test('who may not borrow waits, and who is exempt never does', async t => {
  const jailed = level('jailed', 0, { shares: 0, borrowingLimitPercent: 0 })
  const exempt = level('exempt', 0, { exempt: true })
  const lender = level('lender', 10, { lendablePercent: 100 })
  const pool = new SeatPool()
  pool.setLevels([jailed, exempt, lender])
  t.notOk(pool.tryTake(jailed))
  t.ok(Array.from({ length: 1000 }, () => pool.tryTake(exempt)).every(Boolean))
})

t.test('whatever is taken and given back, the books are right', async t => {
  const levels = [
    level('a', 3, { lendablePercent: 33 }),
    level('b', 5, { lendablePercent: 80 }),
    level('c', 1, { borrowingLimitPercent: 100 }),
  ]
  const pool = new SeatPool()
  pool.setLevels(levels)
  const total = levels.reduce((sum, { limits }) => sum + limits.nominal, 0)
  let seed = 1
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
  for (let i = 0; i < 5000; i++) {
    const one = levels[random(3)] as PriorityLevel
    if (random(2) === 0) {
      if (!pool.tryTake(one) && random(4) === 0) one.queues?.add('x', { start: () => {} })
    } else if (one.inUse > 0) pool.release(one)
    const used = levels.reduce((sum, { inUse }) => sum + inUse, 0)
    if (used > total || levels.some(({ inUse, limits }) => inUse > limits.most)) return t.fail(`step ${i}: ${used}`)
  }
  for (const one of levels) while (one.inUse > 0) pool.release(one)
  t.ok(
    levels.every(({ queues }) => queues?.length === 0),
    'nobody waits while there is room',
  )
})
