import t from 'tap'
import { bridge } from '../../cni/bridge/bridge.ts'
import { parseBridgeConfig } from '../../cni/bridge/bridge-config.ts'
import { planBridgeAdd } from '../../cni/bridge/bridge-plan.ts'
import type { BridgePorts } from '../../cni/bridge/bridge-ports.ts'
import { masqueradeChain, masqueradeText, unmasqueradeText } from '../../cni/bridge/masquerade-rules.ts'
import { FakeLeases } from '../../cni/host-local/lease-store-fake.ts'
import { hostLocal } from '../../cni/host-local/host-local.ts'
import { parseInvocation, type CniCommand } from '../../cni/skel/invocation.ts'
import { FakeLinks } from '../../host/netlink/links-fake.ts'
import { SkiffError } from '../../kube/errors.ts'

const setup = () => {
  const namespaces = new Map<number, FakeLinks>()
  const host = new FakeLinks(namespaces)
  const pods = new Map([
    ['/p1', 11],
    ['/p2', 12],
  ])
  for (const fd of pods.values()) namespaces.set(fd, new FakeLinks(namespaces))
  const leases = new FakeLeases()
  const sysctls: string[] = []
  const bridges: string[] = []
  let random = 0
  const ports: BridgePorts = {
    host,
    openPod: netns => {
      const fd = pods.get(netns)
      const links = fd === undefined ? undefined : namespaces.get(fd)
      if (fd === undefined || links === undefined) throw new SkiffError('NOT_FOUND', `no ${netns}`)
      return { fd, links, close: () => {} }
    },
    setSysctl: (key, value) => void sysctls.push(`${key}=${value}`),
    recordBridge: name => void bridges.push(name),
    masquerade: async () => {},
    unmasquerade: async () => {},
    randomHex: () => (++random).toString(16).padStart(8, '0'),
  }
  const plugin = bridge(ports, () => hostLocal({ withLeases: leases.withLeases, readFile: () => '' }))
  const call = (command: CniCommand, id: string, netns: string, extra: Record<string, unknown> = {}) =>
    parseInvocation(
      command,
      { CNI_CONTAINERID: id, CNI_NETNS: netns, CNI_IFNAME: 'eth0', CNI_PATH: '/bin' },
      JSON.stringify({
        cniVersion: '1.0.0',
        name: 'net',
        bridge: 'skiff0',
        isDefaultGateway: true,
        hairpinMode: true,
        ipam: { type: 'host-local', subnet: '10.1.0.0/24' },
        ...extra,
      }),
    )
  const held = () => [...(leases.leases.get('/var/lib/cni/networks/net')?.keys() ?? [])]
  const pod = (netns: string) => namespaces.get(pods.get(netns) ?? 0) ?? new FakeLinks()
  return { host, plugin, call, held, pod, sysctls, bridges }
}

void t.test('ADD joins the pod to the bridge, and CHECK agrees', async t => {
  const { host, plugin, call, pod, sysctls, bridges } = setup()
  const result = await plugin.add(call('ADD', 'c1', '/p1'))
  t.match(result, {
    interfaces: [{ name: 'skiff0' }, { name: 'veth00000001' }, { name: 'eth0', sandbox: '/p1' }],
    ips: [{ address: '10.1.0.2/24', gateway: '10.1.0.1', interface: 2 }],
    routes: [{ dst: '0.0.0.0/0', gw: '10.1.0.1' }],
  })
  t.match(
    (await host.list()).find(link => link.name === 'veth00000001'),
    { hairpin: true, up: true },
  )
  t.strictSame(
    (await host.addresses()).map(a => a.address),
    ['10.1.0.1/24'],
  )
  t.match(await pod('/p1').routes(), [{ destination: '0.0.0.0/0', gateway: '10.1.0.1' }])
  t.strictSame(sysctls, ['net/ipv4/ip_forward=1'])
  t.strictSame(bridges, ['skiff0'])
  await plugin.check(call('CHECK', 'c1', '/p1', { prevResult: result }))
})

void t.test('DEL takes everything back, twice, and with the namespace gone', async t => {
  const { host, plugin, call, held } = setup()
  await plugin.add(call('ADD', 'c1', '/p1'))
  await plugin.del(call('DEL', 'c1', '/p1'))
  t.strictSame(
    (await host.list()).map(link => link.name),
    ['lo', 'skiff0'],
  )
  t.strictSame(held(), [])
  await plugin.del(call('DEL', 'c1', '/p1'))
  await plugin.del(call('DEL', 'c1', '/gone'))
  await plugin.del(call('DEL', 'c1', ''))
})

void t.test('with the namespace file gone the host end of the cached result goes', async t => {
  const { host, plugin, call, held } = setup()
  const prevResult = await plugin.add(call('ADD', 'c1', '/p1'))
  await plugin.del(call('DEL', 'c1', '/gone', { prevResult }))
  t.strictSame(
    (await host.list()).map(link => link.name),
    ['lo', 'skiff0'],
  )
  t.strictSame(held(), [])
})

