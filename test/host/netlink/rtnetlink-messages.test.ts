import t from 'tap'
import { decodeAttributes, encodeAttributes, u32 } from '../../../host/netlink/attributes.ts'
import {
  decodeAddress,
  decodeRoute,
  encodeAddress,
  encodeLinkSpec,
  encodeRoute,
} from '../../../host/netlink/rtnetlink-messages.ts'

void t.test('attributes are padded to four bytes, and nesting is flagged', async t => {
  const bytes = encodeAttributes([
    [3, Buffer.from('ab\0')],
    [18, [[1, Buffer.from('veth')]]],
  ])
  t.equal(bytes.toString('hex'), '0700030061620000' + '0c001280' + '0800010076657468')
  t.equal(decodeAttributes(bytes).get(3)?.toString(), 'ab\0')
})

void t.test('a cut attribute ends the list', async t => {
  const bytes = encodeAttributes([
    [1, u32(7)],
    [2, u32(8)],
  ])
  t.strictSame([...decodeAttributes(bytes.subarray(0, bytes.length - 2)).keys()], [1])
  t.equal(decodeAttributes(Buffer.from([1, 0, 0, 0])).size, 0)
})

void t.test('an address and a route read back as they were written', async t => {
  for (const address of ['10.244.0.2/24', 'fd00::2/64'])
    t.strictSame(decodeAddress(encodeAddress({ link: 7, address })), { link: 7, address })
  for (const route of [
    { destination: '0.0.0.0/0', gateway: '10.244.0.1', link: 2, scope: 'global' as const },
    { destination: '10.1.0.0/16', link: 3, scope: 'link' as const, metric: 5 },
    { destination: '::/0', gateway: 'fd00::1', link: 2, scope: 'global' as const },
  ])
    t.strictSame(decodeRoute(encodeRoute(route)), route)
})

void t.test('a veth carries its peer within its own message', async t => {
  const body = encodeLinkSpec({
    kind: 'veth',
    name: 'veth1',
    mtu: 1400,
    master: 4,
    peer: { name: 'eth0', netns: 9, mac: '0a:58:0a:f4:00:02' },
  })
  const info = decodeAttributes(decodeAttributes(body.subarray(16)).get(18) ?? Buffer.alloc(0))
  const peer = decodeAttributes(
    decodeAttributes(info.get(2) ?? Buffer.alloc(0))
      .get(1)
      ?.subarray(16) ?? Buffer.alloc(0),
  )
  t.equal(info.get(1)?.toString(), 'veth')
  t.equal(peer.get(3)?.toString(), 'eth0\0')
  t.equal(peer.get(28)?.readUInt32LE(), 9)
  t.equal(peer.get(1)?.toString('hex'), '0a580af40002')
})
