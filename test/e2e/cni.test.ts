import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { cniWrapper } from '../../cni/wrapper.ts'
import { startNodeNetwork } from '../../daemons/kubelet/network/node-network.ts'
import { FakeClock } from '../../host/clock-fake.ts'
import { runOk, systemExec, type Exec } from '../../host/exec.ts'
import { FakeJournal, readJournal } from '../../host/journal.ts'
import { FakeClient } from '../../kube/client/fake-client.ts'

if (process.getuid?.() !== 0) {
  t.pass('skipped: network namespaces need root')
  process.exit(0)
}

const directory = mkdtempSync(join(tmpdir(), 'skiff-cni-'))
const bin = join(directory, 'bin')
const main = join(import.meta.dirname, '../../cni/main.js')
const node = `scni-${process.pid}`
const pod = (i: number) => `scni-${process.pid}-p${i}`
const made: string[] = []
const ip = (...args: string[]) => runOk(systemExec, 'ip', args)
/** A program inside a namespace. */
const inside = (namespace: string, ...args: string[]) => systemExec.run('ip', ['netns', 'exec', namespace, ...args])
const makeNamespace = async (name: string) => {
  await ip('netns', 'add', name)
  made.push(name)
}

mkdirSync(bin)
for (const plugin of ['bridge', 'host-local', 'loopback'])
  writeFileSync(join(bin, plugin), cniWrapper(plugin, process.execPath, main), { mode: 0o755 })
await makeNamespace(node)
await ip('-n', node, 'link', 'set', 'lo', 'up')
t.teardown(async () => {
  for (const name of made) await systemExec.run('ip', ['netns', 'del', name])
  rmSync(directory, { recursive: true })
})

const network = {
  cniVersion: '1.0.0',
  name: 'e2e',
  bridge: 'skiff0',
  isDefaultGateway: true,
  hairpinMode: true,
  mtu: 1400,
  ipam: { type: 'host-local', ranges: [[{ subnet: '10.244.7.0/24' }]], dataDir: join(directory, 'leases') },
}

interface Outcome {
  exitCode: number
  out: { ips?: { address: string }[]; code?: number; msg?: string }
  ms: number
}

const runPlugin = (plugin: string, command: string, i: number, changes: { netns?: string; config?: object } = {}) =>
  new Promise<Outcome>((resolve, reject) => {
    const startedAt = performance.now()
    const child = spawn('ip', ['netns', 'exec', node, join(bin, plugin)], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        CNI_COMMAND: command,
        CNI_CONTAINERID: `c${i}`,
        CNI_NETNS: changes.netns ?? `/run/netns/${pod(i)}`,
        CNI_IFNAME: plugin === 'loopback' ? 'lo' : 'eth0',
        CNI_PATH: bin,
        SKIFF_JOURNAL_DIR: join(directory, 'journal'),
      },
    })
    let text = ''
    child.stdout.on('data', chunk => (text += String(chunk)))
    child.on('error', reject)
    child.on('close', code => {
      resolve({
        exitCode: code ?? 1,
        out: text === '' ? {} : (JSON.parse(text) as Outcome['out']),
        ms: performance.now() - startedAt,
      })
    })
    child.stdin.end(JSON.stringify({ ...network, type: plugin, ...changes.config }))
  })

const leases = () => readdirSync(join(directory, 'leases/e2e')).filter(name => name.startsWith('10.'))

void t.test('pods reach each other and their gateway, and CHECK agrees', async t => {
  for (const i of [1, 2]) {
    await makeNamespace(pod(i))
    t.equal((await runPlugin('loopback', 'ADD', i)).exitCode, 0)
    const added = await runPlugin('bridge', 'ADD', i)
    t.match(added, { exitCode: 0, out: { ips: [{ address: `10.244.7.${i + 1}/24`, gateway: '10.244.7.1' }] } })
    t.equal((await runPlugin('bridge', 'CHECK', i, { config: { prevResult: added.out } })).exitCode, 0)
  }
  for (const address of ['10.244.7.3', '10.244.7.1', '10.244.7.2', '127.0.0.1'])
    t.equal(
      (await inside(pod(1), '/bin/busybox', 'ping', '-c', '1', '-W', '3', address)).exitCode,
      0,
      `pod 1 to ${address}`,
    )
  t.equal(readFileSync(join(directory, 'leases/e2e/10.244.7.2'), 'utf8'), 'c1\r\neth0')
  t.match(await runOk(systemExec, 'ip', ['-n', pod(1), 'link', 'show', 'eth0']), /mtu 1400/)
  t.match(readJournal(join(directory, 'journal')), [{ kind: 'link', name: 'skiff0' }], 'the bridge is in the journal')
})

void t.test('DEL is idempotent, also when the namespace is gone', async t => {
  for (const netns of [`/run/netns/${pod(1)}`, `/run/netns/${pod(1)}`, '/run/netns/never-was', ''])
    t.equal((await runPlugin('bridge', 'DEL', 1, { netns })).exitCode, 0, `DEL with ${netns || 'no namespace'}`)
  t.strictSame(leases(), ['10.244.7.3'])
  await ip('netns', 'del', pod(2))
  t.equal((await runPlugin('bridge', 'DEL', 2)).exitCode, 0)
  t.strictSame(leases(), [])
})

