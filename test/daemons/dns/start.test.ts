import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import t from 'tap'
import { FakeJournal } from '../../../host/journal.ts'
import { FakeLinks } from '../../../host/netlink/links-fake.ts'
import { systemClock } from '../../../host/clock.ts'
import { FakeClient } from '../../../kube/client/fake-client.ts'
import type { KubeObject } from '../../../kube/object.ts'
import { resolveOptions } from '../../../kube/options.ts'
import { services } from '../../../kube/resources.ts'
import { options as table } from '../../../daemons/dns/options.ts'
import { decodeMessage } from '../../../daemons/dns/message/decode-message.ts'
import { encodeMessage } from '../../../daemons/dns/message/encode-message.ts'
import { newQuery, types } from '../../../daemons/dns/message/message.ts'
import { start } from '../../../daemons/dns/start.ts'

const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'hello', namespace: 'default' },
    spec: { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'db', namespace: 'default' },
    spec: { clusterIP: 'None', clusterIPs: ['None'], ports: [{ name: 'http', port: 80 }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'db-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    endpoints: Array.from({ length: 60 }, (_, i) => ({
      addresses: [`10.244.0.${i + 2}`],
      conditions: { ready: true },
    })),
  },
] as unknown as KubeObject[]

const corefile = `.:0 {
    errors
    health 127.0.0.1:0
    kubernetes cluster.local in-addr.arpa {
        pods insecure
        fallthrough in-addr.arpa
        ttl 30
    }
    hosts {
        192.0.2.1 outside.example
        fallthrough
    }
    loadbalance
    reload 2s
}
`

const setUp = async (t: { teardown(fn: () => unknown): void }, changes: { corefile?: string } = {}) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-dns-'))
  const conf = join(directory, 'Corefile')
  writeFileSync(conf, changes.corefile ?? corefile)
  const stop = new AbortController()
  const client = new FakeClient(...objects)
  const journal = new FakeJournal()
  const links = new FakeLinks()
  const logged: string[] = []
  const log = pino({ level: 'info' }, { write: line => void logged.push(line) })
  const running = await start(
    resolveOptions(table, { conf, bind: ['127.0.0.1'] }),
    { signal: stop.signal, client, journal, log },
    { clock: systemClock, openLinks: async () => links, readFile: path => readFileSync(path, 'utf8') },
  )
  t.teardown(async () => {
    stop.abort(new Error('test over'))
    await running.done
    rmSync(directory, { recursive: true })
  })
  const port = running.points()[0]?.port ?? 0
  const dig = (...args: string[]) =>
    new Promise<string>((resolve, reject) => {
      const child = spawn('dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=5', ...args])
      let out = ''
      child.stdout.on('data', chunk => (out += String(chunk)))
      child.on('error', reject)
      child.on('close', () => resolve(out.trim()))
    })
  return { conf, client, running, port, dig, logged, stop }
}

void t.test('dig sees the cluster over UDP and TCP', async t => {
  const { running, dig } = await setUp(t)
  await running.synced
  const z = 'default.svc.cluster.local'
  t.equal(await dig('+short', `hello.${z}`), '10.96.1.1')
  t.equal(await dig('+short', '+tcp', `hello.${z}`), '10.96.1.1')
  t.equal(await dig('+short', `_http._tcp.hello.${z}`, 'SRV'), `0 100 80 hello.${z}.`)
  t.equal(await dig('+short', '-x', '10.96.1.1'), `hello.${z}.`)
  t.match(await dig(`nope.${z}`), /status: NXDOMAIN[\s\S]*SOA/)
  t.match(await dig(`hello.${z}`, 'AAAA'), /status: NOERROR[\s\S]*ANSWER: 0[\s\S]*SOA/)
  t.match(await dig('+noall', '+question', '+answer', `HeLLo.${z}`), new RegExp(`HeLLo\\.${z}\\.\\s+30\\s+IN\\s+A`))
  t.equal(await dig('+short', 'outside.example'), '192.0.2.1')
  t.match(await dig('+short', 'dns-version.cluster.local', 'TXT'), /1\.1\.0/)
  t.match(await dig('version.bind', 'TXT', 'CH'), /status: REFUSED/)
  t.match(await dig('+edns=1', '+noednsneg', `hello.${z}`), /status: BADVERS/)
  t.match(await dig('cluster.local', 'AXFR'), /Transfer failed/)
})

void t.test('an answer too large for UDP comes whole over TCP', async t => {
  const { running, dig } = await setUp(t)
  await running.synced
  t.match(await dig('+ignore', '+noedns', 'db.default.svc.cluster.local'), /flags: qr aa tc rd/)
  t.equal((await dig('+short', '+noedns', 'db.default.svc.cluster.local')).split('\n').length, 60)
})

