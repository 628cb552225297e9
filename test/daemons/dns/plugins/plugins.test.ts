import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { pino } from 'pino'
import t from 'tap'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { parseCorefile } from '../../../../daemons/dns/corefile/parse-corefile.ts'
import type { ServerBlock } from '../../../../daemons/dns/corefile/corefile.ts'
import { ClusterIndex } from '../../../../daemons/dns/kubernetes/cluster-index.ts'
import { decodeMessage } from '../../../../daemons/dns/message/decode-message.ts'
import { encodeMessage } from '../../../../daemons/dns/message/encode-message.ts'
import {
  classes,
  newQuery,
  rcodes,
  replyTo,
  types,
  type Message,
  type ResourceRecord,
} from '../../../../daemons/dns/message/message.ts'
import { normalName } from '../../../../daemons/dns/message/name.ts'
import { balance } from '../../../../daemons/dns/plugins/loadbalance.ts'
import { formatServed } from '../../../../daemons/dns/plugins/log.ts'
import { lifeOf } from '../../../../daemons/dns/plugins/cache.ts'
import { nameserversOf } from '../../../../daemons/dns/plugins/forward.ts'
import type { Answer, Query, SetupContext, Step } from '../../../../daemons/dns/plugins/plugin.ts'
import { setUpBlock } from '../../../../daemons/dns/server/block.ts'
import { runChain } from '../../../../daemons/dns/server/chain.ts'

const a = (name: string, ip: number[], ttl = 60): ResourceRecord => ({
  name,
  type: types.A,
  class: 1,
  ttl,
  data: { kind: 'bytes', bytes: Buffer.from(ip) },
})

const blockOf = (text: string): ServerBlock => {
  const [block] = parseCorefile({ text: `. {\n${text}\n}\n`, file: 'Corefile', defaultPort: 53 })
  if (block === undefined) throw new Error('no block')
  return block
}

const makeContext = (changes: Partial<SetupContext> = {}): SetupContext & { clock: FakeClock; index: ClusterIndex } => {
  const index = new ClusterIndex()
  return {
    zones: ['.'],
    port: 53,
    log: pino({ enabled: false }),
    clock: new FakeClock(),
    index,
    cluster: () => ({ index, synced: () => true, whenSynced: Promise.resolve(), watchPods: () => {} }),
    readFile: () => '',
    listening: () => [],
    serverAddresses: () => [],
    notReady: () => [],
    ask: async () => Promise.reject(new Error('nobody to ask')),
    metrics: undefined,
    ...changes,
  } as SetupContext & { clock: FakeClock; index: ClusterIndex }
}

const queryFor = (name: string, type: number = types.A, changes: Partial<Query> = {}): Query => ({
  message: newQuery(7, { name, type, class: classes.IN }),
  name: normalName(name),
  type,
  transport: 'udp',
  client: { address: '127.0.0.1', port: 1 },
  signal: new AbortController().signal,
  resolve: async () => Promise.reject(new Error('nothing to resolve')),
  ...changes,
})

/** A last step that says what it is told to, and counts. */
const teller = (say: (query: Query) => Answer | Promise<Answer>): Step & { asked: number } => {
  const step = {
    plugin: 'teller',
    asked: 0,
    answer: (query: Query) => {
      step.asked++
      return say(query)
    },
  }
  return step
}
const says = (changes: Partial<Message>, source?: 'cluster') =>
  teller(query => ({
    kind: 'reply',
    message: replyTo(query.message, changes),
    ...(source === undefined ? {} : { source }),
  }))

const replyOf = async (steps: readonly Step[], query: Query): Promise<Message> => {
  const answer = await runChain(steps, query)
  return answer.kind === 'reply' ? answer.message : replyTo(query.message, { rcode: rcodes.REFUSED })
}

