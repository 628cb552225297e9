import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { Duplex, Readable, Writable } from 'node:stream'
import type Docker from 'dockerode'
import { SkiffError } from '../../kube/errors.ts'
import { systemClock } from '../clock.ts'
import type { ContainerStreams, ExecSession, LogOptions } from '../container-engine.ts'
import { connectInNetns } from '../netns-connect.ts'
import { dockerClient } from './docker-client.ts'
import { dockerError } from './docker-errors.ts'
import { outputOf } from './framed-output.ts'

const short = (id: string): string => id.slice(0, 12)

/** What an exec's inspection says, as far as it is needed. */
interface ExecState {
  Running: boolean
  ExitCode: number | null
  Pid: number
}

/** Logs, exec, attach and port-forward of Docker's containers. */
export class DockerStreams implements ContainerStreams {
  readonly #docker: Docker
  readonly #socketPath: string
  constructor(options: { socketPath?: string } = {}) {
    this.#socketPath = options.socketPath ?? '/var/run/docker.sock'
    this.#docker = dockerClient(this.#socketPath)
  }

  async logs(id: string, options: LogOptions): Promise<{ stdout: Readable; stderr: Readable }> {
    const what = `logs of container ${short(id)}`
    const { signal } = options
    try {
      const tty = await this.#hasTty(id, signal)
      const source = await this.#openLogs(id, options)
      const { stdout, stderr } = outputOf(source, tty)
      return { stdout, stderr }
    } catch (error) {
      throw dockerError(error, what, signal)
    }
  }

  async exec(id: string, options: Parameters<ContainerStreams['exec']>[1]): Promise<ExecSession> {
    const { command, stdin, tty, size, signal } = options
    // Engines since 23 take the size along; older ones leave it out and are told right after the start.
    const ConsoleSize = size === undefined ? {} : { ConsoleSize: [size.rows, size.columns] }
    const what = `exec in container ${short(id)}`
    try {
      const exec = await this.#docker.getContainer(id).exec({
        Cmd: [...command],
        AttachStdin: stdin,
        AttachStdout: true,
        AttachStderr: true,
        Tty: tty,
        ...ConsoleSize,
        abortSignal: signal,
      } as Docker.ExecCreateOptions)
      const socket = await exec.start({
        hijack: true,
        Detach: false,
        Tty: tty,
        ...ConsoleSize,
        abortSignal: signal,
      } as Docker.ExecStartOptions)
      const inspect = async () => (await exec.inspect()) as ExecState
      const kill = () => killExec(id, inspect)
      return session(socket, tty, {
        what,
        signal,
        stdin,
        resize: (w, h) => exec.resize({ w, h }),
        exitCode: () => execExitCode(inspect, signal),
        abort: kill,
      })
    } catch (error) {
      throw dockerError(error, what, signal)
    }
  }

  async attach(id: string, options: { stdin: boolean; tty: boolean; signal: AbortSignal }): Promise<ExecSession> {
    const { stdin, tty, signal } = options
    const what = `attach to container ${short(id)}`
    const container = this.#docker.getContainer(id)
    try {
      // Asked before the attachment, so that a container that ends at once is not missed.
      const waiting = container.wait({ abortSignal: signal }) as Promise<{ StatusCode: number }>
      waiting.catch(() => {})
      const query = `stream=1&stdout=1&stderr=1${stdin ? '&stdin=1' : ''}`
      const socket = await this.#hijack(`/containers/${id}/attach?${query}`, signal)
      // The Engine lets clients attach to a container that has ended, and then keeps them waiting for its next start.
      if (!(await this.#isRunning(id, signal))) {
        socket.destroy()
        throw new SkiffError('NOT_FOUND', `${what}: it does not run`)
      }
      return session(socket, tty, {
        what,
        signal,
        stdin,
        resize: (w, h) => container.resize({ w, h }),
        exitCode: async () => (await waiting).StatusCode,
        abort: () => Promise.resolve(),
      })
    } catch (error) {
      throw dockerError(error, what, signal)
    }
  }

  async connect(id: string, port: number, signal: AbortSignal): Promise<Duplex> {
    const what = `connect to port ${port} of container ${short(id)}`
    let pid: number
    try {
      pid = (await this.#docker.getContainer(id).inspect({ abortSignal: signal })).State.Pid
    } catch (error) {
      throw dockerError(error, what, signal)
    }
    if (pid === 0) throw new SkiffError('NOT_FOUND', `${what}: it does not run`)
    return connectInNetns(`/proc/${pid}/ns/net`, port, signal)
  }

  async #isRunning(id: string, abortSignal: AbortSignal): Promise<boolean> {
    return (await this.#docker.getContainer(id).inspect({ abortSignal })).State.Running
  }

  async #hasTty(id: string, abortSignal: AbortSignal): Promise<boolean> {
    return (await this.#docker.getContainer(id).inspect({ abortSignal })).Config.Tty
  }

  /** As a stream also where nothing is followed: dockerode would gather such logs in memory. */
  #openLogs(id: string, options: LogOptions): Promise<Readable> {
    const { follow, stdout, stderr, timestamps, tailLines, sinceMs, signal } = options
    return new Promise((resolve, reject) => {
      this.#docker.modem.dial(
        {
          path: `/containers/${id}/logs?`,
          method: 'GET',
          abortSignal: signal,
          isStream: true,
          statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
          options: {
            follow,
            stdout,
            stderr,
            timestamps,
            tail: tailLines === undefined ? 'all' : tailLines,
            ...(sinceMs === undefined ? {} : { since: (sinceMs / 1000).toFixed(3) }),
          },
        },
        (error: unknown, stream: unknown) => {
          if (error === null || error === undefined) resolve(stream as Readable)
          else reject(error instanceof Error ? error : new Error(JSON.stringify(error)))
        },
      )
    })
  }

  /** The raw connection behind a POST without a body: dockerode would send one, and the container read it as its input. */
  #hijack(path: string, signal: AbortSignal): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const request = httpRequest({
        socketPath: this.#socketPath,
        method: 'POST',
        path,
        headers: { Connection: 'Upgrade', Upgrade: 'tcp' },
        signal,
      })
      request.once('error', reject)
      request.once('upgrade', (_response, socket, head) => {
        if (head.length > 0) socket.unshift(head)
        resolve(socket)
      })
      request.once('response', response => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('end', () => {
          const message = Buffer.concat(chunks).toString()
          reject(Object.assign(new Error(message), { statusCode: response.statusCode, json: parseMessage(message) }))
        })
      })
      request.end()
    })
  }
}

