import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { KubeObject, ObjectList, UnknownObject, WatchEvent } from '../object.ts'
import { objectKey } from '../object.ts'
import { apiVersionOf, type Resource } from '../resource.ts'
import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector } from '../selectors.ts'
import { apiError } from '../status.ts'
import type {
  DeleteOptions,
  KubeClient,
  ListOptions,
  PatchOptions,
  ReadOptions,
  WatchOptions,
  WriteOptions,
} from './client.ts'
import { eventOf, type FakeChange } from './fake-change.ts'
import { applyFakePatch, deepFreeze, fieldText } from './fake-patch.ts'
import * as rules from './fake-rules.ts'

/** A write as it was asked for. */
export interface FakeCall {
  verb: 'create' | 'update' | 'patch' | 'delete'
  resource: Resource<unknown>
  namespace: string
  name: string
  subresource: string
  body: unknown
}

const tableOf = (of: { apiVersion?: string; kind?: string }) => `${of.apiVersion}/${of.kind}`

/**
 * The API in memory, for tests: resource versions and conflicts, watches, status subresources, finalizers, graceful
 * deletion of pods. What it returns is deep-frozen: who changes a shared object fails at once.
 * Field selectors may name any field; strategic patches merge lists of objects by `type`, `uid`, `ip` or `name`.
 */
export class FakeClient implements KubeClient {
  /** Every write, failed ones too. */
  readonly calls: FakeCall[] = []
  /** Throwing in here fails the write before it is done. */
  intercept: (call: FakeCall) => void | Promise<void> = () => {}
  #now: () => number = () => Date.now()
  #version = 1
  #compacted = 0
  readonly #tables = new Map<string, Map<string, UnknownObject>>()
  readonly #history: FakeChange[] = []
  readonly #watchers = new Set<() => void>()

  constructor(...objects: KubeObject[]) {
    for (const object of objects) this.set(object)
  }

  /** Takes creation and deletion times from this clock. */
  useClock(clock: { now(): number }): this {
    this.#now = () => clock.now()
    return this
  }

