import type { UnknownObject } from '../../../kube/object.ts'
import { cloneJson, equalJson } from '../../../kube/patch/json-value.ts'
import { hasReason } from '../../../kube/status.ts'
import type { UserInfo } from '../auth/user-info.ts'
import { deleteObject } from '../registry/delete-object.ts'
import type { ObjectTarget, Registry, RequestContext } from '../registry/registry.ts'
import { mutate } from '../registry/update-object.ts'
import { type AskWebhook, type Converter, renamingConverter, webhookConverter } from './conversion.ts'
import { customKinds, type CustomServices, storageKind } from './custom-kind.ts'
import {
  cleanupFinalizer,
  type CustomResourceDefinition,
  type DefinitionCondition,
  definitionOf,
  definitionsPrefix,
  isTrue,
  withCondition,
} from './definition.ts'
import { planStatus } from './definition-status.ts'
import { loadRules, rulesAreLoaded } from './rules.ts'
import { hasRules } from './validate-schema.ts'

export interface DefinitionControllerOptions {
  registry: Registry
  /** Who the server is, for what it writes by itself. */
  user: UserInfo
  ask: AskWebhook
  signal: AbortSignal
  onError(error: unknown): void
}

/** What of a definition decides how its kind is served: the rest may change without anybody noticing. */
const servedPart = ({ spec, status }: CustomResourceDefinition): unknown => ({ spec, names: status?.acceptedNames })

const retryMs = 1_000

const needsRules = ({ spec }: CustomResourceDefinition): boolean =>
  (spec?.versions ?? []).some(({ schema }) => schema?.openAPIV3Schema !== undefined && hasRules(schema.openAPIV3Schema))

/**
 * Keeps the table of kinds as the stored CustomResourceDefinitions say, and does for them what upstream's controllers
 * do: names are accepted, kinds established, and a definition that goes takes its objects along first. One definition
 * after the other, so that of two that want the same name one gets it.
 */
export class DefinitionController {
  readonly #options: DefinitionControllerOptions
  readonly #installed = new Map<string, unknown>()
  readonly #waiting = new Map<string, () => void>()
  readonly #queue = new Set<string>()
  #running = false
  constructor(options: DefinitionControllerOptions) {
    this.#options = options
  }

  /** Serves what is established already before it resolves, then goes on by itself. Returns what stops it. */
  async start(): Promise<() => void> {
    const { store } = this.#options.registry
    const { entries, revision } = store.range({ prefix: definitionsPrefix })
    if (entries.some(entry => needsRules(definitionOf(entry.object)))) await loadRules()
    for (const entry of entries) this.#changed(definitionOf(entry.object))
    const stop = store.watch(definitionsPrefix, revision, ({ type, entry }) => {
      const definition = definitionOf(entry.object)
      if (type === 'delete') this.#removed(definition)
      else this.#changed(definition)
    })
    return () => {
      stop()
      for (const stopWaiting of this.#waiting.values()) stopWaiting()
    }
  }

  #changed(definition: CustomResourceDefinition): void {
    const name = definition.metadata?.name ?? ''
    // At once, while the write is being acknowledged: who reads Established finds the kind served.
    if (!needsRules(definition) || rulesAreLoaded()) this.#install(definition)
    this.#enqueue(name)
  }

  #removed(definition: CustomResourceDefinition): void {
    const name = definition.metadata?.name ?? ''
    this.#installed.delete(name)
    this.#stopWaiting(name)
    this.#options.registry.kinds.set(name, [])
    // Its names are free for others of the group.
    for (const other of this.#all())
      if (other.spec?.group === definition.spec?.group) this.#enqueue(other.metadata?.name ?? '')
  }

