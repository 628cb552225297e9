import { spawn, type ChildProcess } from 'node:child_process'
import { pino } from 'pino'
import t from 'tap'
import { options, type KubeProxyOptions } from '../../daemons/kube-proxy/options.ts'
import { start, type RunningKubeProxy } from '../../daemons/kube-proxy/start.ts'
import { systemClock } from '../../host/clock.ts'
import { runOk, systemExec, type Exec } from '../../host/exec.ts'
import { FakeJournal } from '../../host/journal.ts'
import { FakeClient } from '../../kube/client/fake-client.ts'
import { resolveOptions } from '../../kube/options.ts'
import { endpointSlices, services } from '../../kube/resources.ts'
import { at, service, slice } from '../proxy/cluster.ts'

/**
 * ```
 * skiffproxy-out 192.168.7.9 -- 192.168.7.1 skiffproxy-node 10.244.0.1 (bridge) -- skiffproxy-b1|b2|b3 10.244.0.2|3|4
 * ```
 * A node with three pods on a bridge and a machine outside, all in namespaces; the API is a fake, all else is real.
 */
const [node, outside] = ['skiffproxy-node', 'skiffproxy-out']
const pods = [1, 2, 3].map(i => ({ ns: `skiffproxy-b${i}`, ip: `10.244.0.${i + 1}` }))
const ip = (...args: string[]) => runOk(systemExec, 'ip', args)
const inside = (ns: string, file: string, args: readonly string[]) =>
  systemExec.run('ip', ['netns', 'exec', ns, file, ...args])

const server = `
const body = req => process.argv[1] + ' ' + req.socket.remoteAddress.replace('::ffff:', '')
require('node:http').createServer((req, res) => res.end(body(req))).listen(8080)
const udp = require('node:dgram').createSocket('udp4', (m, from) => udp.send(process.argv[1], from.port, from.address))
udp.bind(5353, () => console.log('ready'))`