void t.test('cache keeps an answer for as long as its records allow, and counts their time down', async t => {
  const context = makeContext()
  const last = says({ answers: [a('x.', [1, 2, 3, 4], 60)] })
  const steps = [...setUpBlock(blockOf('cache 30'), context).steps, last]
  t.equal((await replyOf(steps, queryFor('x.'))).answers[0]?.ttl, 60)
  await context.clock.advance(10_000)
  const kept = await replyOf(steps, queryFor('X.'))
  t.equal(kept.answers[0]?.ttl, 20, 'never longer than the directive says')
  t.equal(kept.questions[0]?.name, 'X.', 'spelled as it was asked')
  t.equal(last.asked, 1)
  await context.clock.advance(21_000)
  await replyOf(steps, queryFor('x.'))
  t.equal(last.asked, 2)
})

void t.test('cache keeps a denial for as long as its SOA says', async t => {
  const soa: ResourceRecord = {
    name: '.',
    type: types.SOA,
    class: 1,
    ttl: 900,
    data: { kind: 'soa', primary: 'a.', mailbox: 'b.', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 12 },
  }
  t.equal(lifeOf(replyTo(newQuery(1, { name: 'x.', type: 1, class: 1 }), { authorities: [soa] })), 12)
  const context = makeContext()
  const last = says({ rcode: rcodes.NXDOMAIN, authorities: [soa] })
  const steps = [...setUpBlock(blockOf('cache'), context).steps, last]
  await replyOf(steps, queryFor('x.'))
  await context.clock.advance(11_000)
  t.equal((await replyOf(steps, queryFor('x.'))).rcode, rcodes.NXDOMAIN)
  t.equal(last.asked, 1)
  await context.clock.advance(2000)
  await replyOf(steps, queryFor('x.'))
  t.equal(last.asked, 2)
})

void t.test('cache never keeps what the cluster says, what was cut short, or another type', async t => {
  for (const [last, asked] of [
    [says({ answers: [a('x.', [1, 2, 3, 4])] }, 'cluster'), 3],
    [says({ answers: [a('x.', [1, 2, 3, 4])], truncated: true }), 3],
    [says({ answers: [a('x.', [1, 2, 3, 4])] }), 2],
  ] as const) {
    const steps = [...setUpBlock(blockOf('cache'), makeContext()).steps, last]
    for (const type of [types.A, types.A, types.AAAA]) await replyOf(steps, queryFor('x.', type))
    t.equal(last.asked, asked)
  }
})

void t.test('cache drops its oldest entry when it is full', async t => {
  const last = says({ answers: [a('x.', [1, 2, 3, 4])] })
  const steps = [...setUpBlock(blockOf('cache {\n success 2\n}'), makeContext()).steps, last]
  for (const name of ['a.', 'b.', 'c.', 'b.', 'c.']) await replyOf(steps, queryFor(name))
  t.equal(last.asked, 3)
  await replyOf(steps, queryFor('a.'))
  t.equal(last.asked, 4)
})

void t.test('errors turns what was thrown, now or later, into SERVFAIL', async t => {
  for (const last of [
    teller(() => {
      throw new Error('now')
    }),
    teller(async () => Promise.reject(new Error('later'))),
  ])
    t.equal(
      (await replyOf([...setUpBlock(blockOf('errors'), makeContext()).steps, last], queryFor('x.'))).rcode,
      rcodes.SERVFAIL,
    )
})

void t.test('loadbalance shuffles addresses behind their aliases', async t => {
  const alias: ResourceRecord = { name: 'x.', type: types.CNAME, class: 1, ttl: 1, data: { kind: 'name', name: 'y.' } }
  const records = [a('y.', [1, 1, 1, 1]), alias, a('y.', [2, 2, 2, 2])]
  const orders = [0, 0.99].map(value =>
    balance(records, () => value).map(record => (record.data.kind === 'bytes' ? record.data.bytes[0] : 'alias')),
  )
  t.strictSame(orders, [
    ['alias', 2, 1],
    ['alias', 1, 2],
  ])
})

