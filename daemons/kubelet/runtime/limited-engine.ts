import type { ContainerEngine, ContainerSpec, EngineContainer, EngineEvent } from '../../../host/container-engine.ts'

/** An engine that makes and starts at most `limit` containers at a time: more at once only makes each of them slower. */
export class LimitedEngine implements ContainerEngine {
  readonly #engine: ContainerEngine
  readonly #waiting: (() => void)[] = []
  #free: number
  constructor(engine: ContainerEngine, limit: number) {
    this.#engine = engine
    this.#free = limit
  }

  create(spec: ContainerSpec, signal?: AbortSignal): Promise<string> {
    return this.#limited(() => this.#engine.create(spec, signal))
  }
  start(id: string, signal?: AbortSignal): Promise<void> {
    return this.#limited(() => this.#engine.start(id, signal))
  }
  stop(id: string, graceSeconds: number, signal?: AbortSignal): Promise<void> {
    // Not limited: it spends its time waiting for the process to end.
    return this.#engine.stop(id, graceSeconds, signal)
  }
  remove(id: string, signal?: AbortSignal): Promise<void> {
    return this.#limited(() => this.#engine.remove(id, signal))
  }
  inspect(id: string, signal?: AbortSignal): Promise<EngineContainer | undefined> {
    return this.#engine.inspect(id, signal)
  }
  list(labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<EngineContainer[]> {
    return this.#engine.list(labels, signal)
  }
  events(label: string, signal: AbortSignal): AsyncIterable<EngineEvent> {
    return this.#engine.events(label, signal)
  }
  version(signal?: AbortSignal): Promise<string> {
    return this.#engine.version(signal)
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    // A slot is handed over, never put back and raced for: the queue is first come, first served.
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}
