import t from 'tap'
import { nthAddress, overlaps, parseCidr4 } from '../../kube/cidr.ts'

t.test('the nth address counts from the first', async t => {
  t.equal(nthAddress(parseCidr4('10.96.0.0/16'), 10), '10.96.0.10')
  t.equal(nthAddress(parseCidr4('10.96.0.0/16'), 256), '10.96.1.0')
  t.equal(nthAddress(parseCidr4('255.255.255.0/24'), 255), '255.255.255.255')
  t.throws(() => nthAddress(parseCidr4('10.0.0.0/24'), 256), { code: 'INVALID_INPUT' })
})

for (const [a, b, answer] of [
  ['10.0.0.0/8', '10.96.0.0/16', true],
  ['10.96.0.0/16', '10.97.0.0/16', false],
  ['0.0.0.0/0', '192.0.2.0/24', true],
] as const)
  t.test(`${a} and ${b} ${answer ? 'overlap' : 'are apart'}`, async t => {
    t.equal(overlaps(parseCidr4(a), parseCidr4(b)), answer)
    t.equal(overlaps(parseCidr4(b), parseCidr4(a)), answer)
  })

for (const text of ['10.0.0.0', '10.0.0.1/24', '10.0.0.0/33', '300.0.0.0/8', '10.0.0.0/8/8', '10.0.0.0/ 8', ''])
  t.test(`${JSON.stringify(text)} is no range`, async t => {
    t.throws(() => parseCidr4(text), { code: 'INVALID_INPUT' })
  })
