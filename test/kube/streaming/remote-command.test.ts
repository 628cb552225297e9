import { finished } from 'node:stream/promises'
import t from 'tap'
import { WebSocket } from 'ws'
import { acceptRemoteCommand } from '../../../kube/streaming/remote-command/accept-remote-command.ts'
import type { Outcome, RemoteCommand } from '../../../kube/streaming/remote-command/remote-command.ts'
import { dialSpdy, textOf, upgradeServer } from './upgrade-server.ts'

const everything = { stdin: true, stdout: true, stderr: true, tty: false }

/** Answers stdin back in capitals, then says `outcome`. */
const shout =
  (outcome: Outcome) =>
  async (remote: RemoteCommand): Promise<void> => {
    for await (const chunk of remote.stdin ?? []) remote.stdout?.write(String(chunk).toUpperCase())
    remote.stderr?.write('done')
    await remote.finish(outcome)
  }

const serving = async (
  t: { teardown(fn: () => Promise<void>): void },
  serve: (remote: RemoteCommand) => Promise<void>,
  streams = everything,
) => {
  const server = await upgradeServer(async (request, socket, head) =>
    serve(await acceptRemoteCommand(request, socket, head, streams)),
  )
  t.teardown(() => server.close())
  return server.port
}

const spdyRun = async (port: number, protocol: string, input: string) => {
  const { response, connection } = await dialSpdy(port, [protocol])
  if (connection === undefined) throw new Error(`refused: ${response.statusCode}`)
  const [error, stdin, stdout, stderr] = ['error', 'stdin', 'stdout', 'stderr'].map(streamtype =>
    connection.openStream({ streamtype }),
  )
  stdin?.end(input)
  const texts = await Promise.all([error, stdout, stderr].map(stream => textOf(stream ?? (async function* () {})())))
  connection.close()
  return { protocol: response.headers['x-stream-protocol-version'], error: texts[0] ?? '', out: texts.slice(1) }
}

void t.test('SPDY v4: input, output, and the exit code as a Status', async t => {
  const port = await serving(t, shout({ kind: 'exited', exitCode: 3 }))
  const { protocol, error, out } = await spdyRun(port, 'v4.channel.k8s.io', 'hello')
  t.equal(protocol, 'v4.channel.k8s.io')
  t.strictSame(out, ['HELLO', 'done'])
  t.match(JSON.parse(error), {
    status: 'Failure',
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: '3' }] },
  })
})

const outcomes: { name: string; protocol: string; outcome: Outcome; error: RegExp }[] = [
  { name: 'v4, success', protocol: 'v4.channel.k8s.io', outcome: { kind: 'exited', exitCode: 0 }, error: /"Success"/ },
  {
    name: 'v4, failure',
    protocol: 'v4.channel.k8s.io',
    outcome: { kind: 'failed', message: 'no' },
    error: /InternalError/,
  },
  { name: 'v2, success', protocol: 'v2.channel.k8s.io', outcome: { kind: 'exited', exitCode: 0 }, error: /^$/ },
  {
    name: 'v1, exit code',
    protocol: 'channel.k8s.io',
    outcome: { kind: 'exited', exitCode: 2 },
    error: /^command terminated with exit code 2$/,
  },
]
for (const { name, protocol, outcome, error } of outcomes)
  void t.test(`the outcome on SPDY's error stream: ${name}`, async t => {
    const port = await serving(t, shout(outcome))
    t.match((await spdyRun(port, protocol, 'x')).error, error)
  })

void t.test('SPDY: a megabyte each way arrives whole', async t => {
  const port = await serving(t, shout({ kind: 'exited', exitCode: 0 }))
  const { out } = await spdyRun(port, 'v4.channel.k8s.io', 'a'.repeat(1_000_000))
  t.equal(out[0], 'A'.repeat(1_000_000))
})

void t.test('a protocol nobody speaks here is refused with a Status', async t => {
  const port = await serving(t, shout({ kind: 'exited', exitCode: 0 }))
  const { response, connection } = await dialSpdy(port, ['v9.channel.k8s.io'])
  t.equal(connection, undefined)
  t.equal(response.statusCode, 403)
})

