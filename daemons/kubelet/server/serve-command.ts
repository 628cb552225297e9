import type { IncomingMessage } from 'node:http'
import type { Duplex, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ContainerStreams, ExecSession } from '../../../host/container-engine.ts'
import { messageOf } from '../../../kube/errors.ts'
import { apiError } from '../../../kube/status.ts'
import { acceptRemoteCommand } from '../../../kube/streaming/remote-command/accept-remote-command.ts'
import type {
  Outcome,
  RemoteCommand,
  RemoteCommandStreams,
} from '../../../kube/streaming/remote-command/remote-command.ts'
import type { ContainerView } from '../kubelet-view.ts'

const FIRST_SIZE_WITHIN_MS = 200

const flag = (query: URLSearchParams, ...names: string[]): boolean =>
  names.some(name => ['1', 'true', ''].includes(query.get(name) ?? 'no'))

/** The kubelet's words are input, output, error; the API's stdin, stdout, stderr: both are taken. Throws ApiError BadRequest. */
export const parseStreams = (query: URLSearchParams): RemoteCommandStreams => {
  const tty = flag(query, 'tty')
  const streams = {
    stdin: flag(query, 'input', 'stdin'),
    stdout: flag(query, 'output', 'stdout'),
    // A terminal mixes both: there is no separate stderr to ask for.
    stderr: flag(query, 'error', 'stderr') && !tty,
    tty,
  }
  if (!streams.stdin && !streams.stdout && !streams.stderr)
    throw apiError('BadRequest', 'you must specify at least 1 of stdin, stdout, stderr')
  return streams
}

export interface CommandRequest {
  request: IncomingMessage
  socket: Duplex
  head: Buffer
  query: URLSearchParams
  container: ContainerView
  streams: ContainerStreams
  signal: AbortSignal
}

/** Bytes both ways; ends when the process has ended and its output is with the client. */
const runSession = async (remote: RemoteCommand, session: ExecSession): Promise<Outcome> => {
  remote.onResize((columns, rows) => {
    // The process may have ended a moment ago: a size it cannot take any more is no failure.
    session.resize(columns, rows).catch(() => {})
  })
  const input = remote.stdin === undefined ? undefined : pumpInput(remote.stdin, session.stdin)
  await Promise.all([pumpOutput(session.stdout, remote.stdout), pumpOutput(session.stderr, remote.stderr)])
  const exitCode = await session.exited
  // The client may keep its end open for ever; the process will not read it.
  remote.stdin?.destroy()
  await input
  return { kind: 'exited', exitCode }
}

/** Clients send their terminal's size first of all; one that sends none is not waited for any longer. */
const firstSize = (remote: RemoteCommand): Promise<{ columns: number; rows: number } | undefined> =>
  new Promise(resolve => {
    const timer = setTimeout(() => resolve(undefined), FIRST_SIZE_WITHIN_MS)
    remote.onResize((columns, rows) => {
      clearTimeout(timer)
      resolve({ columns, rows })
    })
  })

const pumpInput = (from: Readable, to: Writable): Promise<void> =>
  // A process that does not read its input (EPIPE), or a client that leaves, ends the copying and nothing else.
  pipeline(from, to).catch(() => {})

const pumpOutput = async (from: Readable, to: Writable | undefined): Promise<void> => {
  if (to === undefined) {
    from.resume()
    return
  }
  // The end of the stream is told by finish(), so that the order of output and outcome is kept.
  await pipeline(from, to, { end: false }).catch(() => {})
}

const serve = async (
  { request, socket, head, signal }: CommandRequest,
  wanted: RemoteCommandStreams,
  open: (signal: AbortSignal, remote: RemoteCommand) => Promise<ExecSession>,
): Promise<void> => {
  const remote = await acceptRemoteCommand(request, socket, head, wanted)
  const either = AbortSignal.any([remote.signal, signal])
  let outcome: Outcome
  try {
    outcome = await runSession(remote, await open(either, remote))
  } catch (error) {
    outcome = { kind: 'failed', message: messageOf(error) }
  }
  await remote.finish(outcome)
}

/** `exec`: throws ApiError while the request has not been taken over. */
export const serveExec = async (command: CommandRequest): Promise<void> => {
  const wanted = parseStreams(command.query)
  const words = command.query.getAll('command')
  if (words.length === 0) throw apiError('BadRequest', 'you must specify the command to execute')
  await serve(command, wanted, async (signal, remote) => {
    const size = wanted.tty ? await firstSize(remote) : undefined
    return command.streams.exec(command.container.id, {
      command: words,
      stdin: wanted.stdin,
      tty: wanted.tty,
      ...(size === undefined ? {} : { size }),
      signal,
    })
  })
}

/** `attach`: whether there is a terminal is the container's own, whatever the client says. */
export const serveAttach = async (command: CommandRequest): Promise<void> => {
  const asked = parseStreams(command.query)
  const { container, streams } = command
  const wanted = { ...asked, stdin: asked.stdin && container.stdin }
  await serve(command, asked, async signal => {
    const session = await streams.attach(container.id, { stdin: wanted.stdin, tty: container.tty, signal })
    // The attachment succeeded however the process ended: clients ask the pod's status for its exit code, and take an
    // exit code told here for a failed attachment.
    const exited = session.exited.then(() => 0)
    exited.catch(() => {})
    return { ...session, exited }
  })
}
