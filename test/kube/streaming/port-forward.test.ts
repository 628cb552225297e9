import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import t from 'tap'
import { WebSocket } from 'ws'
import { servePortForward } from '../../../kube/streaming/port-forward/accept-port-forward.ts'
import { decodeMessage, encodeMessage } from '../../../kube/streaming/remote-command/websocket-command.ts'
import { SpdyConnection } from '../../../kube/streaming/spdy/spdy-connection.ts'
import { dialSpdy, textOf, upgradeServer } from './upgrade-server.ts'

/** A pod that answers `echo: …` once the client has sent all it has, and a server that forwards to it. */
const forwarding = async (t: { teardown(fn: () => unknown): void }) => {
  const pod = createServer({ allowHalfOpen: true }, socket => {
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => socket.end(`echo: ${Buffer.concat(chunks).toString()}`))
  })
  await new Promise<void>(resolve => pod.listen(0, '127.0.0.1', () => resolve()))
  const podPort = (pod.address() as AddressInfo).port
  const stop = new AbortController()
  const dial = (port: number) =>
    new Promise<Duplex>((resolve, reject) => {
      const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket))
      socket.once('error', reject)
    })
  const server = await upgradeServer((request, socket, head) =>
    servePortForward(request, socket, head, { dial, signal: stop.signal }),
  )
  t.teardown(async () => {
    stop.abort()
    await server.close()
    pod.close()
  })
  return { port: server.port, podPort }
}

const exchange = async (connection: SpdyConnection, port: number, requestID: string, text: string) => {
  const headers = { port: String(port), requestID }
  const error = connection.openStream({ ...headers, streamtype: 'error' })
  const data = connection.openStream({ ...headers, streamtype: 'data' })
  error.end()
  data.end(text)
  return Promise.all([textOf(data), textOf(error)])
}

void t.test('SPDY: connections side by side, each half-closed by itself', async t => {
  const { port, podPort } = await forwarding(t)
  const { response, connection } = await dialSpdy(port, ['portforward.k8s.io'])
  if (connection === undefined) throw new Error('refused')
  t.equal(response.headers['x-stream-protocol-version'], 'portforward.k8s.io')
  const answers = await Promise.all(['a', 'b', 'c'].map((text, i) => exchange(connection, podPort, String(i), text)))
  t.strictSame(answers, [
    ['echo: a', ''],
    ['echo: b', ''],
    ['echo: c', ''],
  ])
  connection.close()
})

void t.test('a port nobody listens on is told on its error stream, and the others go on', async t => {
  const { port, podPort } = await forwarding(t)
  const { connection } = await dialSpdy(port, ['portforward.k8s.io'])
  if (connection === undefined) throw new Error('refused')
  const [, error] = await exchange(connection, 1, '0', 'x')
  t.match(error, /^error forwarding port 1: .*ECONNREFUSED/)
  t.strictSame(await exchange(connection, podPort, '1', 'y'), ['echo: y', ''])
  connection.close()
})

/** A pod of which each connection is given to `onSocket`, and a client that is forwarded to it. */
const answering = async (t: { teardown(fn: () => unknown): void }, onSocket: (socket: Socket) => void) => {
  const pod = createServer({ allowHalfOpen: true }, onSocket)
  await new Promise<void>(resolve => pod.listen(0, '127.0.0.1', () => resolve()))
  const podPort = (pod.address() as AddressInfo).port
  const dial = (port: number) =>
    new Promise<Duplex>(resolve => {
      const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true }, () => resolve(socket))
    })
  const server = await upgradeServer((request, socket, head) =>
    servePortForward(request, socket, head, { dial, signal: new AbortController().signal }),
  )
  t.teardown(async () => {
    await server.close()
    pod.close()
  })
  const { connection } = await dialSpdy(server.port, ['portforward.k8s.io'])
  if (connection === undefined) throw new Error('refused')
  t.teardown(() => connection.destroy())
  const open = (requestID: string) => {
    const headers = { port: String(podPort), requestID }
    const error = connection.openStream({ ...headers, streamtype: 'error' })
    error.end()
    return { error, data: connection.openStream({ ...headers, streamtype: 'data' }) }
  }
  return { open }
}

void t.test(
  'a client that resets its stream when the answer is whole, as kubectl 1.32 does, is told no error',
  async t => {
    const closed: Promise<unknown>[] = []
    const { open } = await answering(t, socket => {
      closed.push(once(socket, 'close'))
      socket.on('error', () => {})
      socket.once('data', (chunk: Buffer) => socket.end(`echo: ${chunk.toString()}`))
    })
    for (const id of ['0', '1', '2']) {
      const { data, error } = open(id)
      data.write(id)
      t.equal(await textOf(data), `echo: ${id}`)
      data.destroy()
      t.equal(await textOf(error), '', 'at a sentence here kubectl would hang up every other connection')
    }
    t.equal(closed.length, 3)
    await Promise.all(closed)
  },
)

void t.test('a client that leaves in the middle of an answer ends the connection to the pod', async t => {
  let left = () => {}
  const gone = new Promise<void>(resolve => (left = resolve))
  const { open } = await answering(t, socket => {
    socket.on('error', () => {})
    socket.resume().once('end', () => {
      left()
      socket.end()
    })
    socket.write('an answer that never ends')
  })
  const { data, error } = open('0')
  await once(data, 'data')
  data.destroy()
  t.equal(await textOf(error), '')
  await gone
})