  #all(): CustomResourceDefinition[] {
    return this.#options.registry.store
      .range({ prefix: definitionsPrefix })
      .entries.map(({ object }) => definitionOf(object))
  }

  #stored(name: string): CustomResourceDefinition | undefined {
    const entry = this.#options.registry.store.get(`${definitionsPrefix}${name}`)
    return entry === undefined ? undefined : definitionOf(entry.object)
  }

  #services(definition: CustomResourceDefinition): CustomServices {
    const name = definition.metadata?.name ?? ''
    const { conversion } = definition.spec ?? {}
    const converter: Converter =
      conversion?.strategy === 'Webhook' ? webhookConverter(conversion, this.#options.ask) : renamingConverter
    return { converter, isTerminating: () => this.#stored(name)?.metadata?.deletionTimestamp !== undefined }
  }

  #install(definition: CustomResourceDefinition): void {
    const name = definition.metadata?.name ?? ''
    if (!isTrue(definition, 'Established')) return
    const part = servedPart(definition)
    if (equalJson(this.#installed.get(name), part)) return
    try {
      this.#options.registry.kinds.set(name, customKinds(definition, this.#services(definition)))
      this.#installed.set(name, part)
    } catch (error) {
      this.#options.onError(error)
    }
  }

  #enqueue(name: string): void {
    this.#queue.add(name)
    if (this.#running) return
    this.#running = true
    // Not within the store's notification: what is written here is another transaction.
    queueMicrotask(() => void this.#run())
  }

  async #run(): Promise<void> {
    for (const name of this.#queue) {
      if (this.#options.signal.aborted) break
      this.#queue.delete(name)
      try {
        await this.#reconcile(name)
      } catch (error) {
        if (hasReason(error, 'NotFound', 'Conflict')) this.#retry(name)
        else {
          this.#options.onError(error)
          this.#retry(name)
        }
      }
    }
    this.#running = false
  }

  #retry(name: string): void {
    const { registry, signal } = this.#options
    registry.clock.sleep(retryMs, signal).then(
      () => this.#enqueue(name),
      () => {},
    )
  }

  async #reconcile(name: string): Promise<void> {
    const definition = this.#stored(name)
    if (definition === undefined) return
    if (needsRules(definition) && !rulesAreLoaded()) {
      await loadRules()
      this.#install(definition)
    }
    const now = this.#options.registry.now()
    const status = planStatus(definition, this.#all(), now)
    if (status !== definition.status) {
      await this.#writeStatus(name, live => planStatus(live, this.#all(), now))
      // Names that were given up are free for others.
      for (const other of this.#all())
        if (
          other.spec?.group === definition.spec?.group &&
          other.metadata?.name !== name &&
          !isTrue(other, 'NamesAccepted')
        )
          this.#enqueue(other.metadata?.name ?? '')
    }
    const { deletionTimestamp, finalizers = [] } = definition.metadata ?? {}
    if (deletionTimestamp !== undefined && finalizers.includes(cleanupFinalizer)) await this.#finalize(definition)
  }

  #target(name: string): ObjectTarget {
    const kind = this.#options.registry.kind('apiextensions.k8s.io', 'v1', 'customresourcedefinitions')
    if (kind === undefined) throw new TypeError('customresourcedefinitions are not served')
    return { kind, namespace: '', name }
  }

  #context(): RequestContext {
    return {
      user: this.#options.user,
      dryRun: false,
      fieldManager: 'kube-apiserver',
      fieldValidation: 'Ignore',
      decodeFindings: [],
      warn: () => {},
    }
  }

  async #writeStatus(
    name: string,
    plan: (live: CustomResourceDefinition) => CustomResourceDefinition['status'],
  ): Promise<void> {
    const change = (live: UnknownObject): UnknownObject => ({ ...cloneJson(live), status: plan(definitionOf(live)) })
    await mutate(this.#options.registry, this.#target(name), { subresource: 'status', change }, this.#context())
  }

  #setCondition(name: string, condition: DefinitionCondition): Promise<void> {
    const now = this.#options.registry.now()
    return this.#writeStatus(name, ({ status }) => ({
      ...status,
      conditions: withCondition(status?.conditions ?? [], condition, now),
    }))
  }

  /** Deletes what is left of the kind; when nothing is, lets the definition go. */
  async #finalize(definition: CustomResourceDefinition): Promise<void> {
    const { registry } = this.#options
    const name = definition.metadata?.name ?? ''
    const kind = storageKind(definition, this.#services(definition))
    const prefix = kind === undefined ? undefined : registry.key({ kind, namespace: '', name: '' })
    const left = () => (prefix === undefined ? [] : registry.store.range({ prefix }).entries)
    if (kind !== undefined && prefix !== undefined && left().length > 0) {
      await this.#setCondition(name, {
        type: 'Terminating',
        status: 'True',
        reason: 'InstanceDeletionInProgress',
        message: 'CustomResource deletion is in progress',
      })
      for (const { object } of left()) {
        const { name: instance = '', namespace = '' } = object.metadata ?? {}
        await deleteObject(registry, { kind, namespace, name: instance }, {}, this.#context()).catch(
          (error: unknown) => {
            if (!hasReason(error, 'NotFound')) throw error
          },
        )
      }
      // Finalizers of the objects may take their time.
      if (left().length > 0) return this.#waitFor(name, prefix)
    }
    this.#stopWaiting(name)
    await this.#setCondition(name, {
      type: 'Terminating',
      status: 'False',
      reason: 'InstanceDeletionCompleted',
      message: 'removed all instances',
    })
    const change = (live: UnknownObject): UnknownObject => {
      const next = cloneJson(live)
      const metadata = (next.metadata ??= {})
      metadata.finalizers = (metadata.finalizers ?? []).filter(finalizer => finalizer !== cleanupFinalizer)
      return next
    }
    await mutate(registry, this.#target(name), { subresource: '', change }, this.#context())
  }

  #waitFor(name: string, prefix: string): void {
    if (this.#waiting.has(name)) return
    const { store } = this.#options.registry
    const stop = store.watch(prefix, store.revision, event => {
      if (event.type === 'delete') this.#enqueue(name)
    })
    this.#waiting.set(name, stop)
  }

  #stopWaiting(name: string): void {
    this.#waiting.get(name)?.()
    this.#waiting.delete(name)
  }
}
