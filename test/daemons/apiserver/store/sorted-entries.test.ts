import fc from 'fast-check'
import t from 'tap'
import { SortedEntries } from '../../../../daemons/apiserver/store/sorted-entries.ts'
import { StoredEntry } from '../../../../daemons/apiserver/store/stored-entry.ts'

const entry = (key: string) => new StoredEntry(key, 1, { object: {} })
const keysOf = (entries: readonly StoredEntry[]) => entries.map(({ key }) => key)
const keys = fc.string({ unit: fc.constantFrom('a', 'b', '/', '0'), minLength: 1, maxLength: 6 })

void t.test('it holds, counts and slices what a sorted array would', async () => {
  const steps = fc.array(fc.record({ key: keys, remove: fc.boolean() }), { maxLength: 200 })
  fc.assert(
    fc.property(steps, keys, keys, fc.nat(10), (steps, one, other, limit) => {
      const sorted = new SortedEntries()
      const model = new Set<string>()
      for (const { key, remove } of steps) {
        if (remove) sorted.delete(key)
        else sorted.set(entry(key))
        if (remove) model.delete(key)
        else model.add(key)
      }
      const [lower, upper] = one < other ? [one, other] : [other, one]
      const expected = [...model].filter(key => key >= lower && key < upper).sort()
      return (
        sorted.count(lower, upper) === expected.length &&
        String(keysOf(sorted.slice(lower, upper, limit))) === String(expected.slice(0, limit))
      )
    }),
  )
})

void t.test('thousands of keys in any order come back in theirs', async t => {
  const sorted = new SortedEntries()
  const names = Array.from({ length: 5000 }, (_, n) => `k${String((n * 7919) % 5000).padStart(5, '0')}`)
  for (const name of names) sorted.set(entry(name))
  t.same(keysOf(sorted.slice('', '~', Infinity)), [...names].sort())
  for (const name of names.slice(0, 4990)) sorted.delete(name)
  t.same(keysOf(sorted.slice('', '~', Infinity)), names.slice(4990).sort())
  t.equal(sorted.count('', '~'), 10)
})
