import t from 'tap'
import { cidrsOverlap, formatIp, nthOf, parseNetwork } from '../../kube/ip-address.ts'

t.test('the nth address counts from the first', async t => {
  t.equal(formatIp(nthOf(parseNetwork('10.96.0.0/16'), 10)), '10.96.0.10')
  t.equal(formatIp(nthOf(parseNetwork('10.96.0.0/16'), 256)), '10.96.1.0')
  t.equal(formatIp(nthOf(parseNetwork('255.255.255.0/24'), 255)), '255.255.255.255')
  t.throws(() => nthOf(parseNetwork('10.0.0.0/24'), 256), { code: 'INVALID_INPUT' })
})

for (const [a, b, answer] of [
  ['10.0.0.0/8', '10.96.0.0/16', true],
  ['10.96.0.0/16', '10.97.0.0/16', false],
  ['0.0.0.0/0', '192.0.2.0/24', true],
] as const)
  t.test(`${a} and ${b} ${answer ? 'overlap' : 'are apart'}`, async t => {
    t.equal(cidrsOverlap(parseNetwork(a), parseNetwork(b)), answer)
    t.equal(cidrsOverlap(parseNetwork(b), parseNetwork(a)), answer)
  })

for (const text of ['10.0.0.0', '10.0.0.1/24', '10.0.0.0/33', '300.0.0.0/8', '10.0.0.0/8/8', '10.0.0.0/ 8', ''])
  t.test(`${JSON.stringify(text)} is no range`, async t => {
    t.throws(() => parseNetwork(text), { code: 'INVALID_INPUT' })
  })
