import type { IncomingMessage } from 'node:http'
import { Readable, Writable, type Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { WebSocket } from 'ws'
import { SkiffError } from '../../errors.ts'
import { acceptWebSocket } from '../accept-web-socket.ts'
import { negotiate, offeredSubprotocols } from '../upgrade.ts'
import {
  outcomeText,
  parseSize,
  TerminalSize,
  type Outcome,
  type RemoteCommand,
  type RemoteCommandStreams,
} from './remote-command.ts'

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

interface Subprotocol {
  /** Each message is one character for the channel and base64 after it. */
  base64: boolean
  /** The outcome is a JSON Status. */
  jsonStatus: boolean
}

/** v5 is v4 with a way to close a channel. */
const subprotocols: Readonly<Record<string, Subprotocol>> = {
  'v5.channel.k8s.io': { base64: false, jsonStatus: true },
  'v4.channel.k8s.io': { base64: false, jsonStatus: true },
  'v4.base64.channel.k8s.io': { base64: true, jsonStatus: true },
  'channel.k8s.io': { base64: false, jsonStatus: false },
  'base64.channel.k8s.io': { base64: true, jsonStatus: false },
}

/** One message on the wire. */
export const encodeMessage = (channel: number, bytes: Buffer, base64: boolean): Buffer | string =>
  base64 ? `${channel}${bytes.toString('base64')}` : Buffer.concat([Buffer.from([channel]), bytes])

export const decodeMessage = (message: Buffer, base64: boolean): { channel: number; bytes: Buffer } | undefined => {
  const first = message[0]
  if (first === undefined) return undefined
  if (!base64) return { channel: first, bytes: message.subarray(1) }
  return { channel: first - 0x30, bytes: Buffer.from(message.toString('latin1', 1), 'base64') }
}

/** A channel to the client; a write is done when the socket has taken it. */
const outputChannel = (socket: WebSocket, channel: number, base64: boolean): Writable =>
  new Writable({
    write: (bytes: Buffer, _encoding, done) =>
      // A client that is gone is told by the connection's close, not by each write.
      socket.send(encodeMessage(channel, bytes, base64), () => done()),
  })

const inputChannel = (socket: WebSocket): Readable => new Readable({ read: () => socket.resume() })

export const acceptWebSocketCommand = async (
  request: IncomingMessage,
  rawSocket: Duplex,
  head: Buffer,
  wanted: RemoteCommandStreams,
): Promise<RemoteCommand> => {
  const protocol = negotiate(offeredSubprotocols(request), Object.keys(subprotocols), '')
  const { base64, jsonStatus } = subprotocols[protocol] ?? { base64: false, jsonStatus: false }
  const socket = await acceptWebSocket(request, rawSocket, head, protocol)
  const gone = new AbortController()
  const stdin = wanted.stdin ? inputChannel(socket) : undefined
  const size = new TerminalSize()
  const onMessage = (message: Buffer) => {
    const decoded = decodeMessage(message, base64)
    if (decoded === undefined) return
    const { channel, bytes } = decoded
    if (channel === channels.stdin && bytes.length > 0 && stdin?.push(bytes) === false) socket.pause()
    if (channel === channels.resize) size.set(parseSize(bytes.toString()))
    if (channel === channels.close && bytes[0] === channels.stdin) stdin?.push(null)
  }
  socket.on('message', (data: Buffer) => onMessage(data))
  socket.on('close', () => {
    stdin?.push(null)
    gone.abort(new SkiffError('UNAVAILABLE', 'the client closed the connection'))
  })
  const output = (channel: number) => outputChannel(socket, channel, base64)
  const stdout = wanted.stdout ? output(channels.stdout) : undefined
  const stderr = wanted.stderr && !wanted.tty ? output(channels.stderr) : undefined
  const error = output(channels.error)
  // An empty message tells the client that the session stands (upstream sends it on the first channel that can be written).
  const greeting = stdout !== undefined ? channels.stdout : stderr !== undefined ? channels.stderr : channels.error
  socket.send(encodeMessage(greeting, Buffer.alloc(0), base64), () => {})
  return {
    stdin,
    stdout,
    stderr,
    signal: gone.signal,
    onResize: listener => size.listen(listener),
    finish: async (outcome: Outcome) => {
      await Promise.all([endAndWait(stdout), endAndWait(stderr)])
      const text = outcomeText(outcome, jsonStatus)
      if (text !== '') error.write(text)
      await endAndWait(error)
      socket.close(1000)
      // The client's closing frame must be read even if nobody reads stdin any more.
      socket.resume()
    },
  }
}

const endAndWait = async (stream: Writable | undefined): Promise<void> => {
  if (stream === undefined) return
  stream.end()
  await finished(stream).catch(() => {})
}
