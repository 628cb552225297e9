import fc from 'fast-check'
import t from 'tap'
import { NumberPool } from '../../../../daemons/apiserver/allocation/number-pool.ts'

const pool = (size: number, lowBand: number, random = () => 0.5) =>
  new NumberPool({ first: 100, size, lowBand, random })

t.test('no number is given out twice, and none outside the range', async () => {
  const command = fc.oneof(
    fc.record({ kind: fc.constant('any' as const) }),
    fc.record({ kind: fc.constant('take' as const), value: fc.integer({ min: 90, max: 150 }) }),
    fc.record({ kind: fc.constant('release' as const), value: fc.integer({ min: 90, max: 150 }) }),
  )
  fc.assert(
    fc.property(
      fc.array(command, { maxLength: 200 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (commands, random) => {
        const subject = pool(40, 8, () => random)
        const held = new Set<number>()
        for (const step of commands) {
          if (step.kind === 'release') {
            subject.release(step.value)
            held.delete(step.value)
            continue
          }
          const value = step.kind === 'any' ? subject.takeAny() : subject.take(step.value) ? step.value : undefined
          if (value === undefined) {
            if (step.kind === 'any' && held.size < 40) return false
            continue
          }
          if (held.has(value) || value < 100 || value >= 140) return false
          // The low band is touched of its own accord only when the rest is full.
          if (step.kind === 'any' && value < 108 && [...held].filter(v => v >= 108).length < 32) return false
          held.add(value)
        }
        return subject.free === 40 - held.size
      },
    ),
  )
})

t.test('a full pool gives nothing', async t => {
  const subject = pool(3, 1)
  t.same(
    [subject.takeAny(), subject.takeAny(), subject.takeAny()].sort((a, b) => (a ?? 0) - (b ?? 0)),
    [100, 101, 102],
  )
  t.equal(subject.takeAny(), undefined)
})

t.test('a taken number is refused until it is given back', async t => {
  const subject = pool(3, 1)
  t.ok(subject.take(101))
  t.notOk(subject.take(101))
  subject.release(101)
  t.ok(subject.take(101))
})
