import { setMaxListeners } from 'node:events'
import type { Clock } from '../clock.ts'
import { SkiffError } from '../errors.ts'
import { objectKey, type KubeObject, type WatchEvent } from '../object.ts'
import type { Resource } from '../resource.ts'
import { hasReason } from '../status.ts'
import type { KubeClient, ListOptions } from './client.ts'
import { timerClock } from './timer-clock.ts'

export interface InformerOptions<T> {
  signal: AbortSignal
  clock?: Clock
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  /** Name to the values an object stands under. */
  indexes?: Record<string, (object: T) => readonly string[]>
  onError?: (error: unknown) => void
}

export interface InformerHandler<T> {
  added?(object: T): void
  updated?(object: T, old: T): void
  deleted?(object: T): void
}

const pageSize = 500
const baseDelayMs = 100
const maxDelayMs = 10_000
/** A watch that lasted this long was a sound one: the next failure starts with the shortest wait again. */
const soundAfterMs = 5_000

/**
 * The objects of one resource, kept current: lists once, then watches, resuming where a watch ended. Everything it
 * returns and hands to handlers is shared and read-only. Failures go to `onError` and are tried again until the signal aborts.
 */
export class Informer<T extends KubeObject> {
  /** Resolves when the first list is in; rejects when the signal aborts before. */
  readonly synced: Promise<void>
  readonly resource: Resource<T>
  readonly #client: KubeClient
  readonly #options: InformerOptions<T>
  readonly #clock: Clock
  readonly #objects = new Map<string, T>()
  readonly #indexes: Map<string, { of: (object: T) => readonly string[]; keys: Map<string, Set<string>> }>
  readonly #handlers: InformerHandler<T>[] = []
  #resolveSynced: () => void = () => {}
  #resourceVersion: string | undefined
  #started = false
  #failures = 0