void t.test('hosts answers its names and addresses; what it does not know falls through or fails', async t => {
  const context = makeContext({ readFile: () => '10.0.0.9 file.example # c\nnonsense x\n' })
  const last = says({ answers: [a('x.', [9, 9, 9, 9])] })
  const steps = [...setUpBlock(blockOf('hosts /h {\n 10.0.0.1 a.example\n fallthrough\n}'), context).steps, last]
  for (const [name, type, expected] of [
    ['a.example.', types.A, '10.0.0.1'],
    ['file.example.', types.A, '10.0.0.9'],
    ['A.example.', types.AAAA, undefined],
    ['other.example.', types.A, '9.9.9.9'],
  ] as const) {
    const [record] = (await replyOf(steps, queryFor(name, type))).answers
    t.equal(record?.data.kind === 'bytes' ? record.data.bytes.join('.') : undefined, expected, name)
  }
  t.match((await replyOf(steps, queryFor('1.0.0.10.in-addr.arpa.', types.PTR))).answers, [
    { data: { name: 'a.example.' } },
  ])
  const strict = setUpBlock(blockOf('hosts {\n 10.0.0.1 a\n}'), context).steps
  t.equal((await replyOf(strict, queryFor('b.'))).rcode, rcodes.SERVFAIL)
})

void t.test('kubernetes: unsynced is SERVFAIL, a denial carries the SOA, an alias is followed', async t => {
  const index = new ClusterIndex()
  index.setNamespace({ metadata: { name: 'default' } })
  index.setService({
    metadata: { name: 'out', namespace: 'default' },
    spec: { type: 'ExternalName', externalName: 'example.org' },
  })
  let synced = false
  const context = makeContext({
    cluster: () => ({ index, synced: () => synced, whenSynced: Promise.resolve(), watchPods: () => {} }),
  })
  const block = setUpBlock(blockOf('kubernetes cluster.local in-addr.arpa {\n fallthrough in-addr.arpa\n}'), context)
  const steps = [...block.steps, says({ answers: [a('x.', [9, 9, 9, 9])] })]
  t.equal((await replyOf(steps, queryFor('a.default.svc.cluster.local.'))).rcode, rcodes.SERVFAIL)
  t.strictSame(block.notReady(), ['kubernetes'])
  synced = true
  t.strictSame(block.notReady(), [])
  t.match(await replyOf(steps, queryFor('a.default.svc.cluster.local.')), {
    rcode: rcodes.NXDOMAIN,
    authoritative: true,
    authorities: [{ type: types.SOA, name: 'cluster.local.', ttl: 5 }],
  })
  t.match(await replyOf(steps, queryFor('example.org.')), { answers: [{ name: 'x.' }] })
  t.match(
    await replyOf(steps, queryFor('4.3.2.1.in-addr.arpa.', types.PTR)),
    { answers: [{ name: 'x.' }] },
    'falls through',
  )
  const resolve = async (name: string, type: number) =>
    replyTo(newQuery(1, { name, type, class: 1 }), { answers: [a('example.org.', [5, 5, 5, 5])] })
  const followed = await replyOf(steps, queryFor('out.default.svc.cluster.local.', types.A, { resolve }))
  t.match(followed.answers, [{ type: types.CNAME, data: { name: 'example.org.' } }, { type: types.A }])
  t.match(await replyOf(steps, queryFor('out.default.svc.cluster.local.')), {
    rcode: rcodes.SERVFAIL,
    answers: [{ type: types.CNAME }],
  })
})

