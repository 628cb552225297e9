import type { Namespace } from 'kubernetes-types/core/v1.js'
import { messageOf } from '../../../kube/errors.ts'
import type { KubeObject } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'
import { events, namespaces, pods } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { isDeleting } from '../owner.ts'
import { applyWrite, deleteWrite, updateWrite } from '../write.ts'
import { countRemaining, namespaceStatus } from './namespace-status.ts'

const finalizer = 'kubernetes'
/** Content whose informer we do not have, or whose last event was lost, is looked for again after this. */
const recheckMs = 15_000

interface Content {
  resource: Resource<KubeObject>
  objects: KubeObject[]
}

class NamespaceController {
  readonly #context: ControllerContext

  constructor(context: ControllerContext) {
    this.#context = context
  }

  /** The custom ones come and go. */
  get #resources(): readonly Resource<KubeObject>[] {
    const { resources, customResources } = this.#context
    return [...resources, ...customResources.all].filter(resource => resource.namespaced)
  }

  start(): void {
    const { informers, resources, customResources } = this.#context
    const queue = this.#context.startQueue('namespace', 10, async name => {
      if (await this.#sync(name)) queue.addAfter(name, recheckMs)
    })
    const enqueue = (namespace: Namespace): void => {
      if (isDeleting(namespace)) queue.add(namespace.metadata?.name ?? '')
    }
    informers.of(namespaces).subscribe({ added: enqueue, updated: enqueue })
    // The last object to go lets the namespace go: no waiting for the next look.
    // Events are too many to keep, and are gone as soon as they are deleted.
    const deleted = (object: KubeObject): void => {
      const namespace = informers.of(namespaces).get(object.metadata?.namespace ?? '')
      if (namespace !== undefined) enqueue(namespace)
    }
    for (const resource of resources.filter(one => one.namespaced && one.plural !== events.plural))
      informers.of(resource).subscribe({ deleted })
    customResources.subscribe({ added: (_, informer) => informer.subscribe({ deleted }), removed: () => {} })
  }

  /** True when content remains. */
  async #sync(name: string): Promise<boolean> {
    const { informers, clock } = this.#context
    const namespace = informers.of(namespaces).get(name)
    if (namespace === undefined || !isDeleting(namespace)) return false
    if (!(namespace.spec?.finalizers ?? []).includes(finalizer)) return false
    let failure: string | undefined
    let cause: unknown
    const content = await this.#deleteContent(name).catch((error: unknown) => {
      cause = error
      failure = messageOf(error)
      return this.#list(name, this.#resources)
    })
    const status = namespaceStatus(namespace, countRemaining(content, failure), clock.now())
    let latest = namespace
    if (status !== undefined) latest = (await this.#write({ ...namespace, status }, 'status')) ?? latest
    if (cause !== undefined) throw cause
    if (content.some(({ objects }) => objects.length > 0)) return true
    const finalizers = (latest.spec?.finalizers ?? []).filter(one => one !== finalizer)
    await this.#write({ ...latest, spec: { ...latest.spec, finalizers } }, 'finalize')
    return false
  }

  async #write(namespace: Namespace, subresource: string): Promise<Namespace | undefined> {
    try {
      const write = updateWrite(namespaces, namespace, subresource)
      return (await applyWrite(this.#context.client, write, this.#context.signal)) as Namespace
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined
      throw error
    }
  }

  /** Deletes what is there and gives what is left. Pods go first (KEP-5080): what they need stays until they are gone. */
  async #deleteContent(namespace: string): Promise<Content[]> {
    const isPods = (resource: Resource<unknown>) => resource.group === pods.group && resource.plural === pods.plural
    const podResources = this.#resources.filter(isPods)
    const remainingPods = await this.#deleteAll(namespace, podResources)
    const others = this.#resources.filter(resource => !isPods(resource))
    if (remainingPods.some(({ objects }) => objects.length > 0))
      return [...remainingPods, ...(await this.#list(namespace, others))]
    return this.#deleteAll(namespace, others)
  }

  async #deleteAll(namespace: string, resources: readonly Resource<KubeObject>[]): Promise<Content[]> {
    const { client, signal } = this.#context
    for (const { resource, objects } of await this.#list(namespace, resources))
      await Promise.all(
        objects
          .filter(object => !isDeleting(object))
          .map(object =>
            applyWrite(client, deleteWrite(resource, object, { propagationPolicy: 'Background' }), signal),
          ),
      )
    return this.#list(namespace, resources)
  }

  /** Asked of the API, not of the informers: the namespace must not go while anything is in it. */
  async #list(namespace: string, resources: readonly Resource<KubeObject>[]): Promise<Content[]> {
    const { client, signal } = this.#context
    return Promise.all(
      resources.map(async resource => {
        const objects = await client
          .list(resource, { namespace, signal })
          .then(list => list.items)
          // A kind that this server does not serve holds nothing.
          .catch((error: unknown) => {
            if (hasReason(error, 'NotFound', 'MethodNotAllowed')) return []
            throw error
          })
        return { resource, objects }
      }),
    )
  }
}

export const startNamespaceController: StartController = context => new NamespaceController(context).start()
