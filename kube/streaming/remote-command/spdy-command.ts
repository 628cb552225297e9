import type { IncomingMessage } from 'node:http'
import type { Duplex, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { SkiffError } from '../../errors.ts'
import { SpdyConnection, type SpdyStream } from '../spdy/spdy-connection.ts'
import { acceptSpdy, negotiate, offeredProtocols } from '../upgrade.ts'
import {
  outcomeText,
  parseSize,
  TerminalSize,
  type Outcome,
  type RemoteCommand,
  type RemoteCommandStreams,
} from './remote-command.ts'

const V4 = 'v4.channel.k8s.io'
const V3 = 'v3.channel.k8s.io'
const SPOKEN = [V4, V3, 'v2.channel.k8s.io', 'channel.k8s.io']
/** Upstream's, too: a client that opens no streams is not waited for any longer. */
const STREAMS_WITHIN_MS = 30_000

/** Which streams a client opens; a TTY has no separate stderr, and sizes came with v3. */
export const expectedStreams = (streams: RemoteCommandStreams, protocol: string): string[] => [
  'error',
  ...(streams.stdin ? ['stdin'] : []),
  ...(streams.stdout ? ['stdout'] : []),
  ...(streams.stderr && !streams.tty ? ['stderr'] : []),
  ...(streams.tty && (protocol === V3 || protocol === V4) ? ['resize'] : []),
]

/** Collects the streams by their `streamtype` header until all of them are there. */
class Streams {
  readonly byType = new Map<string, SpdyStream>()
  readonly #wanted: readonly string[]
  #complete: () => void = () => {}
  readonly complete = new Promise<void>(resolve => (this.#complete = resolve))
  constructor(wanted: readonly string[]) {
    this.#wanted = wanted
  }
  add(stream: SpdyStream): void {
    const type = stream.header('streamtype')
    if (!this.#wanted.includes(type) || this.byType.has(type)) {
      stream.destroy()
      return
    }
    this.byType.set(type, stream)
    if (this.byType.size === this.#wanted.length) this.#complete()
  }
}

/** Sizes come as one JSON object after the other. */
const readSizes = (stream: Readable, size: TerminalSize): void => {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (more: string) => {
    text += more
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      size.set(parseSize(text.slice(0, end + 1)))
      text = text.slice(end + 1)
    }
  })
}

const waitForStreams = async (connection: SpdyConnection, streams: Streams): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string>(resolve => {
    timer = setTimeout(() => resolve('timed out waiting for client to create streams'), STREAMS_WITHIN_MS)
  })
  const gone = connection.closed.then(() => 'the client is gone')
  const problem = await Promise.race([streams.complete, late, gone])
  clearTimeout(timer)
  if (problem === undefined) return
  connection.destroy()
  throw new SkiffError('TIMEOUT', problem)
}

export const acceptSpdyCommand = async (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  wanted: RemoteCommandStreams,
): Promise<RemoteCommand> => {
  const protocol = negotiate(offeredProtocols(request), SPOKEN, '')
  acceptSpdy(socket, protocol)
  const streams = new Streams(expectedStreams(wanted, protocol))
  const connection = new SpdyConnection(socket, { role: 'server', head, onStream: stream => streams.add(stream) })
  await waitForStreams(connection, streams)
  const gone = new AbortController()
  connection.closed.then(
    () => gone.abort(new SkiffError('UNAVAILABLE', 'the client closed the connection')),
    () => {},
  )
  const size = new TerminalSize()
  const resize = streams.byType.get('resize')
  if (resize !== undefined) readSizes(resize, size)
  const [error, stdin, stdout, stderr] = ['error', 'stdin', 'stdout', 'stderr'].map(type => streams.byType.get(type))
  return {
    stdin,
    stdout,
    stderr,
    signal: gone.signal,
    onResize: listener => size.listen(listener),
    finish: async (outcome: Outcome) => {
      // Output first: a client may stop reading it once it knows the outcome.
      await Promise.all([endAndWait(stdout), endAndWait(stderr)])
      error?.write(outcomeText(outcome, protocol === V4))
      await endAndWait(error)
      connection.close()
    },
  }
}

const endAndWait = async (stream: SpdyStream | undefined): Promise<void> => {
  if (stream === undefined) return
  stream.end()
  // A client that is gone already is not a failure of the command.
  await finished(stream, { readable: false }).catch(() => {})
}