void t.test('an ADD that fails midway leaves no link and no lease', async t => {
  const links = () => runOk(systemExec, 'ip', ['-n', node, '-br', 'link'])
  const before = await links()
  // A route by a gateway that no subnet holds: the kernel refuses it as the very last step.
  const failed = await runPlugin('bridge', 'ADD', 1, {
    config: { ipam: { ...network.ipam, routes: [{ dst: '192.0.2.0/24', gw: '203.0.113.1' }] } },
  })
  t.match(failed, { exitCode: 1, out: { code: Number } })
  t.notMatch(await links(), /veth/)
  t.equal((await links()).includes('skiff0'), before.includes('skiff0'))
  t.notMatch(await runOk(systemExec, 'ip', ['-n', pod(1), '-br', 'link']), /eth0/)
  t.strictSame(leases(), [])
})

void t.test('fifty ADDs at once get fifty addresses', async t => {
  const all = Array.from({ length: 50 }, (_, i) => i + 10)
  for (const i of all) await makeNamespace(pod(i))
  const results = await Promise.all(all.map(i => runPlugin('bridge', 'ADD', i)))
  t.strictSame(
    results.filter(result => result.exitCode !== 0).map(result => result.out),
    [],
  )
  t.equal(new Set(results.map(result => result.out.ips?.[0]?.address)).size, 50)
  t.equal(leases().length, 50)
  t.equal(
    (
      await inside(
        pod(10),
        '/bin/busybox',
        'ping',
        '-c',
        '1',
        '-W',
        '3',
        (results[49]?.out.ips?.[0]?.address ?? '').split('/')[0] ?? '',
      )
    ).exitCode,
    0,
  )
  const deleted = await Promise.all(all.map(i => runPlugin('bridge', 'DEL', i)))
  t.ok(deleted.every(result => result.exitCode === 0))
  t.strictSame(leases(), [])
})

void t.test('a single ADD is quick', async t => {
  await makeNamespace(pod(3))
  const { exitCode, ms } = await runPlugin('bridge', 'ADD', 3)
  t.equal(exitCode, 0)
  t.comment(`one ADD as an executable: ${ms.toFixed(0)} ms`)
})

void t.test('the node network writes the conflist, holds its rules and puts them back', async t => {
  // iptables of the test's own namespace: the same calls, one namespace further in.
  const exec: Exec = {
    run: (file, args, options) => systemExec.run('ip', ['netns', 'exec', node, file, ...args], options),
  }
  const sysctlRoot = join(directory, 'sysctl')
  mkdirSync(join(sysctlRoot, 'net/ipv4'), { recursive: true })
  mkdirSync(join(sysctlRoot, 'net/bridge'))
  writeFileSync(join(sysctlRoot, 'net/ipv4/ip_forward'), '0\n')
  writeFileSync(join(sysctlRoot, 'net/bridge/bridge-nf-call-iptables'), '1\n')
  await inside(node, 'iptables', '-P', 'FORWARD', 'DROP')
  const journal = new FakeJournal()
  const stop = new AbortController()
  const clock = new FakeClock()
  const confDir = join(directory, 'net.d')
  const client = new FakeClient({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n1' },
    spec: { podCIDR: '10.244.7.0/24' },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
  } as never)
  const options = {
    client,
    nodeName: 'n1',
    confDir,
    cniDataDir: join(directory, 'leases'),
    clusterCidr: '10.244.0.0/16',
    serviceCidr: '10.96.0.0/16',
  }
  const running = startNodeNetwork({
    ...options,
    journal,
    exec,
    signal: stop.signal,
    log: pino({ enabled: false }),
    clock,
    sysctlRoot,
  })
  await running.ready
  t.ok(existsSync(join(confDir, '10-skiff.conflist')))
  t.match(JSON.parse(readFileSync(join(confDir, '10-skiff.conflist'), 'utf8')), {
    plugins: [{ type: 'bridge', bridge: 'skiff0', ipam: { ranges: [[{ subnet: '10.244.7.0/24' }]] } }],
  })
  t.equal(readFileSync(join(sysctlRoot, 'net/ipv4/ip_forward'), 'utf8'), '1')
  t.match(
    journal.changes.map(change => change.kind),
    ['sysctl', 'iptables', 'link', 'path'],
  )
  const saved = async () =>
    (await inside(node, 'iptables-save')).stdout
      .split('\n')
      .filter(line => line.includes('SKIFF-') && line.startsWith('-A'))
  const before = await saved()
  t.equal(before.length, 7)
  await inside(node, 'iptables', '-F', 'FORWARD')
  await inside(node, 'iptables', '-t', 'nat', '-F', 'SKIFF-POSTROUTING')
  await clock.advance(60_000)
  // The repair runs real programs: wait for its outcome, not for a time.
  for (let tries = 0; tries < 100 && (await saved()).length < before.length; tries++);
  stop.abort()
  await running.done
  t.strictSame(await saved(), before, 'the repair put back what was flushed')
})
