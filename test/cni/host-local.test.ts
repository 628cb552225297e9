import t from 'tap'
import { formatIp, parseIp } from '../../kube/ip-address.ts'
import { FakeLeases } from '../../cni/host-local/lease-store-fake.ts'
import { hostLocal } from '../../cni/host-local/host-local.ts'
import { candidates, parseHostLocal, parseResolvConf } from '../../cni/host-local/ranges.ts'
import { parseInvocation, type Invocation } from '../../cni/skel/invocation.ts'

const call = (ipam: unknown, id = 'c1', extra: { args?: string; config?: Record<string, unknown> } = {}): Invocation =>
  parseInvocation(
    'ADD',
    { CNI_CONTAINERID: id, CNI_NETNS: '/n', CNI_IFNAME: 'eth0', CNI_PATH: '/bin', CNI_ARGS: extra.args },
    JSON.stringify({ cniVersion: '1.0.0', name: 'net', ipam, ...extra.config }),
  )

const plugin = (leases = new FakeLeases()) =>
  hostLocal({ withLeases: leases.withLeases, readFile: () => 'nameserver 10.0.0.1\n' })

void t.test('addresses are given out in turn and the gateway never', async t => {
  const { add } = plugin()
  const given = []
  for (const id of ['a', 'b', 'c']) given.push((await add(call({ subnet: '10.1.0.0/29' }, id))).ips[0]?.address)
  t.strictSame(given, ['10.1.0.2/29', '10.1.0.3/29', '10.1.0.4/29'])
})

void t.test('an address that came back rests until the range was gone through', async t => {
  const { add, del } = plugin()
  const ipam = { subnet: '10.1.0.0/29' }
  await add(call(ipam, 'a'))
  await del(call(ipam, 'a'))
  t.equal((await add(call(ipam, 'b'))).ips[0]?.address, '10.1.0.3/29')
  for (const id of ['c', 'd', 'e']) await add(call(ipam, id))
  t.equal((await add(call(ipam, 'f'))).ips[0]?.address, '10.1.0.2/29')
})

void t.test('a full range is an error that names it', async t => {
  const { add } = plugin()
  const ipam = { subnet: '10.1.0.0/30' }
  await add(call(ipam, 'a'))
  await t.rejects(add(call(ipam, 'b')), { code: 102, message: /10\.1\.0\.1-10\.1\.0\.2/ })
})

void t.test('one container gets one address, and the second ADD leaves the first alone', async t => {
  const leases = new FakeLeases()
  const { add } = plugin(leases)
  await add(call({ subnet: '10.1.0.0/24' }))
  await t.rejects(add(call({ subnet: '10.1.0.0/24' })), { message: /already allocated/ })
  t.equal(leases.leases.get('/var/lib/cni/networks/net')?.size, 1)
})

void t.test('a failure in the second set gives the address of the first set back', async t => {
  const leases = new FakeLeases()
  const { add } = plugin(leases)
  const ipam = {
    ranges: [[{ subnet: '10.1.0.0/24' }], [{ subnet: 'fd00::/126', rangeStart: 'fd00::1', rangeEnd: 'fd00::1' }]],
  }
  await t.rejects(add(call(ipam)), { code: 102 })
  t.equal(leases.leases.get('/var/lib/cni/networks/net')?.size, 0)
})

void t.test(
  'an address that is asked for is given, or refused when it is taken, a gateway, or in no range',
  async t => {
    const { add } = plugin()
    const ipam = { subnet: '10.1.0.0/24' }
    t.equal((await add(call(ipam, 'a', { args: 'IP=10.1.0.77' }))).ips[0]?.address, '10.1.0.77/24')
    await t.rejects(add(call(ipam, 'b', { config: { runtimeConfig: { ips: ['10.1.0.77'] } } })), {
      message: /is taken/,
    })
    await t.rejects(add(call(ipam, 'c', { args: 'IP=10.1.0.1' })), { message: /gateway/ })
    await t.rejects(add(call(ipam, 'd', { args: 'IP=10.2.0.1' })), { code: 7 })
  },
)

void t.test('the candidates of several ranges go round from the last one given out', async t => {
  const config = parseHostLocal(
    {
      ipam: {
        ranges: [
          [
            { subnet: '10.1.0.0/29', rangeStart: '10.1.0.2', rangeEnd: '10.1.0.3' },
            { subnet: '10.2.0.0/29', rangeStart: '10.2.0.2', rangeEnd: '10.2.0.3' },
          ],
        ],
      },
    },
    new Map(),
  )
  const order = (last?: string) =>
    [...candidates(config.sets[0] ?? [], last === undefined ? undefined : parseIp(last))].map(({ ip }) => formatIp(ip))
  t.strictSame(order(), ['10.1.0.2', '10.1.0.3', '10.2.0.2', '10.2.0.3'])
  t.strictSame(order('10.1.0.2'), ['10.1.0.3', '10.2.0.2', '10.2.0.3', '10.1.0.2'])
  t.strictSame(order('10.2.0.3'), ['10.1.0.2', '10.1.0.3', '10.2.0.2', '10.2.0.3'])
})

for (const { name, ipam, message } of [
  { name: 'no subnet', ipam: {}, message: /ipam\.ranges/ },
  { name: 'a subnet that is none', ipam: { subnet: '10.1.0.0' }, message: /ipam\.subnet/ },
  { name: 'a subnet with no room', ipam: { subnet: '10.1.0.0/31' }, message: /too small/ },
  {
    name: 'a range start outside',
    ipam: { subnet: '10.1.0.0/24', rangeStart: '10.2.0.1' },
    message: /ipam\.rangeStart/,
  },
  {
    name: 'overlapping sets',
    ipam: { ranges: [[{ subnet: '10.1.0.0/24' }], [{ subnet: '10.1.0.0/25' }]] },
    message: /overlap/,
  },
  {
    name: 'a route that is none',
    ipam: { subnet: '10.1.0.0/24', routes: [{ dst: 'x' }] },
    message: /ipam\.routes\[0\]\.dst/,
  },
])
  void t.test(`a configuration with ${name} is refused by its key`, async t => {
    t.throws(() => parseHostLocal({ ipam }, new Map()), { code: 7, message })
  })

void t.test('a resolv.conf becomes DNS settings', async t => {
  t.strictSame(
    parseResolvConf('# x\nnameserver 10.0.0.1\nnameserver 10.0.0.2 ; y\nsearch a b\noptions ndots:2\ndomain d\n'),
    {
      nameservers: ['10.0.0.1', '10.0.0.2'],
      domain: 'd',
      search: ['a', 'b'],
      options: ['ndots:2'],
    },
  )
})
