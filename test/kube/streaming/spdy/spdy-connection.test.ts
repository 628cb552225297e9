import { Duplex } from 'node:stream'
import t from 'tap'
import { SpdyConnection, type SpdyStream } from '../../../../kube/streaming/spdy/spdy-connection.ts'
import { SpdyProtocol } from '../../../../kube/streaming/spdy/spdy-protocol.ts'
import { textOf } from '../upgrade-server.ts'

void t.test('a stream that has ended and is not read yet does not hold up its siblings', async t => {
  const client = new SpdyProtocol('client')
  const opened = (text: string): Buffer => {
    const id = client.open({})
    client.write(id, Buffer.from(text))
    client.finish(id)
    return Buffer.concat(client.takeOutput())
  }
  const large = 'x'.repeat(100_000)
  const streams: SpdyStream[] = []
  const socket = new Duplex({ read: () => {}, write: (_bytes, _encoding, done) => done() })
  // The end comes in one piece with the last bytes: nobody asks a stream that knows its end for more.
  const server = new SpdyConnection(socket, {
    role: 'server',
    head: opened(large),
    onStream: stream => streams.push(stream),
  })
  t.notOk(socket.isPaused())
  socket.push(opened('small'))
  await new Promise<void>(resolve => setImmediate(resolve))
  const [first, second] = streams
  if (first === undefined || second === undefined) return t.fail('two streams were opened')
  t.equal(await textOf(second), 'small')
  t.equal(await textOf(first), large)
  server.destroy()
})