for (const operation of ['create veth', 'change', 'add address', 'add route'])
  void t.test(`an ADD that fails at "${operation}" leaves nothing of the container`, async t => {
    const { host, plugin, call, held, pod } = setup()
    await plugin.add(call('ADD', 'c1', '/p1'))
    const fail = (what: string) => {
      if (what === operation) throw new SkiffError('UNAVAILABLE', `no ${what}`)
    }
    host.beforeEach = fail
    pod('/p2').beforeEach = fail
    await t.rejects(plugin.add(call('ADD', 'c2', '/p2')), { message: `no ${operation}` })
    host.beforeEach = () => {}
    pod('/p2').beforeEach = () => {}
    t.strictSame(
      (await host.list()).map(link => link.name),
      ['lo', 'skiff0', 'veth00000001'],
    )
    t.strictSame(
      (await pod('/p2').list()).map(link => link.name),
      ['lo'],
    )
    t.strictSame(held(), ['10.1.0.2'])
  })

void t.test('CHECK names what is missing', async t => {
  const { host, plugin, call, pod } = setup()
  const prevResult = await plugin.add(call('ADD', 'c1', '/p1'))
  const check = () => plugin.check(call('CHECK', 'c1', '/p1', { prevResult }))
  const eth0 = (await pod('/p1').list()).find(link => link.name === 'eth0')?.index ?? 0
  await pod('/p1').changeRoute('remove', { destination: '0.0.0.0/0', link: eth0 })
  await t.rejects(check(), { code: 101, message: /route to 0\.0\.0\.0\/0/ })
  await pod('/p1').changeAddress('remove', { link: eth0, address: '10.1.0.2/24' })
  await t.rejects(check(), { code: 101, message: /lacks 10\.1\.0\.2/ })
  const veth = (await host.list()).find(link => link.kind === 'veth')?.index ?? 0
  await host.change(veth, { master: 0 })
  await t.rejects(check(), { code: 101, message: /not a port/ })
})

void t.test('a second ADD into the same namespace is refused and harms nothing', async t => {
  const { plugin, call, held } = setup()
  await plugin.add(call('ADD', 'c1', '/p1'))
  await t.rejects(plugin.add(call('ADD', 'c1', '/p1')), { message: /already/ })
  t.strictSame(held(), ['10.1.0.2'])
})

const ipam = { interfaces: [], ips: [{ address: '10.1.0.2/24' }], routes: [], dns: {} }
const given = (bridgeAddresses: string[] = []) => ({
  state: {
    bridge:
      bridgeAddresses.length === 0
        ? undefined
        : {
            index: 4,
            name: 'cni0',
            mac: '',
            mtu: 1500,
            up: true,
            kind: 'bridge',
            master: 0,
            promiscuous: false,
            hairpin: false,
          },
    bridgeAddresses,
  },
  hostEnd: 'veth1',
  ifName: 'eth0',
})

void t.test('the whole plan of a first ADD', async t => {
  const config = parseBridgeConfig({ isGateway: true, mtu: 1400, ipMasq: true, ipam: { type: 'x' } })
  t.strictSame(planBridgeAdd(config, ipam, given()), [
    { kind: 'create-bridge', name: 'cni0', mtu: 1400, mac: '0a:58:0a:01:00:01' },
    { kind: 'create-pair', hostEnd: 'veth1', podEnd: 'eth0', bridge: 'cni0', mtu: 1400, podMac: '0a:58:0a:01:00:02' },
    { kind: 'add-address', where: 'host', link: 'cni0', address: '10.1.0.1/24' },
    { kind: 'sysctl', key: 'net/ipv4/ip_forward', value: '1' },
    { kind: 'add-address', where: 'pod', link: 'eth0', address: '10.1.0.2/24' },
    { kind: 'pod-up', link: 'eth0' },
    { kind: 'masquerade', address: '10.1.0.2/24' },
  ])
})

void t.test("a bridge with another network's address is refused, or taken over by forceAddress", async t => {
  const plan = (forceAddress: boolean) =>
    planBridgeAdd(
      parseBridgeConfig({ isGateway: true, forceAddress, ipam: { type: 'x' } }),
      ipam,
      given(['10.9.0.1/24']),
    )
  t.throws(() => plan(false), { message: /already has the address 10\.9\.0\.1/ })
  t.match(
    plan(true).filter(op => op.kind.endsWith('address')),
    [{ kind: 'remove-address' }, { kind: 'add-address' }, { where: 'pod' }],
  )
})

void t.test('keys that are wrong or not built are named', async t => {
  t.throws(() => parseBridgeConfig({ hairpinMode: true, promiscMode: true }), { code: 7 })
  t.throws(() => parseBridgeConfig({ vlan: 5 }), { code: 'NOT_IMPLEMENTED', message: /vlan/ })
  t.throws(() => parseBridgeConfig({ mtu: '9000' }), { message: /mtu/ })
  t.throws(() => parseBridgeConfig({ bridge: 'a/b' }), { message: /bridge/ })
})

void t.test('masquerade rules go as they came', async t => {
  const owner = { network: 'net', containerId: 'c1' }
  const chain = masqueradeChain(owner)
  t.match(chain, /^CNI-[0-9a-f]{24}$/)
  const jump =
    masqueradeText(owner, '10.1.0.2/24')
      .split('\n')
      .find(line => line.startsWith('-A POSTROUTING')) ?? ''
  t.match(unmasqueradeText(owner, `-P POSTROUTING ACCEPT\n-A POSTROUTING -j OTHER\n${jump}\n`).split('\n'), [
    '*nat',
    `:${chain} - [0:0]`,
    jump.replace('-A', '-D'),
    `-X ${chain}`,
    'COMMIT',
  ])
})