void t.test('SPDY: a client that leaves aborts the session', async t => {
  const gone = new Promise<string>(resolve => {
    void serving(t, async remote => {
      remote.signal.addEventListener('abort', () => resolve(String(remote.signal.reason)))
    }).then(async port => {
      const { connection } = await dialSpdy(port, ['v4.channel.k8s.io'])
      const streams = ['error', 'stdin', 'stdout', 'stderr'].map(streamtype => connection?.openStream({ streamtype }))
      await new Promise(resolve => setImmediate(resolve))
      streams[1]?.write('x')
      setImmediate(() => connection?.destroy())
    })
  })
  t.match(await gone, /client closed/)
})

void t.test('SPDY with a terminal: sizes come on the resize stream', async t => {
  const sizes: string[] = []
  let enough: () => void = () => {}
  const seen = new Promise<void>(resolve => (enough = resolve))
  const port = await serving(
    t,
    async remote => {
      remote.onResize((columns, rows) => {
        sizes.push(`${columns}x${rows}`)
        if (sizes.length === 2) enough()
      })
      await seen
      await remote.finish({ kind: 'exited', exitCode: 0 })
    },
    { stdin: true, stdout: true, stderr: false, tty: true },
  )
  const { connection } = await dialSpdy(port, ['v4.channel.k8s.io'])
  const streams = ['error', 'stdin', 'stdout', 'resize'].map(streamtype => connection?.openStream({ streamtype }))
  streams[3]?.write('{"Width":80,"Hei')
  streams[3]?.write('ght":24}\n{"Width":100,"Height":30}\n')
  await seen
  t.strictSame(sizes, ['80x24', '100x30'])
  connection?.close()
})

const webSocketRun = async (port: number, protocol: string, messages: readonly (Buffer | string)[]) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, protocol)
  const received: Buffer[] = []
  socket.on('message', (data: Buffer) => received.push(data))
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  for (const message of messages) socket.send(message)
  const code = await new Promise<number>(resolve => socket.once('close', resolve))
  return { received, code, protocol: socket.protocol }
}

const channel = (received: readonly Buffer[], number: number): string =>
  received
    .filter(message => message[0] === number)
    .map(message => message.toString('utf8', 1))
    .join('')

void t.test('WebSocket v5: channels, and closing stdin by message', async t => {
  const port = await serving(t, shout({ kind: 'exited', exitCode: 0 }))
  const { received, code, protocol } = await webSocketRun(port, 'v5.channel.k8s.io', [
    Buffer.from('\0hello '),
    Buffer.from('\0world'),
    Buffer.from([255, 0]),
  ])
  t.equal(protocol, 'v5.channel.k8s.io')
  t.equal(code, 1000)
  t.strictSame(received[0], Buffer.from([1]), 'an empty message says that the session stands')
  t.equal(channel(received, 1), 'HELLO WORLD')
  t.equal(channel(received, 2), 'done')
  t.match(JSON.parse(channel(received, 3)), { status: 'Success' })
})

void t.test('WebSocket, base64 v4: the same in characters', async t => {
  const port = await serving(t, async remote => {
    remote.stdin?.once('data', chunk => {
      remote.stdout?.write(String(chunk).toUpperCase())
      void remote.finish({ kind: 'exited', exitCode: 1 })
    })
  })
  const { received } = await webSocketRun(port, 'v4.base64.channel.k8s.io', [
    `0${Buffer.from('hi').toString('base64')}`,
  ])
  const texts = received.map(message => [
    message.toString('latin1', 0, 1),
    Buffer.from(message.toString('latin1', 1), 'base64').toString(),
  ])
  t.strictSame(texts[0], ['1', ''])
  t.strictSame(texts[1], ['1', 'HI'])
  t.match(texts.at(-1)?.[1], /NonZeroExitCode/)
})

void t.test('an output stream of the session can be awaited', async t => {
  const port = await serving(t, async remote => {
    remote.stdout?.end('all')
    if (remote.stdout !== undefined) await finished(remote.stdout, { readable: false })
    await remote.finish({ kind: 'exited', exitCode: 0 })
  })
  t.strictSame((await spdyRun(port, 'v4.channel.k8s.io', '')).out, ['all', ''])
})