  constructor(client: KubeClient, resource: Resource<T>, options: InformerOptions<T>) {
    this.#client = client
    this.resource = resource
    this.#options = options
    this.#clock = options.clock ?? timerClock
    this.#indexes = new Map(
      Object.entries(options.indexes ?? {}).map(([name, of]) => [name, { of, keys: new Map<string, Set<string>>() }]),
    )
    // A daemon's informers all listen to its one signal: more than ten of them are no leak.
    setMaxListeners(0, options.signal)
    this.synced = new Promise((resolve, reject) => {
      this.#resolveSynced = resolve
      options.signal.addEventListener('abort', () => reject(options.signal.reason as Error), { once: true })
    })
    // Who does not wait for it must not be told of the abort as an unhandled rejection.
    this.synced.catch(() => {})
  }

  /** Starts the loop; a second call does nothing. */
  start(): void {
    if (this.#started) return
    this.#started = true
    this.#run().catch((error: unknown) => this.#report(error))
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  list(): T[] {
    return [...this.#objects.values()]
  }

  byIndex(index: string, value: string): T[] {
    const found = this.#indexes.get(index)
    if (found === undefined) throw new SkiffError('INTERNAL', `informer of ${this.resource.plural}: no index ${index}`)
    return [...(found.keys.get(value) ?? [])].flatMap(key => this.#objects.get(key) ?? [])
  }

  /** What is there already is replayed as `added`, before this returns. */
  subscribe(handler: InformerHandler<T>): void {
    this.#handlers.push(handler)
    for (const object of this.#objects.values()) this.#tell(() => handler.added?.(object))
  }

  async #run(): Promise<void> {
    const { signal } = this.#options
    while (!signal.aborted) {
      let startedAt = this.#clock.now()
      try {
        if (this.#resourceVersion === undefined) {
          await this.#list()
          startedAt = this.#clock.now()
        }
        await this.#watch()
      } catch (error) {
        if (signal.aborted) return
        // A server that went away comes back with the same history: resume. Anything else is answered by a new list.
        if (!(error instanceof SkiffError && error.code === 'UNAVAILABLE')) this.#resourceVersion = undefined
        // An Expired watch is ordinary (compaction): the caller need not hear of it.
        if (!hasReason(error, 'Expired', 'Gone')) this.#report(error)
      }
      if (this.#clock.now() - startedAt >= soundAfterMs) {
        this.#failures = 0
        continue
      }
      const delay = Math.min(maxDelayMs, baseDelayMs * 2 ** Math.min(this.#failures++, 10))
      // Jitter, so that the clients of a server that restarts do not come back all at once.
      await this.#clock.sleep(delay * (0.5 + Math.random() / 2), signal).catch(() => {})
    }
  }

  #scope(): ListOptions {
    const { namespace, labelSelector, fieldSelector, signal } = this.#options
    return {
      signal,
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    }
  }

  async #list(): Promise<void> {
    const scope = this.#scope()
    const items: T[] = []
    let page = await this.#client.list(this.resource, { ...scope, limit: pageSize })
    const { resourceVersion } = page.metadata
    for (;;) {
      items.push(...page.items)
      const token = page.metadata.continue
      if (token === undefined || token === '') break
      page = await this.#client.list(this.resource, { ...scope, limit: pageSize, continue: token })
    }
    this.#replace(items)
    this.#resourceVersion = resourceVersion ?? '0'
    this.#resolveSynced()
  }

  /** Takes a list over what was known, telling handlers the difference. */
  #replace(items: readonly T[]): void {
    const listed = new Map(items.map(item => [objectKey(item), item]))
    for (const [key, old] of this.#objects) if (!listed.has(key)) this.#remove(key, old)
    for (const item of items) this.#put(item)
  }

  async #watch(): Promise<void> {
    const timeoutSeconds = 300 + Math.floor(Math.random() * 300)
    const events = this.#client.watch(this.resource, {
      ...this.#scope(),
      signal: this.#options.signal,
      allowWatchBookmarks: true,
      timeoutSeconds,
      ...(this.#resourceVersion === undefined ? {} : { resourceVersion: this.#resourceVersion }),
    })
    for await (const event of events) {
      if (this.#options.signal.aborted) return
      this.#apply(event)
      this.#resourceVersion = event.object.metadata?.resourceVersion ?? this.#resourceVersion
    }
  }

  #apply(event: WatchEvent<T>): void {
    switch (event.type) {
      case 'ADDED':
      case 'MODIFIED':
        return this.#put(event.object)
      case 'DELETED':
        return this.#remove(objectKey(event.object), event.object)
      case 'BOOKMARK':
        return
    }
  }

  #put(object: T): void {
    const key = objectKey(object)
    const old = this.#objects.get(key)
    if (old?.metadata?.resourceVersion === object.metadata?.resourceVersion && old !== undefined) return
    // The same name with another uid is another object: whoever counts on deletions must see one.
    if (old !== undefined && old.metadata?.uid !== object.metadata?.uid) this.#remove(key, old)
    const known = this.#objects.get(key)
    if (known !== undefined) this.#unindex(key, known)
    this.#objects.set(key, object)
    this.#index(key, object)
    for (const handler of this.#handlers)
      this.#tell(() => (known === undefined ? handler.added?.(object) : handler.updated?.(object, known)))
  }

  /** `last` is the object's last state, newer than ours when a DELETED event brought it. */
  #remove(key: string, last: T): void {
    const known = this.#objects.get(key)
    if (known === undefined) return
    this.#unindex(key, known)
    this.#objects.delete(key)
    for (const handler of this.#handlers) this.#tell(() => handler.deleted?.(last))
  }

  #index(key: string, object: T): void {
    for (const { of, keys } of this.#indexes.values())
      for (const value of of(object)) {
        const under = keys.get(value)
        if (under === undefined) keys.set(value, new Set([key]))
        else under.add(key)
      }
  }

  #unindex(key: string, object: T): void {
    for (const { of, keys } of this.#indexes.values())
      for (const value of of(object)) {
        const under = keys.get(value)
        under?.delete(key)
        if (under?.size === 0) keys.delete(value)
      }
  }

  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    this.#options.onError?.(error)
  }
}