const parseMessage = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

interface SessionParts {
  what: string
  signal: AbortSignal
  stdin: boolean
  resize(columns: number, rows: number): Promise<unknown>
  exitCode(): Promise<number>
  /** Ends what the stream's end alone does not end. */
  abort(): Promise<void>
}

const session = (socket: Duplex, tty: boolean, parts: SessionParts): ExecSession => {
  const { signal, what } = parts
  const { stdout, stderr, ended } = outputOf(socket, tty)
  socket.on('error', () => {})
  const stop = () => {
    socket.destroy()
    // The Engine has lost it, or it has ended: either way nothing is left to end.
    parts.abort().catch(() => {})
  }
  if (signal.aborted) stop()
  else signal.addEventListener('abort', stop, { once: true })
  const exited = ended
    .then(async () => {
      signal.throwIfAborted()
      return parts.exitCode()
    })
    .catch((error: unknown) => {
      throw dockerError(error, what, signal)
    })
    .finally(() => signal.removeEventListener('abort', stop))
  // Whoever wants to know awaits it; nobody else is told of an abort as an unhandled rejection.
  exited.catch(() => {})
  const stdin: Writable = socket
  return {
    stdin,
    stdout,
    stderr,
    exited,
    resize: async (columns, rows) => {
      await parts.resize(columns, rows)
    },
  }
}

/** The stream ends a moment before the Engine knows the exit code. */
const execExitCode = async (inspect: () => Promise<ExecState>, signal: AbortSignal): Promise<number> => {
  for (let waitMs = 2; ; waitMs = Math.min(waitMs * 2, 500)) {
    const { Running, ExitCode } = await inspect()
    if (!Running && ExitCode !== null) return ExitCode
    await systemClock.sleep(waitMs, signal)
  }
}

/** Docker lets an exec run on when its client leaves; its process is killed, if it is still one of that container's. */
const killExec = async (containerId: string, inspect: () => Promise<ExecState>): Promise<void> => {
  const { Running, Pid } = await inspect()
  if (!Running || Pid <= 1 || !readFileSync(`/proc/${Pid}/cgroup`, 'utf8').includes(containerId)) return
  process.kill(Pid, 'SIGKILL')
}