const children: ChildProcess[] = []
const serve = (ns: string, name: string) =>
  new Promise<void>((resolve, reject) => {
    const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
    const child = spawn('ip', ['netns', 'exec', ns, process.execPath, '-e', server, name], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    child.stdout.once('data', () => resolve())
    child.once('error', reject)
  })

const destroy = async () => {
  for (const child of children) child.kill('SIGKILL')
  for (const ns of [node, outside, ...pods.map(p => p.ns)]) await systemExec.run('ip', ['netns', 'del', ns])
}

const link = async (ns: string, address: string, hostEnd: string, gateway: string) => {
  await ip('netns', 'add', ns)
  await ip('link', 'add', hostEnd, 'netns', node, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', ns)
  await ip('-n', ns, 'addr', 'add', `${address}/24`, 'dev', 'eth0')
  for (const dev of ['lo', 'eth0']) await ip('-n', ns, 'link', 'set', dev, 'up')
  await ip('-n', ns, 'route', 'add', 'default', 'via', gateway)
  await ip('-n', node, 'link', 'set', hostEnd, 'up')
}

const build = async () => {
  await destroy()
  await ip('netns', 'add', node)
  await ip('-n', node, 'link', 'set', 'lo', 'up')
  await ip('-n', node, 'link', 'add', 'br0', 'type', 'bridge')
  await ip('-n', node, 'addr', 'add', '10.244.0.1/24', 'dev', 'br0')
  await ip('-n', node, 'link', 'set', 'br0', 'up')
  for (const [i, pod] of pods.entries()) {
    await link(pod.ns, pod.ip, `b${i}`, '10.244.0.1')
    await ip('-n', node, 'link', 'set', `b${i}`, 'master', 'br0')
    // As CNI's hairpinMode does: the answer to oneself leaves by the port it came in on.
    await ip('-n', node, 'link', 'set', `b${i}`, 'type', 'bridge_slave', 'hairpin', 'on')
  }
  await link(outside, '192.168.7.9', 'out0', '192.168.7.1')
  await ip('-n', node, 'addr', 'add', '192.168.7.1/24', 'dev', 'out0')
  // A process of the node needs some route to a ClusterIP before the rules can rewrite its packet.
  await ip('-n', node, 'route', 'add', 'default', 'via', '192.168.7.9')
  await ip('-n', outside, 'route', 'add', '10.96.0.0/16', 'via', '192.168.7.1')
  await runOk(systemExec, 'ip', ['netns', 'exec', node, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
  // Docker's way: what nobody accepts is not forwarded; the network plugin accepts the pods' traffic.
  await runOk(systemExec, 'ip', ['netns', 'exec', node, 'iptables-restore', '--noflush'], {
    stdin: `*filter
:FORWARD DROP [0:0]
:SKIFF-FORWARD - [0:0]
-A SKIFF-FORWARD -s 10.244.0.0/16 -j ACCEPT
-A SKIFF-FORWARD -d 10.244.0.0/16 -j ACCEPT
-I FORWARD 1 -j SKIFF-FORWARD
COMMIT
`,
  })
  for (const pod of pods) await serve(pod.ns, pod.ip)
}

const nodeExec: Exec = {
  run: (file, args, o) => systemExec.run('ip', ['netns', 'exec', node, file, ...args], o),
}

const ports = [
  { name: 'http', port: 80, protocol: 'TCP' },
  { name: 'dns', port: 53, protocol: 'UDP' },
]
const targets = [
  { name: 'http', port: 8080, protocol: 'TCP' },
  { name: 'dns', port: 5353, protocol: 'UDP' },
]
const endpointsOf = (name: string, ips: string[]) =>
  slice(
    name,
    ips.map(address => at(address, 'n1')),
    { ports: targets },
  )
const all = pods.map(pod => pod.ip)
const client = new FakeClient(
  service('web', { type: 'NodePort', ports: ports.map((p, i) => ({ ...p, nodePort: 30080 + i })) }),
  endpointsOf('web', all),
  service('empty', { type: 'NodePort', clusterIP: '10.96.0.51', ports: [{ name: 'http', port: 80, nodePort: 30090 }] }),
  service('sticky', { clusterIP: '10.96.0.52', ports, sessionAffinity: 'ClientIP' }),
  endpointsOf('sticky', all),
  service('self', { clusterIP: '10.96.0.53', ports }),
  endpointsOf('self', [all[0] ?? '']),
)

/** `[who answered, which source it saw]`. */
const ask = async (ns: string, host: string): Promise<string[]> => {
  const result = await inside(ns, 'curl', ['-s', '--max-time', '2', `http://${host}/`])
  return result.exitCode === 0 ? result.stdout.split(' ') : [`curl exit code ${result.exitCode}`]
}
const askMany = async (ns: string, host: string, times: number): Promise<string[][]> => {
  const answers: string[][] = []
  for (let i = 0; i < times; i++) answers.push(await ask(ns, host))
  return answers
}

const settings: KubeProxyOptions = resolveOptions(options, {
  nodeName: 'n1',
  clusterCidr: '10.244.0.0/16',
  healthzBindAddress: '127.0.0.1:0',
  metricsBindAddress: '127.0.0.1:0',
  minSyncPeriodMs: 10,
  syncPeriodMs: 200,
})

const until = async (what: string, holds: () => Promise<boolean>) => {
  for (let i = 0; i < 100; i++) {
    if (await holds()) return
    await systemClock.sleep(50)
  }
  throw new Error(`not within 5 s: ${what}`)
}

t.test('kube-proxy in a node of namespaces', { skip: process.getuid?.() === 0 ? false : 'needs root' }, async t => {
  const stop = new AbortController()
  const journal = new FakeJournal()
  let proxy: RunningKubeProxy | undefined
  t.teardown(async () => {
    stop.abort()
    await proxy?.done.catch(() => {})
    await destroy()
  })
  await build()
  const log = pino({ level: 'silent' })
  const context = { signal: stop.signal, log, journal, client }
  const sysctls = { read: () => undefined, write: () => {} }
  proxy = await start(settings, context, { exec: nodeExec, sysctls })
  await proxy.firstSync
  const first = pods[0] ?? { ns: '', ip: '' }

  t.test('the change is written down before it is made', async t => {
    t.match(journal.changes, [{ kind: 'iptables', prefix: 'KUBE-' }])
  })

  t.test('a ClusterIP answers from a pod, spread over all endpoints, with the pod’s own address', async t => {
    const answers = await askMany(first.ns, '10.96.0.50', 40)
    t.same(new Set(answers.map(a => a[0])), new Set(all))
    t.ok(answers.filter(a => a[0] !== first.ip).every(a => a[1] === first.ip))
  })

  t.test('a ClusterIP answers on the node itself', async t => {
    t.ok(all.includes((await ask(node, '10.96.0.50'))[0] ?? ''))
  })

  t.test('a NodePort answers to a machine outside, masqueraded, though FORWARD drops', async t => {
    const [who, source] = await ask(outside, '192.168.7.1:30080')
    t.ok(all.includes(who ?? ''), `answered: ${who}`)
    t.equal(source, '10.244.0.1')
  })

  t.test('a pod reaches itself through its Service, and sees the node as the caller', async t => {
    t.same(await ask(first.ns, '10.96.0.53'), [first.ip, '10.244.0.1'])
  })

  t.test('a Service without endpoints is refused at once: from pods, node and outside', async t => {
    const startedAt = Date.now()
    t.same(await ask(first.ns, '10.96.0.51'), ['curl exit code 7'])
    t.same(await ask(node, '10.96.0.51'), ['curl exit code 7'])
    t.same(await ask(outside, '192.168.7.1:30090'), ['curl exit code 7'])
    t.ok(Date.now() - startedAt < 3000, 'no wait for a timeout')
  })

  t.test('ClientIP affinity keeps a client on one endpoint', async t => {
    t.equal(new Set((await askMany(outside, '10.96.0.52', 15)).map(a => a[0])).size, 1)
  })

  t.test('a change costs a partial sync and takes effect', async t => {
    await client.update(endpointSlices, endpointsOf('web', all.slice(1)))
    await until(
      'the first pod is out',
      async () => !(await inside(node, 'iptables-save', [])).stdout.includes(`default/web:http -> ${first.ip}`),
    )
    t.notOk((await askMany(outside, '10.96.0.50', 20)).some(a => a[0] === first.ip))
    const metrics = await (await fetch(`${proxy?.metricsAddress}/metrics`)).text()
    t.match(metrics, /kubeproxy_sync_partial_proxy_rules_duration_seconds_count\{ip_family="IPv4"\} [1-9]/)
    t.match(metrics, /restore_failures_total 0/)
  })

  t.test('a UDP flow moves on when its endpoint goes', async t => {
    const sender = `
const s = require('node:dgram').createSocket('udp4')
s.on('message', m => console.log(String(m)))
setInterval(() => s.send('x', 53, '10.96.0.50'), 50)`
    const child = spawn('ip', ['netns', 'exec', outside, process.execPath, '-e', sender])
    children.push(child)
    let last = ''
    child.stdout.on('data', (data: Buffer) => (last = data.toString().trim().split('\n').at(-1) ?? ''))
    await until('an answer', async () => last !== '')
    const old = last
    await client.update(
      endpointSlices,
      endpointsOf(
        'web',
        all.slice(1).filter(address => address !== old),
      ),
    )
    await until('another endpoint answers', async () => last !== old)
    child.kill('SIGKILL')
    t.not(last, old)
  })

  t.test('flushed rules come back by themselves', async t => {
    await runOk(nodeExec, 'iptables', ['-t', 'nat', '-F'])
    await until('the rules are back', async () => (await ask(node, '10.96.0.50')).length === 2)
    t.pass('answered')
  })

  t.test('a deleted Service leaves no chain', async t => {
    await client.delete(services, 'sticky', { namespace: 'default' })
    await until('gone', async () => !(await inside(node, 'iptables-save', [])).stdout.includes('default/sticky'))
    t.pass('gone')
  })

  t.test('healthz says when rules were last in sync', async t => {
    const response = await fetch(`${proxy?.healthzAddress}/healthz`)
    t.equal(response.status, 200)
    t.match(await response.json(), { nodeEligible: true })
  })

  t.test('the rules stay when the proxy stops, and --cleanup takes all of them out', async t => {
    stop.abort()
    await proxy?.done
    t.equal((await ask(node, '10.96.0.53')).length, 2)
    const fresh = new AbortController()
    const cleanup = { ...settings, cleanup: true }
    await (
      await start(cleanup, { ...context, signal: fresh.signal }, { exec: nodeExec, sysctls })
    ).done
    const left = (await inside(node, 'iptables-save', [])).stdout
    t.notMatch(left, /KUBE-/)
    t.match(left, /SKIFF-FORWARD/)
  })
})
