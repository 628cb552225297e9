import type { EventRecorder } from '../../../kube/client/event-recorder.ts'
import type { InformerHandler } from '../../../kube/client/informer.ts'
import type { WorkQueue } from '../../../kube/client/work-queue.ts'
import type { KubeObject, OwnerReference } from '../../../kube/object.ts'
import { apiVersionOf, type Resource } from '../../../kube/resource.ts'
import { events } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import { releasePatch } from '../claim.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { isDeleting } from '../owner.ts'
import { applyWrite, deleteWrite, patchWrite } from '../write.ts'
import { planCollect, planFinalize, type OwnerState } from './collect-plan.ts'
import { OwnerGraph, type GraphNode } from './owner-graph.ts'

const remembered = 4096

const finalizersOf = (object: KubeObject): readonly string[] => object.metadata?.finalizers ?? []

const waitsForDependents = (object: KubeObject): boolean =>
  isDeleting(object) && finalizersOf(object).includes('foregroundDeletion')

class GarbageCollector {
  readonly #context: ControllerContext
  readonly #graph = new OwnerGraph()
  readonly #recorder: EventRecorder
  /** Uids that the API said are not there: uids never come back. */
  readonly #absent = new Set<string>()
  #queue: WorkQueue | undefined

  constructor(context: ControllerContext) {
    this.#context = context
    this.#recorder = context.recorder('garbage-collector-controller')
  }

  start(): void {
    const { informers, resources, customResources } = this.#context
    this.#queue = this.#context.startQueue('garbage_collector', 10, uid => this.#sync(uid))
    // Events own nothing, are owned by nothing, and are many: upstream leaves them out too.
    for (const resource of resources.filter(one => one.plural !== events.plural))
      informers.of(resource).subscribe(this.#handlerOf(resource))
    customResources.subscribe({
      added: (resource, informer) => {
        informer.subscribe(this.#handlerOf(resource))
        // What is owned by such objects could not be judged until now.
        const judge = () => this.#graph.ownedBy(resource.kind, resource.group).forEach(uid => this.#enqueue(uid))
        informer.synced.then(judge, () => {})
      },
      removed: resource => {
        // Served in another version, or not at all: whether the objects are still there is for the API to say.
        for (const uid of this.#graph.uidsOf(resource)) {
          this.#graph.remove(uid)
          for (const dependent of this.#graph.dependentsOf(uid)) this.#enqueue(dependent.object.metadata?.uid ?? '')
        }
      },
    })
  }

  #handlerOf(resource: Resource<KubeObject>): InformerHandler<KubeObject> {
    return {
      added: object => this.#changed(resource, object, undefined),
      updated: (object, old) => this.#changed(resource, object, old),
      deleted: object => this.#gone(object),
    }
  }

  #enqueue(uid: string): void {
    this.#queue?.add(uid)
  }

  #changed(resource: Resource<KubeObject>, object: KubeObject, old: KubeObject | undefined): void {
    const uid = object.metadata?.uid ?? ''
    const owners = object.metadata?.ownerReferences ?? []
    // One that stopped holding back its owner's foreground deletion: the owner may be able to go now.
    for (const before of old?.metadata?.ownerReferences ?? [])
      if (!owners.some(owner => owner.uid === before.uid && owner.blockOwnerDeletion === before.blockOwnerDeletion))
        this.#enqueue(before.uid)
    this.#graph.put(resource, object)
    if (owners.length > 0 || isDeleting(object)) this.#enqueue(uid)
    if (waitsForDependents(object) && !(old !== undefined && waitsForDependents(old)))
      for (const dependent of this.#graph.dependentsOf(uid)) this.#enqueue(dependent.object.metadata?.uid ?? '')
  }

  #gone(object: KubeObject): void {
    const uid = object.metadata?.uid ?? ''
    this.#graph.remove(uid)
    this.#rememberAbsent(uid)
    for (const dependent of this.#graph.dependentsOf(uid)) this.#enqueue(dependent.object.metadata?.uid ?? '')
    for (const owner of object.metadata?.ownerReferences ?? []) this.#enqueue(owner.uid)
  }

  #rememberAbsent(uid: string): void {
    this.#absent.add(uid)
    if (this.#absent.size <= remembered) return
    const oldest = this.#absent.values().next().value
    if (oldest !== undefined) this.#absent.delete(oldest)
  }

  async #sync(uid: string): Promise<void> {
    const node = this.#graph.get(uid)
    if (node === undefined) return
    await this.#finalize(node)
    await this.#collect(node)
  }

