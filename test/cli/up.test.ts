import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { checkPorts, checkRanges, findNodeIp, serviceAddresses } from '../../cli/up/host-checks.ts'
import { optionsFromFlags, resolveOptions } from '../../kube/options.ts'
import { missingPackages, packageRows } from '../../cli/up/packages.ts'
import { refuseNotBuilt, upOptions } from '../../cli/up/options.ts'
import { nodeNotReady } from '../../cli/up/wait-for-cluster.ts'
import { restartDelayMs } from '../../cli/supervisor/child.ts'
import { FakeExec } from '../../host/exec-fake.ts'

const ranges = { podCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/16' }

t.test('sound ranges beside the host’s routes pass', async t => {
  t.doesNotThrow(() =>
    checkRanges(ranges, [
      { dst: 'default', dev: 'eth0' },
      { dst: '192.0.2.0/24', dev: 'eth0' },
    ]),
  )
})

t.test('the bridge of a cluster that was killed is no obstacle', async t => {
  t.doesNotThrow(() => checkRanges(ranges, [{ dst: '10.244.0.0/24', dev: 'skiff0' }]))
})

for (const { name, options, routes, says } of [
  {
    name: 'a range that overlaps a route names both',
    options: ranges,
    routes: [{ dst: '10.244.3.0/24', dev: 'vpn0' }],
    says: /--pod-cidr 10.244.0.0\/16 overlaps the host's route to 10.244.3.0\/24 \(dev vpn0\)/,
  },
  {
    name: 'a single address inside a range is an overlap',
    options: ranges,
    routes: [{ dst: '10.96.4.4', dev: 'x' }],
    says: /--service-cidr/,
  },
  {
    name: 'ranges that overlap each other are refused',
    options: { ...ranges, serviceCidr: '10.244.0.0/17' },
    routes: [],
    says: /overlap/,
  },
  {
    name: 'a pod range too small for a node is refused',
    options: { ...ranges, podCidr: '10.244.0.0/25' },
    routes: [],
    says: /needs a \/24/,
  },
  {
    name: 'a malformed range is refused',
    options: { ...ranges, podCidr: '10.244.0.1/16' },
    routes: [],
    says: /not the first address/,
  },
])
  t.test(name, async t => {
    t.throws(() => checkRanges(options, routes), { message: says })
  })

for (const { name, argv, code } of [
  { name: 'several nodes are not built yet, and say so', argv: ['--nodes', '3'], code: 'NOT_IMPLEMENTED' },
  { name: 'nftables mode is not built yet, and says so', argv: ['--proxy-mode', 'nftables'], code: 'NOT_IMPLEMENTED' },
  { name: 'an unknown proxy mode is misuse', argv: ['--proxy-mode', 'ebpf'], code: 'INVALID_INPUT' },
  { name: 'CRI is not built yet, and says so', argv: ['--runtime', 'cri'], code: 'NOT_IMPLEMENTED' },
  { name: 'no node at all is misuse', argv: ['--nodes', '0'], code: 'INVALID_INPUT' },
  { name: 'a relative data directory is misuse', argv: ['--data-dir', 'here'], code: 'INVALID_INPUT' },
])
  t.test(name, async t => {
    t.throws(() => refuseNotBuilt(resolveOptions(upOptions, optionsFromFlags(upOptions, argv))), { code })
  })

t.test('a taken port is named with who needs it and how to find who holds it', async t => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  t.teardown(() => server.close())
  await t.rejects(checkPorts([{ port, address: '127.0.0.1', what: 'the API server' }]), {
    code: 'HOST_UNFIT',
    message: new RegExp(`port ${port} on 127.0.0.1, which the API server needs`),
    remedy: /ss -ltnp/,
  })
})

t.test('an address that is not this host’s is named', async t => {
  await t.rejects(checkPorts([{ port: 0, address: '203.0.113.7', what: 'x' }]), {
    message: /203.0.113.7 is not an address of this host/,
  })
})

t.test('a host without a default route must be told its address', async t => {
  const exec = new FakeExec(() => ({ exitCode: 2, stderr: 'Network is unreachable' }))
  await t.rejects(findNodeIp(exec, ''), { code: 'HOST_UNFIT', remedy: /--node-ip/ })
  t.equal(await findNodeIp(exec, '192.0.2.9'), '192.0.2.9')
})

t.test('services get the first and tenth address of their range for the API and DNS', async t => {
  t.strictSame(serviceAddresses('10.96.0.0/16'), { apiServiceIp: '10.96.0.1', dnsIp: '10.96.0.10' })
})

t.test('only what is missing is installed', async t => {
  t.strictSame(
    missingPackages(() => true),
    [],
  )
  t.strictSame(
    missingPackages(program => program !== 'nginx'),
    ['nginx-light'],
  )
  t.equal(missingPackages(() => false).length, packageRows.length)
})

for (const { name, ready, says } of [
  {
    name: 'a node that reported Ready since the start is ready',
    ready: { type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:10Z' },
    says: undefined,
  },
  {
    name: 'a report from before the start does not count',
    ready: { type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z' },
    says: 'the node has not reported since this start',
  },
  {
    name: 'a node that is not Ready says why',
    ready: { type: 'Ready', status: 'False', message: 'no CNI', lastHeartbeatTime: '2026-01-01T00:00:10Z' },
    says: 'the node is not Ready: no CNI',
  },
])
  t.test(name, async t => {
    t.equal(nodeNotReady(JSON.stringify({ status: { conditions: [ready] } }), Date.parse('2026-01-01T00:00:05Z')), says)
  })

t.test('a program that keeps dying is started again ever more slowly, up to 10 s', async t => {
  t.strictSame([0, 1, 2, 3, 20].map(restartDelayMs), [0, 100, 200, 400, 10_000])
})
