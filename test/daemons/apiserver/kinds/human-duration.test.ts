import t from 'tap'
import { ageOf, humanDuration } from '../../../../daemons/apiserver/kinds/human-duration.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

for (const { ms, text } of [
  { ms: -2 * second, text: '<invalid>' },
  { ms: -500, text: '0s' },
  { ms: 0, text: '0s' },
  { ms: 119 * second, text: '119s' },
  { ms: 2 * minute, text: '2m' },
  { ms: 3 * minute + 5 * second, text: '3m5s' },
  { ms: 10 * minute + 59 * second, text: '10m' },
  { ms: 179 * minute, text: '179m' },
  { ms: 3 * hour, text: '3h' },
  { ms: 5 * hour + 20 * minute, text: '5h20m' },
  { ms: 47 * hour, text: '47h' },
  { ms: 2 * day + 3 * hour, text: '2d3h' },
  { ms: 8 * day + 3 * hour, text: '8d' },
  { ms: 729 * day, text: '729d' },
  { ms: 730 * day, text: '2y' },
  { ms: 800 * day, text: '2y70d' },
  { ms: 8 * 365 * day, text: '8y' },
])
  t.test(`${ms} ms are ${text}`, async t => {
    t.equal(humanDuration(ms), text)
  })

t.test('no time is an unknown age', async t => {
  t.equal(ageOf(undefined, 0), '<unknown>')
  t.equal(ageOf('', 0), '<unknown>')
})
