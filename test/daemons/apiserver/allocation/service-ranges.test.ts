import t from 'tap'
import {
  ipLowBand,
  ipv4ToNumber,
  nodePortPool,
  numberToIpv4,
  portLowBand,
  serviceIpPool,
} from '../../../../daemons/apiserver/allocation/service-ranges.ts'

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

t.test('addresses become numbers and back', async t => {
  for (const text of ['0.0.0.1', '10.96.0.10', '255.255.255.254']) t.equal(numberToIpv4(ipv4ToNumber(text)), text)
})

t.test('a pool leaves out the address of the network and the broadcast address', async t => {
  const pool = serviceIpPool('10.96.1.7/24')
  t.equal(numberToIpv4(pool.first), '10.96.1.1')
  t.equal(pool.size, 254)
})

for (const { range, code } of [
  { range: 'fd00::/108', code: 'NOT_IMPLEMENTED' },
  { range: '10.0.0.0/16,fd00::/108', code: 'NOT_IMPLEMENTED' },
  { range: '10.0.0.0', code: 'INVALID_INPUT' },
  { range: '10.0.0.0/31', code: 'INVALID_INPUT' },
  { range: '10.0.0/16', code: 'INVALID_INPUT' },
])
  t.test(`${range} is refused with ${code}`, async t => {
    t.throws(() => serviceIpPool(range), { code })
  })

for (const range of ['', '30000', '32767-30000', '0-10', '60000-70000'])
  t.test(`${JSON.stringify(range)} is no range of node ports`, async t => {
    t.throws(() => nodePortPool(range), { code: 'INVALID_INPUT' })
  })