void t.test('a pod that breaks off ends its own connection, without a word on the error stream', async t => {
  const { open } = await answering(t, socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.resetAndDestroy())
  })
  const { data, error } = open('0')
  data.write('x')
  data.resume()
  t.equal(await textOf(error), '')
  await new Promise<void>(resolve => (data.closed ? resolve() : data.once('close', () => resolve())))
})

/** A WebSocket client as a byte stream; `ws` refuses the tunnel's subprotocol, which is no token. */
class TunnelClient extends Duplex {
  readonly #socket: Duplex
  #pending: Buffer = Buffer.alloc(0)
  constructor(socket: Duplex, head: Buffer) {
    super()
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('close', () => this.push(null))
    socket.on('error', () => {})
    if (head.length > 0) this.#receive(head)
  }
  #receive(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    for (;;) {
      const short = (this.#pending[1] ?? 0) & 0x7f
      const head = short === 126 ? 4 : 2
      if (this.#pending.length < head) return
      const length = short === 126 ? this.#pending.readUInt16BE(2) : short
      if (this.#pending.length < head + length) return
      if (((this.#pending[0] ?? 0) & 0x0f) === 2) this.push(this.#pending.subarray(head, head + length))
      this.#pending = this.#pending.subarray(head + length)
    }
  }
  override _read(): void {}
  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    // A mask of zeros leaves the bytes as they are.
    const head = Buffer.from([0x82, 0xfe, bytes.length >> 8, bytes.length & 0xff, 0, 0, 0, 0])
    this.#socket.write(Buffer.concat([head, bytes]), () => done())
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}

void t.test('SPDY inside a WebSocket', async t => {
  const { port, podPort } = await forwarding(t)
  const request = httpRequest({
    port,
    host: '127.0.0.1',
    headers: {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': Buffer.alloc(16, 1).toString('base64'),
      'Sec-WebSocket-Protocol': 'SPDY/3.1+portforward.k8s.io',
    },
  })
  request.end()
  const [response, socket, head] = (await once(request, 'upgrade')) as [IncomingMessage, Duplex, Buffer]
  t.equal(response.headers['sec-websocket-protocol'], 'SPDY/3.1+portforward.k8s.io')
  const connection = new SpdyConnection(new TunnelClient(socket, head), { role: 'client' })
  t.strictSame(await exchange(connection, podPort, '0', 'tunnel'), ['echo: tunnel', ''])
  connection.destroy()
})

for (const { protocol, base64 } of [
  { protocol: 'v4.channel.k8s.io', base64: false },
  { protocol: 'v4.base64.channel.k8s.io', base64: true },
])
  void t.test(`${protocol}: two channels a port, each told which`, async t => {
    const pod = createServer(socket => socket.once('data', data => socket.end(`echo: ${String(data)}`)))
    await new Promise<void>(resolve => pod.listen(0, '127.0.0.1', () => resolve()))
    const podPort = (pod.address() as AddressInfo).port
    const dial = (port: number) =>
      new Promise<Duplex>((resolve, reject) => {
        const socket = createConnection({ port, host: '127.0.0.1' }, () => resolve(socket))
        socket.once('error', reject)
      })
    const server = await upgradeServer((request, socket, head) =>
      servePortForward(request, socket, head, { dial, signal: new AbortController().signal }),
    )
    t.teardown(async () => {
      await server.close()
      pod.close()
    })
    const client = new WebSocket(`ws://127.0.0.1:${server.port}/portForward/a/b?ports=${podPort}&ports=1`, [
      'v5.channel.k8s.io',
      protocol,
    ])
    client.binaryType = 'nodebuffer'
    const channels = new Map<number, Buffer>()
    client.on('message', (data: Buffer) => {
      const { channel = -1, bytes = Buffer.alloc(0) } = decodeMessage(data, base64) ?? {}
      channels.set(channel, Buffer.concat([channels.get(channel) ?? Buffer.alloc(0), bytes]))
    })
    await once(client, 'open')
    t.equal(client.protocol, protocol)
    client.send(encodeMessage(0, Buffer.from('hello'), base64))
    const [code] = (await once(client, 'close')) as [number]
    t.equal(code, 1000, 'the session is over when all its connections are')
    for (const channel of [0, 1]) t.equal(channels.get(channel)?.readUInt16LE(), podPort)
    for (const channel of [2, 3]) t.equal(channels.get(channel)?.readUInt16LE(), 1)
    t.equal(channels.get(0)?.toString('latin1', 2), 'echo: hello')
    t.match(channels.get(3)?.toString('latin1', 2), /^error forwarding port 1: .*ECONNREFUSED/)
  })

void t.test('WebSocket alone must name its ports', async t => {
  const { port } = await forwarding(t)
  for (const { query, message } of [
    { query: '', message: /query parameter "port" is required/ },
    { query: '?port=80,x', message: /unable to parse "x" as a port/ },
    { query: '?port=0', message: /must be > 0/ },
  ]) {
    const client = new WebSocket(`ws://127.0.0.1:${port}/${query}`, ['v4.channel.k8s.io'])
    client.on('error', () => {})
    const [, response] = (await once(client, 'unexpected-response')) as [unknown, IncomingMessage]
    t.equal(response.statusCode, 400)
    t.match((JSON.parse(await textOf(response)) as { message: string }).message, message)
  }
})