/** A resolver on loopback: over UDP it says what `say` says, over TCP the whole answer. */
const upstream = async (
  t: { teardown(fn: () => void): void },
  say: (query: Message) => Message | Message[],
  overTcp?: (query: Message) => Message,
) => {
  const tcp = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', bytes => {
      const reply = encodeMessage((overTcp ?? say)(decodeMessage(bytes.subarray(2))) as Message)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(reply.length)
      // In two pieces: the reader must put them together.
      socket.write(Buffer.concat([length, reply.subarray(0, 5)]))
      setImmediate(() => socket.end(reply.subarray(5)))
    })
  })
  await new Promise<void>(resolve => tcp.listen(0, '127.0.0.1', resolve))
  const address = tcp.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const udp = createSocket('udp4')
  let asked = 0
  udp.on('message', (bytes, from) => {
    asked++
    for (const reply of [say(decodeMessage(bytes))].flat()) udp.send(encodeMessage(reply), from.port, from.address)
  })
  await new Promise<void>(resolve => udp.bind(port, '127.0.0.1', resolve))
  t.teardown(() => {
    udp.close()
    tcp.close()
  })
  return { at: `127.0.0.1:${port}`, asked: () => asked }
}

void t.test('forward asks its upstream, and over TCP again what came cut short', async t => {
  const whole = (query: Message) =>
    replyTo(query, { recursionAvailable: true, answers: [a('x.example.', [1, 2, 3, 4])] })
  const plain = await upstream(t, whole)
  const short = await upstream(t, query => replyTo(query, { truncated: true }), whole)
  for (const { at } of [plain, short]) {
    const steps = setUpBlock(blockOf(`forward . ${at}`), makeContext()).steps
    const reply = await replyOf(steps, queryFor('x.example.'))
    t.match(reply, { id: 7, rcode: 0, recursionAvailable: true, truncated: false, answers: [{ name: 'x.example.' }] })
  }
})

void t.test('forward takes no answer to another question, and goes on to the next upstream', async t => {
  const right = (query: Message) => replyTo(query, { answers: [a('x.', [1, 2, 3, 4])] })
  const evil = (query: Message) =>
    replyTo({ ...query, questions: [{ name: 'evil.', type: 1, class: 1 }] }, { answers: [a('evil.', [6, 6, 6, 6])] })
  const guess = (query: Message) =>
    replyTo({ ...query, id: (query.id + 1) & 0xffff }, { answers: [a('guess.', [6, 6, 6, 6])] })
  const forged = await upstream(t, query => [evil(query), guess(query), right(query)])
  const good = await upstream(t, right)
  const closed = createSocket('udp4')
  await new Promise<void>(resolve => closed.bind(0, '127.0.0.1', resolve))
  const nobody = `127.0.0.1:${closed.address().port}`
  await new Promise<void>(resolve => closed.close(() => resolve()))
  for (const first of [nobody, forged.at]) {
    const steps = setUpBlock(blockOf(`forward . ${first} ${good.at} {\n policy sequential\n}`), makeContext()).steps
    t.match((await replyOf(steps, queryFor('x.'))).answers, [{ name: 'x.' }])
  }
})

void t.test('forward leaves other zones alone, and answers SERVFAIL without an upstream', async t => {
  const { at, asked } = await upstream(t, query => replyTo(query))
  const steps = setUpBlock(blockOf(`forward example.org ${at} {\n except in.example.org\n}`), makeContext()).steps
  for (const name of ['example.com.', 'a.in.example.org.'])
    t.equal((await replyOf(steps, queryFor(name))).rcode, rcodes.REFUSED)
  t.equal(asked(), 0)
  const none = setUpBlock(blockOf('forward . /etc/resolv.conf'), makeContext()).steps
  t.equal((await replyOf(none, queryFor('x.'))).rcode, rcodes.SERVFAIL)
})

void t.test('forward refuses to ask itself', async t => {
  const context = makeContext({ listening: () => ['10.96.0.10:53'], readFile: () => 'nameserver 10.96.0.10\n' })
  t.throws(() => setUpBlock(blockOf('forward . 10.96.0.10'), context), {
    code: 'INVALID_INPUT',
    message: /Corefile:2: forward: .*itself/,
  })
  const steps = setUpBlock(blockOf('forward . /etc/resolv.conf'), context).steps
  t.equal((await replyOf(steps, queryFor('x.'))).rcode, rcodes.SERVFAIL)
  t.strictSame(nameserversOf('# c\nnameserver 1.2.3.4\nnameserver fe80::1%eth0\nsearch x\n'), [
    { address: '1.2.3.4', port: 53 },
    { address: 'fe80::1', port: 53 },
  ])
})

