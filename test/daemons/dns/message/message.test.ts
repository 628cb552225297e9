import fc from 'fast-check'
import t from 'tap'
import { SkiffError } from '../../../../kube/errors.ts'
import { decodeMessage } from '../../../../daemons/dns/message/decode-message.ts'
import { encodeMessage } from '../../../../daemons/dns/message/encode-message.ts'
import { newQuery, replyTo, types, type Message, type ResourceRecord } from '../../../../daemons/dns/message/message.ts'
import {
  closestZone,
  isWithin,
  labelBytes,
  labelsOf,
  labelText,
  normalName,
} from '../../../../daemons/dns/message/name.ts'

const question = (name: string, type: number = types.A): Message => newQuery(0x1234, { name, type, class: 1 })
const a = (name: string, ip: number[]): ResourceRecord => ({
  name,
  type: types.A,
  class: 1,
  ttl: 30,
  data: { kind: 'bytes', bytes: Buffer.from(ip) },
})

void t.test('a question is the bytes RFC 1035 says', async t => {
  t.equal(
    encodeMessage(question('www.example.org.')).toString('hex'),
    '123401000001000000000000' + '03777777076578616d706c65036f726700' + '00010001',
  )
})

void t.test('names are compressed against those before, whatever their case', async t => {
  const reply = replyTo(question('Hello.Example.org.'), {
    answers: [a('hello.example.org.', [10, 0, 0, 1]), a('x.example.ORG.', [10, 0, 0, 2])],
  })
  const bytes = encodeMessage(reply)
  t.equal(bytes.length, 12 + 19 + 4 + (2 + 14) + (2 + 2 + 14))
  t.match(
    decodeMessage(bytes).answers.map(record => record.name),
    ['Hello.Example.org.', 'x.Example.org.'],
  )
})

void t.test('a target of SRV is not compressed', async t => {
  const srv: ResourceRecord = {
    name: 'a.b.',
    type: types.SRV,
    class: 1,
    ttl: 1,
    data: { kind: 'srv', priority: 0, weight: 100, port: 80, target: 'a.b.' },
  }
  t.match(
    encodeMessage(replyTo(question('a.b.', types.SRV), { answers: [srv] })).toString('hex'),
    /0000006400500161016200$/,
  )
})

void t.test('answers that do not fit set TC; additionals that do not fit are left out', async t => {
  const many = Array.from({ length: 60 }, (_, i) => a('hello.', [10, 0, 0, i]))
  const cut = decodeMessage(encodeMessage(replyTo(question('hello.'), { answers: many }), 512))
  t.ok(cut.truncated)
  t.equal(cut.answers.length, Math.floor((512 - 12 - 11) / 16))
  const whole = decodeMessage(
    encodeMessage(replyTo(question('hello.'), { answers: many.slice(0, 2), additionals: many }), 512),
  )
  t.notOk(whole.truncated)
  t.equal(whole.answers.length, 2)
  t.ok(whole.additionals.length > 10)
})

void t.test('EDNS is answered where it was used, and its record counts towards the size', async t => {
  const asked = {
    ...question('hello.'),
    edns: { udpSize: 1232, version: 0, dnssecOk: true, options: Buffer.from([0, 10, 0, 0]) },
  }
  const reply = decodeMessage(encodeMessage(replyTo(decodeMessage(encodeMessage(asked)), { rcode: 16 })))
  t.match(reply, { rcode: 16, edns: { udpSize: 1232, version: 0, dnssecOk: true } })
  const many = Array.from({ length: 60 }, (_, i) => a('hello.', [10, 0, 0, i]))
  t.ok(encodeMessage(replyTo(asked, { answers: many }), 512).length <= 512)
})

for (const { name, hex } of [
  { name: 'a pointer to itself', hex: '000000000001000000000000c00c00010001' },
  { name: 'a pointer forward', hex: '000000000001000000000000c01000010001' },
  { name: 'two pointers at each other', hex: '000000000002000000000000c00e0001c00c00010001' },
  { name: 'a label of an unknown kind', hex: '00000000000100000000000080' },
  { name: 'a name that runs past the end', hex: '0000000000010000000000000561' },
  { name: 'counts without records', hex: '0000000000ffffffffffffff' },
  { name: 'data shorter than it says', hex: '00000000000000010000000000000100010000000000050a' },
  { name: 'a CNAME whose data goes on after its name', hex: '000000000000000100000000000005000100000000000200ff' },
])
  void t.test(`${name} is refused`, async t => {
    t.throws(() => decodeMessage(Buffer.from(hex, 'hex')), { code: 'INVALID_INPUT' })
  })

const survives = (bytes: Buffer): boolean => {
  try {
    const message = decodeMessage(bytes)
    const again = decodeMessage(encodeMessage(message))
    return again.questions.length === message.questions.length
  } catch (error) {
    return error instanceof SkiffError && error.code === 'INVALID_INPUT'
  }
}

void t.test('no bytes make the codec throw anything but its coded error', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), bytes => survives(Buffer.from(bytes))),
    { numRuns: 2000 },
  )
})

void t.test('a real message with bytes changed or cut makes nothing but a coded error either', async () => {
  const soa: ResourceRecord = {
    name: 'example.org.',
    type: types.SOA,
    class: 1,
    ttl: 5,
    data: {
      kind: 'soa',
      primary: 'ns.example.org.',
      mailbox: 'h.example.org.',
      serial: 1,
      refresh: 2,
      retry: 3,
      expire: 4,
      minimum: 5,
    },
  }
  const good = encodeMessage({
    ...replyTo(question('a.example.org.'), { answers: [a('a.example.org.', [1, 2, 3, 4])], authorities: [soa] }),
    edns: { udpSize: 512, version: 0, dnssecOk: false, options: Buffer.alloc(0) },
  })
  const changes = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 })
  fc.assert(
    fc.property(changes, fc.nat(good.length), (edits, length) => {
      const bytes = Buffer.from(good)
      for (const [at, value] of edits) bytes[at] = value
      return survives(bytes) && survives(bytes.subarray(0, length))
    }),
    { numRuns: 2000 },
  )
})

void t.test('every label survives being written as text', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 63 }), bytes => {
      const text = labelText(Buffer.from(bytes))
      const [label = ''] = labelsOf(`${text}.`)
      return label === text && labelsOf(`${text}.x.`).length === 2 && labelBytes(label).equals(Buffer.from(bytes))
    }),
  )
})

void t.test('zones hold themselves and what is below them', async t => {
  t.ok(isWithin('a.cluster.local.', 'cluster.local.'))
  t.ok(isWithin('cluster.local.', 'cluster.local.'))
  t.notOk(isWithin('xcluster.local.', 'cluster.local.'))
  t.ok(isWithin('anything.', '.'))
  t.equal(closestZone(['.', 'local.', 'cluster.local.'], 'a.cluster.local.'), 'cluster.local.')
  t.equal(closestZone(['org.'], 'a.com.'), undefined)
  t.equal(normalName('Example.ORG'), 'example.org.')
})
