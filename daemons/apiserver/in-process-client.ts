import type {
  DeleteOptions,
  KubeClient,
  ListOptions,
  PatchOptions,
  ReadOptions,
  WatchOptions,
  WriteOptions,
} from '../../kube/client/client.ts'
import type { KubeObject, ObjectList, UnknownObject, WatchEvent } from '../../kube/object.ts'
import { apiVersionOf, type Resource } from '../../kube/resource.ts'
import { ApiError, apiError } from '../../kube/status.ts'
import type { UserInfo } from './auth/user-info.ts'
import { requestAttributes } from './auth/attributes.ts'
import { requireAuthorized } from './auth/authorizer.ts'
import { notImplemented } from './registry/api-errors.ts'
import { createObject } from './registry/create-object.ts'
import { deleteObject } from './registry/delete-object.ts'
import { patchObject } from './registry/patch-object.ts'
import { evictPod } from './registry/evict-pod.ts'
import { bindPod, finalizeNamespace } from './registry/pod-actions.ts'
import { getObject, listObjects } from './registry/read-objects.ts'
import type { ObjectTarget, Registry, RequestContext } from './registry/registry.ts'
import { answerReview } from './registry/review.ts'
import { patchScale, updateScale } from './registry/scale.ts'
import { requestToken } from './registry/token-request.ts'
import { updateObject } from './registry/update-object.ts'
import { watchObjects } from './registry/watch-objects.ts'
import { failureStatus } from './rest/failure-status.ts'
import type { StoredEntry } from './store/stored-entry.ts'

/** What a call of this client works on. */
interface Call {
  target: ObjectTarget & { subresource: string }
  context: RequestContext
}

/** Writes come from objects that stay their caller's; going through JSON also drops what JSON has no word for. */
const copyOf = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown

/** The stored object as the type its resource promises: the registry has checked it against the kind's schema. */
const asType = <T extends KubeObject>(entry: StoredEntry): T => entry.object as KubeObject as T

/**
 * The API without a connection: the same rules, authorization included, on the registry itself. Objects that it gives
 * out are the store's own, parsed once for everybody.
 */
export class InProcessClient implements KubeClient {
  readonly #registry: Registry
  readonly #user: UserInfo
  constructor(registry: Registry, user: UserInfo) {
    this.#registry = registry
    this.#user = user
  }

  #call(resource: Resource<unknown>, verb: string, options: WriteOptions & { fieldSelector?: string }): Call {
    const { group, version, plural } = resource
    const { namespace = '', name = '', subresource = '', fieldManager, dryRun = false } = options
    const scope = resource.namespaced ? namespace : ''
    const where = { group, plural, subresource, namespace: scope, name }
    requireAuthorized(this.#registry.authorizer, this.#user, requestAttributes(verb, where, options.fieldSelector))
    const kind = this.#registry.kind(group, version, plural)
    if (kind === undefined) throw apiError('NotFound', 'the server could not find the requested resource')
    const context: RequestContext = {
      user: this.#user,
      dryRun,
      fieldManager: fieldManager ?? this.#user.name.replace(/^system:/, ''),
      fieldValidation: 'Warn',
      decodeFindings: [],
      warn: () => {},
    }
    return { target: { kind, namespace: scope, name, subresource }, context }
  }