  async #finalize(node: GraphNode): Promise<void> {
    const { object } = node
    const uid = object.metadata?.uid ?? ''
    const dependents = this.#graph.dependentsOf(uid)
    const blocking = dependents.filter(({ object: one }) =>
      one.metadata?.ownerReferences?.some(owner => owner.uid === uid && owner.blockOwnerDeletion === true),
    )
    switch (planFinalize({ isDeleting: isDeleting(object), finalizers: finalizersOf(object) }, blocking.length)) {
      case 'none':
        return
      case 'orphan-dependents':
        for (const dependent of dependents) await this.#patch(dependent, releasePatch(dependent.object, [uid]))
        return this.#removeFinalizer(node, 'orphan')
      case 'finish-foreground':
        return this.#removeFinalizer(node, 'foregroundDeletion')
      case 'delete-dependents':
        for (const dependent of dependents)
          if (!isDeleting(dependent.object)) this.#enqueue(dependent.object.metadata?.uid ?? '')
    }
  }

  async #removeFinalizer(node: GraphNode, name: string): Promise<void> {
    const { resourceVersion } = node.object.metadata ?? {}
    const left = finalizersOf(node.object).filter(finalizer => finalizer !== name)
    await this.#patch(node, { metadata: { resourceVersion, finalizers: left.length === 0 ? null : left } })
  }

  async #collect({ resource, object }: GraphNode): Promise<void> {
    const references = object.metadata?.ownerReferences ?? []
    if (isDeleting(object) || references.length === 0) return
    const states = await Promise.all(references.map(reference => this.#stateOf(resource, object, reference)))
    const uid = object.metadata?.uid ?? ''
    const plan = planCollect({
      isDeleting: false,
      finalizers: finalizersOf(object),
      owners: references.map((reference, i) => ({ reference, state: states[i] ?? 'solid' })),
      hasDependents: this.#graph.hasDependents(uid),
    })
    switch (plan.kind) {
      case 'none':
        return
      case 'release':
        return this.#patch({ resource, object }, releasePatch(object, plan.uids))
      case 'delete': {
        if (plan.unblock) await this.#unblockCircle({ resource, object })
        const write = deleteWrite(resource, object, { propagationPolicy: plan.policy })
        await applyWrite(this.#context.client, write, this.#context.signal)
      }
    }
  }

  /** Where a dependent waits for its own dependents too, neither side may hold the other back. */
  async #unblockCircle(node: GraphNode): Promise<void> {
    const dependents = this.#graph.dependentsOf(node.object.metadata?.uid ?? '')
    if (!dependents.some(dependent => waitsForDependents(dependent.object))) return
    const ownerReferences = (node.object.metadata?.ownerReferences ?? []).map(owner => ({
      ...owner,
      blockOwnerDeletion: false,
    }))
    await this.#patch(node, { metadata: { ownerReferences } })
  }

  /**
   * An owner is absent only when the API says so by its uid. An owner of a kind that is not known here cannot be
   * asked for, and is taken to stand: nothing is deleted on a guess.
   */
  async #stateOf(resource: Resource<KubeObject>, object: KubeObject, owner: OwnerReference): Promise<OwnerState> {
    const known = this.#graph.get(owner.uid)
    const namespace = object.metadata?.namespace ?? ''
    const ownerResource = known?.resource ?? this.#resourceOf(owner)
    if (ownerResource === undefined) return 'solid'
    if (ownerResource.namespaced && !resource.namespaced) {
      this.#reportNamespace(object, owner)
      return 'solid'
    }
    if (known !== undefined) {
      if (!ownerResource.namespaced || known.object.metadata?.namespace === namespace)
        return waitsForDependents(known.object) ? 'waiting' : 'solid'
      // In another namespace nothing can own it: to this object the owner does not exist.
      this.#reportNamespace(object, owner)
      return 'absent'
    }
    if (this.#absent.has(owner.uid)) return 'absent'
    return this.#ask(ownerResource, namespace, owner)
  }

  async #ask(resource: Resource<KubeObject>, namespace: string, owner: OwnerReference): Promise<OwnerState> {
    const { client, signal } = this.#context
    try {
      const where = resource.namespaced ? { namespace, signal } : { signal }
      const live = await client.get(resource, owner.name, where)
      if (live.metadata?.uid === owner.uid) return waitsForDependents(live) ? 'waiting' : 'solid'
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
    this.#rememberAbsent(owner.uid)
    return 'absent'
  }

  #resourceOf(owner: OwnerReference): Resource<KubeObject> | undefined {
    const group = owner.apiVersion.includes('/') ? (owner.apiVersion.split('/')[0] ?? '') : ''
    const { resources, customResources } = this.#context
    const candidates = [...resources, ...customResources.all].filter(
      one => one.group === group && one.kind === owner.kind,
    )
    return candidates.find(one => apiVersionOf(one) === owner.apiVersion) ?? candidates[0]
  }

  #reportNamespace(object: KubeObject, owner: OwnerReference): void {
    const message = `the owner ${owner.kind} ${owner.name} (uid ${owner.uid}) is not in a namespace that can own this object`
    this.#recorder.event(object, 'Warning', 'OwnerRefInvalidNamespace', message)
  }

  async #patch({ resource, object }: GraphNode, patch: unknown): Promise<void> {
    await applyWrite(this.#context.client, patchWrite(resource, object, patch), this.#context.signal)
  }
}

/** Deletes what has lost its owners, and carries out foreground and orphan deletion. */
export const startGarbageCollector: StartController = context => new GarbageCollector(context).start()
