import fc from 'fast-check'
import t from 'tap'
import {
  cidrContains,
  firstOf,
  formatIp,
  formatNetwork,
  ipBytes,
  ipText,
  lastOf,
  parseCidr,
  parseIp,
} from '../../kube/ip-address.ts'

void t.test('an IPv6 address is written in its shortest form', async t => {
  for (const [given, text] of [
    ['2001:db8:0:0:0:0:0:1', '2001:db8::1'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80:0:0:1:0:0:0:2', 'fe80:0:0:1::2'],
    ['2001:0DB8::', '2001:db8::'],
    ['::ffff:10.0.0.1', '::ffff:a00:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ] as const)
    t.equal(ipText(ipBytes(given)), text, given)
})

void t.test('every address survives being read and written', async () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
      bytes => {
        const text = ipText(bytes)
        return Buffer.from(bytes).equals(ipBytes(text)) && formatIp(parseIp(text)) === text
      },
    ),
  )
})

void t.test('a block knows its first and last address and what it contains', async t => {
  const cidr = parseCidr('10.244.3.7/24')
  t.equal(formatIp(firstOf(cidr)), '10.244.3.0')
  t.equal(formatIp(lastOf(cidr)), '10.244.3.255')
  t.equal(formatNetwork(cidr), '10.244.3.0/24')
  t.ok(cidrContains(cidr, parseIp('10.244.3.255')))
  t.notOk(cidrContains(cidr, parseIp('10.244.4.0')))
  t.notOk(cidrContains(cidr, parseIp('::1')))
})

void t.test('what is no address or block is refused', async t => {
  for (const text of ['', '10.0.0', '10.0.0.256', 'fe80::1%eth0', 'x'])
    t.throws(() => parseIp(text), { code: 'INVALID_INPUT' })
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129'])
    t.throws(() => parseCidr(text), { code: 'INVALID_INPUT' }, text)
})