  async #run<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      if (error instanceof ApiError) throw error
      throw new ApiError(failureStatus(error), { cause: error })
    }
  }

  get<T extends KubeObject>(resource: Resource<T>, name: string, options: ReadOptions = {}): Promise<T> {
    return this.#run(options.signal, async () => {
      const { target } = this.#call(resource, 'get', { ...where(options), name })
      return asType<T>(await getObject(this.#registry, target, options.resourceVersion))
    })
  }

  list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    return this.#run(options.signal, async () => {
      const { target } = this.#call(resource, 'list', selected(options))
      const { entries, ...metadata } = await listObjects(this.#registry, target, options)
      return {
        kind: `${resource.kind}List`,
        apiVersion: apiVersionOf(resource),
        metadata,
        items: entries.map(entry => asType<T>(entry)),
      }
    })
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const { target } = this.#call(resource, 'watch', selected(options))
    const queue: WatchEvent<T>[] = []
    let wake = () => {}
    let ended = options.signal.aborted
    const end = (): void => {
      ended = true
      wake()
    }
    const add = (event: WatchEvent<T>): void => {
      queue.push(event)
      wake()
    }
    const bookmark = (resourceVersion: string): UnknownObject => ({
      kind: resource.kind,
      apiVersion: apiVersionOf(resource),
      metadata: { resourceVersion },
    })
    const open = watchObjects(this.#registry, target, {
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      resourceVersion: options.resourceVersion,
      allowBookmarks: options.allowWatchBookmarks ?? false,
      sink: {
        event: (type, entry) => add({ type, object: asType<T>(entry) }),
        bookmark: version => add({ type: 'BOOKMARK', object: bookmark(version) as KubeObject as T }),
        end,
      },
    })
    options.signal.addEventListener('abort', end, { once: true })
    const timer = options.timeoutSeconds === undefined ? undefined : setTimeout(end, options.timeoutSeconds * 1000)
    try {
      while (!ended) {
        yield* queue.splice(0)
        if (!ended && queue.length === 0) await new Promise<void>(resolve => (wake = resolve))
      }
    } finally {
      clearTimeout(timer)
      options.signal.removeEventListener('abort', end)
      open.close()
    }
  }

  create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#run(options.signal, async () => {
      const place = { ...placeOf(object, options), ...(options.subresource === undefined ? { name: '' } : {}) }
      const { target, context } = this.#call(resource, 'create', place)
      const body = copyOf(object)
      switch (target.subresource) {
        case '':
          if (target.kind.review !== undefined) return asType<T>(answerReview(this.#registry, target, body, context))
          return asType<T>(await createObject(this.#registry, target, body, context))
        case 'binding':
          await bindPod(this.#registry, target, body, context)
          return object
        case 'eviction':
          await evictPod(this.#registry, target, body, context)
          return object
        case 'token':
          return asType<T>(await requestToken(this.#registry, target, body, context))
        default:
          throw notImplemented(target.kind, target.subresource)
      }
    })
  }

  update<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#run(options.signal, async () => {
      const { target, context } = this.#call(resource, 'update', placeOf(object, options))
      const body = copyOf(object)
      switch (target.subresource) {
        case '':
        case 'status':
        case 'approval':
          return asType<T>((await updateObject(this.#registry, target, body, context)).entry)
        case 'scale':
          return asType<T>(await updateScale(this.#registry, target, body, context))
        case 'finalize':
          return asType<T>(await finalizeNamespace(this.#registry, target, body, context))
        default:
          throw notImplemented(target.kind, target.subresource)
      }
    })
  }

  patch<T extends KubeObject>(resource: Resource<T>, name: string, patch: unknown, options: PatchOptions): Promise<T> {
    return this.#run(options.signal, async () => {
      const { target, context } = this.#call(resource, 'patch', { ...options, name })
      const { type, force = false } = options
      const value = copyOf(patch)
      switch (target.subresource) {
        case '':
        case 'status':
          return asType<T>((await patchObject(this.#registry, target, { type, value, force }, context)).entry)
        case 'scale':
          return asType<T>(await patchScale(this.#registry, target, { type, value }, context))
        default:
          throw notImplemented(target.kind, target.subresource)
      }
    })
  }

  delete<T extends KubeObject>(resource: Resource<T>, name: string, options: DeleteOptions = {}): Promise<void> {
    return this.#run(options.signal, async () => {
      const { target, context } = this.#call(resource, 'delete', { ...where(options), name })
      await deleteObject(this.#registry, target, options, context)
    })
  }
}

const where = ({ namespace }: { namespace?: string }): { namespace?: string } =>
  namespace === undefined ? {} : { namespace }

const selected = ({ namespace, fieldSelector }: ListOptions): { namespace?: string; fieldSelector?: string } => ({
  ...(namespace === undefined ? {} : { namespace }),
  ...(fieldSelector === undefined ? {} : { fieldSelector }),
})

/** Namespace and name from the options, else from the object itself. */
const placeOf = (object: KubeObject, options: WriteOptions): WriteOptions => ({
  ...options,
  namespace: options.namespace ?? object.metadata?.namespace ?? '',
  name: options.name ?? object.metadata?.name ?? '',
})
