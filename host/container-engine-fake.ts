import { Readable } from 'node:stream'
import { SkiffError } from '../kube/errors.ts'
import type {
  ContainerEngine,
  ContainerSpec,
  EngineContainer,
  EngineEvent,
  EngineImage,
  ImageStore,
  RegistryAuth,
} from './container-engine.ts'

interface Listener {
  label: string
  push(event: EngineEvent): void
}

/** An engine in memory: containers run until they are stopped, or until `exit` is called. */
export class FakeEngine implements ContainerEngine {
  readonly containers = new Map<string, EngineContainer & { spec: ContainerSpec }>()
  /** `create NAME`, `start NAME`, `stop NAME GRACE`, `remove NAME`, in the order of the calls. */
  readonly calls: string[] = []
  /** Throw from it to make a call fail. */
  fail: (call: string, name: string) => void = () => {}
  readonly #now: () => number
  readonly #listeners = new Set<Listener>()
  #next = 1
  constructor(now: () => number = () => 0) {
    this.#now = now
  }

  async create(spec: ContainerSpec, signal?: AbortSignal): Promise<string> {
    signal?.throwIfAborted()
    this.#called('create', spec.name)
    if (this.#byName(spec.name) !== undefined)
      throw new SkiffError('CONFLICT', `create container ${spec.name}: the name is in use`)
    const id = (this.#next++).toString(16).padStart(64, '0')
    this.containers.set(id, {
      id,
      name: spec.name,
      image: spec.image,
      imageId: `sha256:${spec.image}`,
      labels: spec.labels,
      state: 'created',
      pid: 0,
      exitCode: 0,
      oomKilled: false,
      error: '',
      createdAtMs: this.#now(),
      startedAtMs: 0,
      finishedAtMs: 0,
      spec,
    })
    return id
  }

  async start(id: string): Promise<void> {
    const container = this.#existing(id)
    try {
      this.#called('start', container.name)
    } catch (error) {
      Object.assign(container, { state: 'exited', exitCode: 127, error: String(error), finishedAtMs: this.#now() })
      throw error
    }
    Object.assign(container, { state: 'running', pid: 1000 + this.#next++, startedAtMs: this.#now() })
    this.#emit('started', container)
  }

  async stop(id: string, graceSeconds: number): Promise<void> {
    const container = this.containers.get(id)
    if (container === undefined) return
    this.#called('stop', `${container.name} ${graceSeconds}`)
    if (container.state === 'running') this.exit(id, 143)
  }

  async remove(id: string): Promise<void> {
    const container = this.containers.get(id)
    if (container === undefined) return
    this.#called('remove', container.name)
    if (container.state === 'running') this.exit(id, 137)
    this.containers.delete(id)
    this.#emit('removed', container)
  }

  async inspect(id: string): Promise<EngineContainer | undefined> {
    const container = this.containers.get(id)
    return container === undefined ? undefined : structuredClone(container)
  }

  async list(labels: Readonly<Record<string, string>>): Promise<EngineContainer[]> {
    const wanted = Object.entries(labels)
    return [...this.containers.values()]
      .filter(c => wanted.every(([key, value]) => key in c.labels && (value === '' || c.labels[key] === value)))
      .map(c => structuredClone(c))
  }

  async *events(label: string, signal: AbortSignal): AsyncIterable<EngineEvent> {
    const queue: EngineEvent[] = []
    let wake = () => {}
    const listener: Listener = {
      label,
      push: event => {
        queue.push(event)
        wake()
      },
    }
    this.#listeners.add(listener)
    try {
      while (!signal.aborted) {
        const event = queue.shift()
        if (event !== undefined) yield event
        else
          await new Promise<void>(resolve => {
            wake = resolve
            signal.addEventListener('abort', () => resolve(), { once: true })
          })
      }
    } finally {
      this.#listeners.delete(listener)
    }
  }

  async version(): Promise<string> {
    return 'fake://1.0'
  }

  /** The container's process ends. */
  exit(id: string, exitCode: number, more: { oomKilled?: boolean } = {}): void {
    const container = this.#existing(id)
    Object.assign(container, { state: 'exited', pid: 0, exitCode, finishedAtMs: this.#now(), ...more })
    this.#emit('died', container)
  }

  /** The container whose name begins so. */
  named(prefix: string): (EngineContainer & { spec: ContainerSpec }) | undefined {
    return [...this.containers.values()].findLast(c => c.name.startsWith(prefix))
  }

  #byName(name: string): EngineContainer | undefined {
    return [...this.containers.values()].find(c => c.name === name)
  }

  #existing(id: string): EngineContainer & { spec: ContainerSpec } {
    const container = this.containers.get(id)
    if (container === undefined) throw new SkiffError('NOT_FOUND', `no container ${id}`)
    return container
  }

  #called(call: string, name: string): void {
    this.calls.push(`${call} ${name}`)
    this.fail(call, name)
  }

  #emit(kind: EngineEvent['kind'], container: EngineContainer): void {
    for (const listener of this.#listeners) {
      const [key = '', value] = listener.label.split('=')
      if (key in container.labels && (value === undefined || container.labels[key] === value))
        listener.push({ kind, containerId: container.id, labels: container.labels })
    }
  }
}

/** Images in memory, and a registry to pull from. */
export class FakeImages implements ImageStore {
  readonly present = new Map<string, EngineImage>()
  /** What a pull finds; anything else is NOT_FOUND. */
  readonly registry = new Set<string>()
  readonly pulls: { reference: string; auth: RegistryAuth | undefined }[] = []
  constructor(...present: string[]) {
    for (const tag of present) this.#add(tag)
  }
  async find(reference: string): Promise<EngineImage | undefined> {
    return this.present.get(reference)
  }
  async pull(reference: string, options: { auth?: RegistryAuth; signal?: AbortSignal }): Promise<EngineImage> {
    options.signal?.throwIfAborted()
    this.pulls.push({ reference, auth: options.auth })
    if (!this.registry.has(reference)) throw new SkiffError('NOT_FOUND', `manifest for ${reference} not found`)
    return this.#add(reference)
  }
  async list(): Promise<EngineImage[]> {
    return [...new Set(this.present.values())]
  }
  async remove(id: string): Promise<void> {
    for (const [tag, image] of this.present) if (image.id === id) this.present.delete(tag)
  }
  async importRootfs(tar: Readable, options: { tag: string }): Promise<void> {
    for await (const _ of tar);
    this.#add(options.tag)
  }
  #add(tag: string): EngineImage {
    const image: EngineImage = { id: `sha256:${tag}`, tags: [tag], digests: [], sizeBytes: 1000, user: '' }
    this.present.set(tag, image)
    return image
  }
}