void t.test('loop stops forwarding when its own question comes back', async t => {
  const loopBlock: { steps: readonly Step[] } = { steps: [] }
  let depth = 0
  const context = makeContext({
    ask: async (name, type) => {
      // An upstream that leads back here.
      while (depth++ < 5) await replyOf(loopBlock.steps, queryFor(name, type))
      return replyTo(newQuery(1, { name, type, class: 1 }))
    },
  })
  const block = setUpBlock(blockOf('loop'), context)
  const last = says({})
  loopBlock.steps = [...block.steps, last]
  t.equal((await replyOf(loopBlock.steps, queryFor('x.'))).rcode, rcodes.NOERROR)
  block.start(new AbortController().signal)
  await context.clock.advance(0)
  t.equal((await replyOf(loopBlock.steps, queryFor('x.'))).rcode, rcodes.SERVFAIL)
})

for (const { name, text, message } of [
  { name: 'an unknown plugin', text: 'errors\nfoo', message: /^Corefile:3: there is no plugin "foo"/ },
  { name: 'a plugin that is not built', text: 'rewrite name a b', message: /^plugin rewrite, Corefile:2/ },
  {
    name: 'a property that is not built',
    text: 'cache {\n prefetch 10\n}',
    message: /^plugin cache: prefetch is not implemented, Corefile:3/,
  },
  { name: 'a property that is none', text: 'cache {\n foo\n}', message: /^Corefile:3: foo: unknown property of cache/ },
  { name: 'a plugin twice', text: 'errors\nerrors', message: /^Corefile:3: errors: .*line 2/ },
  { name: 'a ttl that is too long', text: 'kubernetes cluster.local {\n ttl 99999\n}', message: /^Corefile:3: ttl/ },
  { name: 'only reverse zones', text: 'kubernetes in-addr.arpa', message: /reverse zone/ },
  { name: 'forward without an upstream', text: 'forward .', message: /^Corefile:2: forward/ },
  { name: 'forward to a name', text: 'forward . dns.example', message: /neither an address/, fails: true },
  { name: 'forward over TLS', text: 'forward . tls://9.9.9.9', message: /not implemented, Corefile:2/ },
  { name: 'a policy that is none', text: 'forward . 9.9.9.9 {\n policy best\n}', message: /^Corefile:3: policy/ },
  { name: 'an interval that is too short', text: 'reload 1s', message: /2s or more/ },
  { name: 'a bind to nothing', text: 'bind nolink0', message: /neither an address nor a link/ },
  { name: 'a health address without a port', text: 'health localhost', message: /host:port/ },
])
  void t.test(`${name} is an error with its line`, async t => {
    const readFile = () => {
      throw new Error('no such file')
    }
    t.throws(() => setUpBlock(blockOf(text), makeContext({ readFile })), { message })
  })

void t.test('log fills its format', async t => {
  const served = {
    server: 'dns://.:53',
    zone: '.',
    transport: 'udp' as const,
    client: { address: '::1', port: 5 },
    id: 9,
    name: 'X.',
    type: 1,
    class: 1,
    rcode: 3,
    authoritative: true,
    dnssecOk: false,
    udpSize: 512,
    requestBytes: 20,
    replyBytes: 30,
    durationMs: 1.5,
  }
  t.equal(
    formatServed('{remote}:{port} {>id} {type} {class} {name} {rcode} {>rflags} {duration} {what}', served),
    '[::1]:5 9 A IN X. NXDOMAIN qr,aa 0.001500000s -',
  )
})
