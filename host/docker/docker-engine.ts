import type Docker from 'dockerode'
import { SkiffError } from '../../kube/errors.ts'
import type { ContainerEngine, ContainerSpec, EngineContainer, EngineEvent } from '../container-engine.ts'
import { dockerClient } from './docker-client.ts'
import { dockerError, engineMessage, engineStatus } from './docker-errors.ts'
import { containerOf, createOptionsOf } from './docker-spec.ts'

const withSignal = (signal: AbortSignal | undefined): { abortSignal?: AbortSignal } =>
  signal === undefined ? {} : { abortSignal: signal }

const kinds: Record<string, EngineEvent['kind']> = { start: 'started', die: 'died', destroy: 'removed', oom: 'oom' }

/** One line of GET /events; undefined for what is no event of ours. Pure. */
export const eventOf = (line: string): EngineEvent | undefined => {
  let event: { Action?: string; Actor?: { ID?: string; Attributes?: Record<string, string> } }
  try {
    event = JSON.parse(line) as typeof event
  } catch (cause) {
    throw new SkiffError('UNAVAILABLE', `the Engine's event stream broke in the middle of a line`, { cause })
  }
  const kind = kinds[event.Action ?? '']
  if (kind === undefined || event.Actor?.ID === undefined) return undefined
  return { kind, containerId: event.Actor.ID, labels: event.Actor.Attributes ?? {} }
}

/** Docker Engine 20.10 or later, behind its Unix socket. */
export class DockerEngine implements ContainerEngine {
  readonly #docker: Docker
  constructor(options: { socketPath?: string } = {}) {
    this.#docker = dockerClient(options.socketPath ?? '/var/run/docker.sock')
  }

  async create(spec: ContainerSpec, signal?: AbortSignal): Promise<string> {
    try {
      const container = await this.#docker.createContainer({ ...createOptionsOf(spec), ...withSignal(signal) })
      return container.id
    } catch (error) {
      throw dockerError(error, `create container ${spec.name}`, signal)
    }
  }

  async start(id: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#docker.getContainer(id).start(withSignal(signal))
    } catch (error) {
      // 304: it runs already. 400 is how the Engine reports a command that does not exist.
      if (engineStatus(error) === 304) return
      if (engineStatus(error) === 400)
        throw new SkiffError('COMMAND_FAILED', `start container ${id.slice(0, 12)}: ${engineMessage(error)}`, {
          cause: error,
        })
      throw dockerError(error, `start container ${id.slice(0, 12)}`, signal)
    }
  }

  async stop(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    try {
      await this.#docker.getContainer(id).stop({ t: Math.max(0, Math.floor(graceSeconds)), ...withSignal(signal) })
    } catch (error) {
      if (engineStatus(error) === 304 || engineStatus(error) === 404) return
      throw dockerError(error, `stop container ${id.slice(0, 12)}`, signal)
    }
  }

  async remove(id: string, signal?: AbortSignal): Promise<void> {
    try {
      await this.#docker.getContainer(id).remove({ force: true, v: true, ...withSignal(signal) })
    } catch (error) {
      // 409: another removal of it is under way, which is as good.
      if (engineStatus(error) === 404 || engineStatus(error) === 409) return
      throw dockerError(error, `remove container ${id.slice(0, 12)}`, signal)
    }
  }

  async inspect(id: string, signal?: AbortSignal): Promise<EngineContainer | undefined> {
    try {
      return containerOf(await this.#docker.getContainer(id).inspect(withSignal(signal)))
    } catch (error) {
      if (engineStatus(error) === 404) return undefined
      throw dockerError(error, `inspect container ${id.slice(0, 12)}`, signal)
    }
  }

  async list(labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<EngineContainer[]> {
    try {
      const label = Object.entries(labels).map(([key, value]) => (value === '' ? key : `${key}=${value}`))
      const found = await this.#docker.listContainers({ all: true, filters: { label }, ...withSignal(signal) })
      const full = await Promise.all(found.map(info => this.inspect(info.Id, signal)))
      return full.filter(container => container !== undefined)
    } catch (error) {
      throw dockerError(error, 'list containers', signal)
    }
  }

  async *events(label: string, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const filters = JSON.stringify({ type: ['container'], event: Object.keys(kinds), label: [label] })
    try {
      const opening = this.#docker.getEvents({ filters, abortSignal: signal }) as Promise<NodeJS.ReadableStream>
      const stream = await opening
      let rest = ''
      stream.setEncoding('utf8')
      for await (const chunk of stream) {
        const lines = (rest + String(chunk)).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          const event = line.trim() === '' ? undefined : eventOf(line)
          if (event !== undefined) yield event
        }
      }
    } catch (error) {
      if (signal.aborted) return
      throw dockerError(error, 'watch the events of containers', signal)
    }
    if (!signal.aborted) throw new SkiffError('UNAVAILABLE', 'the Docker Engine ended its event stream')
  }

  async version(signal?: AbortSignal): Promise<string> {
    try {
      const { Version } = (await this.#docker.version()) as { Version: string }
      return `docker://${Version}`
    } catch (error) {
      throw dockerError(error, 'ask for the version', signal)
    }
  }
}