  /** Puts an object as it is, status and all, past every rule. It needs apiVersion and kind. */
  set<T extends KubeObject>(object: T): T {
    const copy = structuredClone(object) as KubeObject as UnknownObject
    copy.metadata = { uid: randomUUID(), creationTimestamp: this.#timestamp(), ...copy.metadata }
    return this.#store(tableOf(copy), copy) as KubeObject as T
  }

  /** Takes an object away past every rule. */
  remove(object: KubeObject): void {
    this.#drop(tableOf(object), objectKey(object))
  }

  /** Everything of a resource, without a call being recorded. */
  objects<T extends KubeObject>(resource: Resource<T>): T[] {
    return [...this.#rows(resource).values()] as unknown as T[]
  }

  /** Forgets the history: watches from older versions end with Expired. */
  compact(): void {
    this.#compacted = this.#version
    this.#history.length = 0
    this.#wake()
  }

  async get<T extends KubeObject>(resource: Resource<T>, name: string, options: ReadOptions = {}): Promise<T> {
    options.signal?.throwIfAborted()
    return this.#find(resource, name, options.namespace ?? '') as unknown as T
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    options.signal?.throwIfAborted()
    const wanted = this.#filter(options)
    const items = [...this.#rows(resource).values()].filter(wanted) as unknown as T[]
    const metadata = { resourceVersion: String(this.#version) }
    return { apiVersion: apiVersionOf(resource), kind: `${resource.kind}List`, metadata, items }
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { signal } = options
    const table = tableOf({ apiVersion: apiVersionOf(resource), kind: resource.kind })
    const wanted = this.#filter(options)
    let seen = Number(options.resourceVersion ?? '0')
    if (seen === 0) {
      seen = this.#version
      for (const object of [...this.#rows(resource).values()].filter(wanted))
        yield { type: 'ADDED', object: object as unknown as T }
    }
    while (!signal.aborted) {
      if (seen < this.#compacted) throw apiError('Expired', `too old resource version: ${seen} (${this.#compacted})`)
      // Versions in the history follow one another without a gap, so the next change stands at a known place.
      const change = this.#history[seen + 1 - (this.#history[0]?.version ?? 0)]
      if (change === undefined) {
        await this.#nextChange(signal)
        continue
      }
      seen = change.version
      const event = change.table === table ? eventOf(change, wanted) : undefined
      if (event !== undefined) yield event as unknown as WatchEvent<T>
    }
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const namespace = options.namespace ?? object.metadata?.namespace ?? ''
    const asked = object.metadata?.name ?? options.name ?? ''
    const { subresource = '' } = options
    await this.#record({ verb: 'create', resource, namespace, name: asked, subresource, body: object }, options.signal)
    if (subresource !== '')
      return this.#createSub(resource, options.name ?? asked, namespace, options, object) as KubeObject as T
    const copy = structuredClone(object) as KubeObject as UnknownObject
    const generated = `${object.metadata?.generateName ?? ''}${randomUUID().slice(0, 5)}`
    const name = asked !== '' ? asked : generated
    if (asked === '' && object.metadata?.generateName === undefined)
      throw apiError('Invalid', `${resource.kind} "" is invalid: metadata.name: Required value: name or generateName`)
    const key = resource.namespaced ? `${namespace}/${name}` : name
    const details = { name, group: resource.group, kind: resource.plural }
    if (this.#rows(resource).has(key))
      throw apiError('AlreadyExists', `${resource.plural} "${name}" already exists`, details)
    copy.apiVersion = apiVersionOf(resource)
    copy.kind = resource.kind
    copy.metadata = {
      ...copy.metadata,
      name,
      ...(resource.namespaced ? { namespace } : {}),
      uid: randomUUID(),
      creationTimestamp: this.#timestamp(),
      generation: 1,
    }
    rules.prepareForCreate(copy)
    if (options.dryRun === true) return deepFreeze(copy) as KubeObject as T
    return this.#store(tableOf(copy), copy) as KubeObject as T
  }

  async update<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const namespace = options.namespace ?? object.metadata?.namespace ?? ''
    const name = options.name ?? object.metadata?.name ?? ''
    const { subresource = '' } = options
    await this.#record({ verb: 'update', resource, namespace, name, subresource, body: object }, options.signal)
    const old = this.#find(resource, name, namespace)
    return this.#write(
      resource,
      old,
      structuredClone(object) as KubeObject as UnknownObject,
      subresource,
    ) as KubeObject as T
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    patch: unknown,
    options: PatchOptions,
  ): Promise<T> {
    const { namespace = '', subresource = '' } = options
    await this.#record({ verb: 'patch', resource, namespace, name, subresource, body: patch }, options.signal)
    const old = this.#find(resource, name, namespace)
    const next = applyFakePatch(options.type, structuredClone(old), patch) as UnknownObject
    return this.#write(resource, old, next, subresource) as KubeObject as T
  }

  async delete<T extends KubeObject>(resource: Resource<T>, name: string, options: DeleteOptions = {}): Promise<void> {
    const { namespace = '' } = options
    await this.#record({ verb: 'delete', resource, namespace, name, subresource: '', body: options }, options.signal)
    const old = this.#find(resource, name, namespace)
    const { uid, resourceVersion } = options.preconditions ?? {}
    if (
      (uid !== undefined && uid !== old.metadata?.uid) ||
      (resourceVersion !== undefined && resourceVersion !== old.metadata?.resourceVersion)
    )
      throw apiError('Conflict', `Operation cannot be fulfilled on ${resource.plural} "${name}": precondition failed`)
    const next = rules.afterDelete(structuredClone(old), options, this.#timestamp())
    if (rules.isGone(next)) this.#drop(tableOf(old), objectKey(old))
    else if (!isDeepStrictEqual(old, next)) this.#store(tableOf(old), next)
  }

  #createSub<T>(resource: Resource<T>, name: string, namespace: string, options: WriteOptions, body: KubeObject) {
    const old = this.#find(resource, name, namespace)
    switch (options.subresource) {
      case 'binding': {
        const next = rules.bind(structuredClone(old), body as UnknownObject)
        return this.#store(tableOf(old), next)
      }
      case 'eviction': {
        const next = rules.afterDelete(structuredClone(old), {}, this.#timestamp())
        if (rules.isGone(next)) this.#drop(tableOf(old), objectKey(old))
        else this.#store(tableOf(old), next)
        return body
      }
      default:
        throw apiError('NotImplemented', `the fake client has no subresource ${options.subresource}`)
    }
  }

  #write(resource: Resource<unknown>, old: UnknownObject, asked: UnknownObject, subresource: string): UnknownObject {
    const version = asked.metadata?.resourceVersion
    if (version !== undefined && version !== '' && version !== old.metadata?.resourceVersion) {
      const name = old.metadata?.name ?? ''
      throw apiError(
        'Conflict',
        `Operation cannot be fulfilled on ${resource.plural} "${name}": the object has been modified`,
        { name, group: resource.group, kind: resource.plural },
      )
    }
    const next = rules.afterUpdate(old, asked, subresource)
    if (rules.isGone(next)) {
      this.#drop(tableOf(old), objectKey(old))
      return deepFreeze(next)
    }
    return isDeepStrictEqual(old, next) ? old : this.#store(tableOf(old), next)
  }

  async #record(call: FakeCall, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    this.calls.push(call)
    await this.intercept(call)
  }

  #rows(resource: Resource<unknown>): Map<string, UnknownObject> {
    return this.#table(tableOf({ apiVersion: apiVersionOf(resource), kind: resource.kind }))
  }

  #table(table: string): Map<string, UnknownObject> {
    const rows = this.#tables.get(table) ?? new Map<string, UnknownObject>()
    this.#tables.set(table, rows)
    return rows
  }

  #find(resource: Resource<unknown>, name: string, namespace: string): UnknownObject {
    const found = this.#rows(resource).get(resource.namespaced ? `${namespace}/${name}` : name)
    if (found !== undefined) return found
    const details = { name, group: resource.group, kind: resource.plural }
    throw apiError('NotFound', `${resource.plural} "${name}" not found`, details)
  }

  #store(table: string, object: UnknownObject): UnknownObject {
    const rows = this.#table(table)
    const key = objectKey(object)
    const version = ++this.#version
    object.metadata = { ...object.metadata, resourceVersion: String(version) }
    this.#history.push({ version, table, object: deepFreeze(object), old: rows.get(key) })
    rows.set(key, object)
    this.#wake()
    return object
  }

  #drop(table: string, key: string): void {
    const old = this.#table(table).get(key)
    if (old === undefined) return
    this.#table(table).delete(key)
    const version = ++this.#version
    const last = { ...old, metadata: { ...old.metadata, resourceVersion: String(version) } }
    this.#history.push({ version, table, object: undefined, old: deepFreeze(last) })
    this.#wake()
  }

  #filter(options: ListOptions | WatchOptions): (object: UnknownObject) => boolean {
    const labels = parseLabelSelector(options.labelSelector ?? '')
    const fields = parseFieldSelector(options.fieldSelector ?? '')
    const { namespace = '' } = options
    return object =>
      (namespace === '' || object.metadata?.namespace === namespace) &&
      matchesLabels(labels, object.metadata?.labels) &&
      matchesFields(fields, field => fieldText(object, field))
  }

  #nextChange(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        this.#watchers.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#watchers.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }

  #wake(): void {
    for (const wake of this.#watchers) wake()
  }

  #timestamp(): string {
    return `${new Date(this.#now()).toISOString().slice(0, 19)}Z`
  }
}
