import fc from 'fast-check'
import t from 'tap'
import {
  addressAt,
  chooseFree,
  inRange,
  ipLowBand,
  parsePortRange,
  parseServiceRanges,
  portLowBand,
  rangeOf,
} from '../../../../daemons/apiserver/allocation/service-range.ts'
import { parseCidr } from '../../../../kube/ip-address.ts'

for (const { size, band } of [
  { size: 8, band: 0 },
  { size: 64, band: 16 },
  { size: 1024, band: 64 },
  { size: 65536, band: 256 },
])
  t.test(`of ${size} addresses the first ${band} are used last`, async t => {
    t.equal(ipLowBand(size), band)
  })

t.test('of the default node ports the first 86 are used last', async t => {
  t.equal(portLowBand(2768), 86)
})

for (const { cidr, first, last, size } of [
  { cidr: '10.96.1.7/24', first: '10.96.1.1', last: '10.96.1.254', size: 254 },
  { cidr: '10.96.0.0/30', first: '10.96.0.1', last: '10.96.0.2', size: 2 },
  { cidr: 'fd00:96::/112', first: 'fd00:96::1', last: 'fd00:96::ffff', size: 65535 },
  { cidr: 'fd00:96::/64', first: 'fd00:96::1', last: 'fd00:96:0:0:10::', size: 2 ** 52 },
])
  t.test(`Services of ${cidr} may have ${first} to ${last}`, async t => {
    const range = rangeOf(parseCidr(cidr))
    if (range === undefined) return t.fail('no range')
    t.equal(range.size, size)
    t.equal(addressAt(range, 0), first)
    t.equal(addressAt(range, size - 1), last)
  })

t.test("the network's own address and the broadcast address are outside", async t => {
  const [range] = parseServiceRanges('10.96.1.0/24')
  t.same(
    ['10.96.1.0', '10.96.1.1', '10.96.1.254', '10.96.1.255', 'fd00::1'].map(address => inRange(range, address)),
    [false, true, true, false, false],
  )
})

for (const { flag, families } of [
  { flag: '10.96.0.0/16', families: ['IPv4'] },
  { flag: 'fd00:96::/108', families: ['IPv6'] },
  { flag: '10.96.0.0/16,fd00:96::/108', families: ['IPv4', 'IPv6'] },
  { flag: 'fd00:96::/108,10.96.0.0/16', families: ['IPv6', 'IPv4'] },
])
  t.test(`${flag} gives ${families.join(' and ')}`, async t => {
    t.same(
      parseServiceRanges(flag).map(({ family }) => family),
      families,
    )
  })

for (const flag of [
  '',
  '10.0.0.0',
  '10.0.0.0/31',
  '10.0.0.0/7',
  '10.0.0/16',
  'fd00::/63',
  'fd00::/128',
  '10.0.0.0/16,10.1.0.0/16',
  '10.0.0.0/16,fd00::/108,fd01::/108',
])
  t.test(`${JSON.stringify(flag)} is refused as a range of Services`, async t => {
    t.throws(() => parseServiceRanges(flag), { code: 'INVALID_INPUT', message: /--service-cluster-ip-range/ })
  })

for (const range of ['', '30000', '32767-30000', '0-10', '60000-70000'])
  t.test(`${JSON.stringify(range)} is no range of node ports`, async t => {
    t.throws(() => parsePortRange(range), { code: 'INVALID_INPUT' })
  })

t.test('whatever is taken, a free number is found while there is one, and the low band is used last', async () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 39 })),
      fc.integer({ min: 0, max: 40 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (taken, lowBand, random) => {
        const isFree = (offset: number) => !taken.includes(offset)
        const found = chooseFree({ size: 40, lowBand }, isFree, () => random)
        if (found === undefined) return taken.length === 40
        const highIsFull = taken.filter(offset => offset >= lowBand).length === 40 - lowBand
        return found >= 0 && found < 40 && isFree(found) && (found >= lowBand || highIsFull)
      },
    ),
  )
})
