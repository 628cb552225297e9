import t from 'tap'
import { controlFrame, frameTypes, words32 } from '../../../../kube/streaming/spdy/frame.ts'
import { SpdyProtocol, type SpdyEvent } from '../../../../kube/streaming/spdy/spdy-protocol.ts'

/** Hands everything `from` has to say over, `step` bytes at a time. */
const deliver = (from: SpdyProtocol, to: SpdyProtocol, step = Infinity): SpdyEvent[] => {
  const bytes = Buffer.concat(from.takeOutput())
  const events: SpdyEvent[] = []
  for (let at = 0; at < bytes.length; at += step) events.push(...to.receive(bytes.subarray(at, at + step)))
  return events
}

for (const step of [1, 7, Infinity])
  void t.test(`streams open, carry bytes and end, read ${step} bytes at a time`, async t => {
    const client = new SpdyProtocol('client')
    const server = new SpdyProtocol('server')
    const id = client.open({ streamtype: ['stdin'] })
    t.equal(id, 1)
    client.write(id, Buffer.from('hello'))
    client.finish(id)
    const events = deliver(client, server, step)
    t.match(events[0], { kind: 'stream', id: 1, headers: { streamtype: ['stdin'] }, finished: false })
    const data = events.slice(1).flatMap(event => (event.kind === 'data' ? [event] : []))
    t.equal(Buffer.concat(data.map(event => event.bytes)).toString(), 'hello')
    t.equal(data.at(-1)?.finished, true)
    server.reply(id)
    server.write(id, Buffer.from('bye'))
    server.finish(id)
    const back = deliver(server, client, step)
    t.match(back[0], { kind: 'headers', id: 1 })
    t.equal(back.filter(event => event.kind === 'data' && event.finished).length, 1)
  })

void t.test('a ping goes straight back', async t => {
  const server = new SpdyProtocol('server')
  server.receive(controlFrame(frameTypes.ping, 0, words32(7)))
  t.strictSame(Buffer.concat(server.takeOutput()), controlFrame(frameTypes.ping, 0, words32(7)))
})

void t.test('a peer that never speaks of windows is not held to them', async t => {
  const client = new SpdyProtocol('client')
  const server = new SpdyProtocol('server')
  const id = client.open({})
  deliver(client, server)
  t.equal(server.write(id, Buffer.alloc(1_000_000)), 1_000_000)
})

void t.test('a peer that keeps windows gets no more than it gave', async t => {
  const client = new SpdyProtocol('client')
  const server = new SpdyProtocol('server')
  const id = client.open({})
  deliver(client, server)
  const settings = controlFrame(frameTypes.settings, 0, words32(1, 7, 1000))
  t.strictSame(server.receive(settings), [{ kind: 'writable', id: 0 }])
  t.equal(server.write(id, Buffer.alloc(5000)), 1000)
  t.equal(server.write(id, Buffer.alloc(4000)), 0)
  const update = controlFrame(frameTypes.windowUpdate, 0, words32(id, 2500))
  t.strictSame(server.receive(update), [{ kind: 'writable', id }])
  t.equal(server.write(id, Buffer.alloc(4000)), 2500)
})

void t.test('what is consumed is given back to the peer’s window', async t => {
  const client = new SpdyProtocol('client')
  const server = new SpdyProtocol('server')
  const id = client.open({})
  client.write(id, Buffer.alloc(40_000))
  deliver(client, server)
  server.consumed(id, 40_000)
  t.strictSame(deliver(server, client), [{ kind: 'writable', id }])
})

void t.test('a reset ends a stream, and bytes that crossed it are dropped in silence', async t => {
  const client = new SpdyProtocol('client')
  const server = new SpdyProtocol('server')
  const id = client.open({})
  deliver(client, server)
  server.reset(id)
  client.write(id, Buffer.from('late'))
  t.strictSame(deliver(client, server), [])
  t.match(deliver(server, client), [{ kind: 'reset', id, status: 5 }])
})

void t.test('bytes for a stream that never was are answered with a reset', async t => {
  const server = new SpdyProtocol('server')
  server.receive(Buffer.from([0, 0, 0, 9, 0, 0, 0, 1, 65]))
  t.strictSame(Buffer.concat(server.takeOutput()), controlFrame(frameTypes.rstStream, 0, words32(9, 2)))
})

void t.test('another version is refused, with a GOAWAY', async t => {
  const server = new SpdyProtocol('server')
  t.throws(() => server.receive(Buffer.from([0x80, 2, 0, 1, 0, 0, 0, 0])), { code: 'INVALID_INPUT' })
  t.equal(Buffer.concat(server.takeOutput()).readUInt16BE(2), frameTypes.goAway)
})