void t.test('answers spread, and change as soon as the cluster does', async t => {
  const { running, client, dig } = await setUp(t)
  await running.synced
  const firsts = new Set<string>()
  for (let i = 0; i < 12; i++)
    firsts.add((await dig('+short', '+bufsize=4096', 'db.default.svc.cluster.local')).split('\n')[0] ?? '')
  t.ok(firsts.size > 1)
  t.equal(await dig('+short', 'hello.default.svc.cluster.local'), '10.96.1.1')
  await client.update(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'hello', namespace: 'default' },
    spec: { clusterIP: '10.96.1.9', clusterIPs: ['10.96.1.9'], ports: [{ port: 80 }] },
  })
  let answer = ''
  for (let tries = 0; tries < 50 && answer !== '10.96.1.9'; tries++)
    answer = await dig('+short', 'hello.default.svc.cluster.local')
  t.equal(answer, '10.96.1.9')
})

void t.test('packets that are no questions get FORMERR or nothing, and the server goes on', async t => {
  const { running, port, dig } = await setUp(t)
  await running.synced
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  const replies: Buffer[] = []
  socket.on('message', bytes => void replies.push(bytes))
  const send = (hex: string) =>
    new Promise<void>(resolve => socket.send(Buffer.from(hex, 'hex'), port, '127.0.0.1', () => resolve()))
  await send('00')
  await send('000280000001000000000000')
  await send('abcd0100000100000000000005')
  await send('abce2800000100000000000001610000010001')
  for (let tries = 0; tries < 100 && replies.length < 2; tries++)
    await new Promise(resolve => setImmediate(resolve)).then(() => dig('+short', 'outside.example'))
  t.strictSame(
    replies.map(bytes => [bytes.readUInt16BE(0), (bytes[3] ?? 0) & 0xf]),
    [
      [0xabcd, 1],
      [0xabce, 4],
    ],
  )
})

void t.test('one TCP connection takes questions in a row, also in pieces', async t => {
  const { running, port } = await setUp(t)
  await running.synced
  const names = ['hello.default.svc.cluster.local.', 'db.default.svc.cluster.local.', 'outside.example.']
  const framed = Buffer.concat(
    names.map((name, i) => {
      const bytes = encodeMessage(newQuery(i, { name, type: types.A, class: 1 }))
      return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes])
    }),
  )
  const socket = connect(port, '127.0.0.1')
  const seen = await new Promise<number[]>((resolve, reject) => {
    let all = Buffer.alloc(0)
    socket.on('error', reject)
    socket.on('data', chunk => {
      all = Buffer.concat([all, chunk])
      const counts: number[] = []
      for (
        let at = 0;
        at + 2 <= all.length && at + 2 + all.readUInt16BE(at) <= all.length;
        at += 2 + all.readUInt16BE(at)
      )
        counts.push(decodeMessage(all.subarray(at + 2, at + 2 + all.readUInt16BE(at))).answers.length)
      if (counts.length === 3) resolve(counts)
    })
    socket.setNoDelay(true)
    for (const byte of framed) socket.write(Buffer.from([byte]))
  })
  socket.destroy()
  t.strictSame(seen, [1, 60, 1])
})

void t.test('a changed Corefile takes effect; a wrong one is named and changes nothing', async t => {
  const { conf, running, dig, logged } = await setUp(t)
  await running.synced
  writeFileSync(conf, corefile.replace('192.0.2.1', '192.0.2.2'))
  let answer = ''
  for (let tries = 0; tries < 100 && answer !== '192.0.2.2'; tries++) answer = await dig('+short', 'outside.example')
  t.equal(answer, '192.0.2.2')
  t.equal(
    await dig('+short', 'hello.default.svc.cluster.local'),
    '10.96.1.1',
    'without a gap: the cluster is not listed again',
  )
  writeFileSync(conf, corefile.replace('loadbalance', 'loadbalance\n    rewrite a b'))
  for (let tries = 0; tries < 100 && !logged.some(line => line.includes('plugin rewrite')); tries++)
    await dig('+short', 'outside.example')
  t.match(logged.join(''), /plugin rewrite, .*Corefile:14/)
  t.equal(await dig('+short', 'outside.example'), '192.0.2.2')
})

void t.test('health answers over HTTP', async t => {
  const { running } = await setUp(t)
  const response = await fetch(`http://127.0.0.1:${running.httpPort('127.0.0.1:0')}/health`)
  t.equal(response.status, 200)
  t.equal(await response.text(), 'OK')
})

void t.test('a wrong Corefile fails the start with its line, and nothing is left on lo', async t => {
  const links = new FakeLinks()
  const journal = new FakeJournal()
  const starting = start(
    resolveOptions(table, { conf: 'Corefile', serviceAddress: '10.96.0.10' }),
    { signal: new AbortController().signal, journal, log: pino({ enabled: false }) },
    { clock: systemClock, openLinks: async () => links, readFile: () => '. {\n  foo\n}\n' },
  )
  await t.rejects(starting, { code: 'INVALID_INPUT', message: /Corefile:2: there is no plugin "foo"/ })
  t.strictSame(await links.addresses(), [])
  t.strictSame(journal.changes, [{ kind: 'address', link: 'lo', address: '10.96.0.10/32' }])
})
