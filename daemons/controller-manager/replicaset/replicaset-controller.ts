import type { ReplicaSet } from 'kubernetes-types/apps/v1.js'
import type { Pod, ReplicationController } from 'kubernetes-types/core/v1.js'
import { messageOf } from '../../../kube/errors.ts'
import { objectKey } from '../../../kube/object.ts'
import type { KubeObject } from '../../../kube/object.ts'
import { apiVersionOf, type Resource } from '../../../kube/resource.ts'
import { pods, replicaSets, replicationControllers } from '../../../kube/resources.ts'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import { hasReason } from '../../../kube/status.ts'
import { claimPods } from '../claim-pods.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { Expectations } from '../expectations.ts'
import { controllerOf, controllerReference, isDeleting } from '../owner.ts'
import { isTerminatingNamespace, slowStart } from '../pod-creation.ts'
import { isPodActive, isPodAvailable, isPodReady, podFromTemplate } from '../pod-state.ts'
import { applyWrite, updateWrite } from '../write.ts'
import { planReplicas, planReplicaSetStatus, type ReplicaFailure } from './replicaset-plan.ts'

/** A kind that keeps a number of pods running. All are taken for ReplicaSets, as upstream takes them. */
interface Flavor<T extends KubeObject> {
  resource: Resource<T>
  /** Of its queue, in metrics. */
  queue: string
  /** Who its events come from. */
  component: string
  asSet(object: T): ReplicaSet
}

class ReplicaSetController<T extends KubeObject> {
  readonly #context: ControllerContext
  readonly #flavor: Flavor<T>
  readonly #expectations: Expectations
  readonly #recorder

  constructor(context: ControllerContext, flavor: Flavor<T>) {
    this.#context = context
    this.#flavor = flavor
    this.#expectations = new Expectations(context.clock)
    this.#recorder = context.recorder(flavor.component)
  }

  start(): void {
    const { informers } = this.#context
    const { resource, asSet } = this.#flavor
    const sets = informers.of(resource)
    const queue = this.#context.startQueue(this.#flavor.queue, 5, async key => {
      const again = await this.#sync(key)
      if (again !== undefined) queue.addAfter(key, again)
    })
    sets.subscribe({
      added: set => queue.add(objectKey(set)),
      updated: set => queue.add(objectKey(set)),
      deleted: set => {
        this.#expectations.forget(objectKey(set))
        queue.add(objectKey(set))
      },
    })
    const enqueueOwners = (pod: Pod): void => {
      const owner = this.#ownerOf(pod)
      if (owner !== undefined) queue.add(objectKey(owner))
      else if (controllerOf(pod) === undefined)
        for (const set of sets.byIndex('namespace', pod.metadata?.namespace ?? ''))
          if (matchLabelSelector(asSet(set).spec?.selector, pod.metadata?.labels)) queue.add(objectKey(set))
    }
    const deletionSeen = (pod: Pod): void => {
      const owner = this.#ownerOf(pod)
      if (owner !== undefined) this.#expectations.deletionSeen(objectKey(owner), objectKey(pod))
    }
    informers.of(pods).subscribe({
      added: pod => {
        const owner = this.#ownerOf(pod)
        if (isDeleting(pod)) deletionSeen(pod)
        else if (owner !== undefined) this.#expectations.creationSeen(objectKey(owner))
        enqueueOwners(pod)
      },
      updated: (pod, old) => {
        if (isDeleting(pod)) deletionSeen(pod)
        if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) enqueueOwners(old)
        enqueueOwners(pod)
      },
      deleted: pod => {
        deletionSeen(pod)
        enqueueOwners(pod)
      },
    })
  }

  /** What controls the pod, if it is the one that made it and not a namesake. */
  #ownerOf(pod: Pod): T | undefined {
    const owner = controllerOf(pod)
    const { resource } = this.#flavor
    if (owner?.kind !== resource.kind) return undefined
    const found = this.#context.informers.of(resource).get(`${pod.metadata?.namespace}/${owner.name}`)
    return found?.metadata?.uid === owner.uid ? found : undefined
  }

  /** Gives the milliseconds after which to look again, when the time alone will change something. */
  async #sync(key: string): Promise<number | undefined> {
    const { informers, clock, client, signal } = this.#context
    const { resource, asSet } = this.#flavor
    const own = informers.of(resource).get(key)
    if (own === undefined) return undefined
    const set = asSet(own)
    const canManage = this.#expectations.satisfied(key)
    const active = await this.#claimPods(set)
    const now = clock.now()
    let failure: ReplicaFailure | undefined
    let failed: unknown
    if (canManage)
      try {
        await this.#manage(set, key, active)
      } catch (error) {
        failed = error
        const surplus = active.length > (set.spec?.replicas ?? 1)
        failure = { reason: surplus ? 'FailedDelete' : 'FailedCreate', message: messageOf(error) }
      }
    else failure = failureOf(set)
    const status = planReplicaSetStatus(set, active, failure, now)
    if (status !== undefined) await applyWrite(client, updateWrite(resource, { ...own, status }, 'status'), signal)
    if (failed !== undefined) throw failed
    return nextAvailability(set, active, now)
  }

  #claimPods(set: ReplicaSet): Promise<Pod[]> {
    const selected = (pod: Pod) => matchLabelSelector(set.spec?.selector, pod.metadata?.labels)
    return claimPods(this.#context, set, { resource: this.#flavor.resource, selected, considered: isPodActive })
  }

  async #manage(set: ReplicaSet, key: string, active: readonly Pod[]): Promise<void> {
    const plan = planReplicas(set, active, this.#siblings(set), this.#context.clock.now())
    switch (plan.kind) {
      case 'none':
        return
      case 'create':
        return this.#createPods(set, key, plan.count)
      case 'delete':
        return this.#deletePods(set, key, plan.pods)
    }
  }

  /** Active pods of every ReplicaSet under the same owner. */
  #siblings(set: ReplicaSet): Pod[] {
    const { informers } = this.#context
    const owner = controllerOf(set)
    const sets: readonly KubeObject[] =
      owner === undefined ? [set] : informers.of(this.#flavor.resource).byIndex('controller', owner.uid)
    return sets.flatMap(one => informers.of(pods).byIndex('controller', one.metadata?.uid ?? '')).filter(isPodActive)
  }

  async #createPods(set: ReplicaSet, key: string, count: number): Promise<void> {
    this.#expectations.expect(key, count)
    const { done, error } = await slowStart(Array.from({ length: count }), () => this.#createPod(set))
    for (let i = done; i < count; i++) this.#expectations.creationSeen(key)
    if (error !== undefined) throw error
  }

  /** The object as events refer to it. */
  #named({ metadata = {} }: ReplicaSet): KubeObject {
    const { resource } = this.#flavor
    return { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata }
  }

  async #createPod(set: ReplicaSet): Promise<void> {
    const { client, signal } = this.#context
    const pod = podFromTemplate(set.spec?.template, {
      namespace: set.metadata?.namespace ?? '',
      generateName: `${set.metadata?.name}-`,
      owner: controllerReference(set, this.#flavor.resource),
    })
    try {
      const made = await client.create(pods, pod, { signal })
      this.#recorder.event(this.#named(set), 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata?.name}`)
    } catch (error) {
      // Nothing will ever come of it, and the namespace controller takes the set away.
      if (isTerminatingNamespace(error)) return this.#expectations.creationSeen(objectKey(set))
      this.#recorder.event(this.#named(set), 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
      throw error
    }
  }

  async #deletePods(set: ReplicaSet, key: string, doomed: readonly Pod[]): Promise<void> {
    const { client, signal } = this.#context
    this.#expectations.expect(key, 0, doomed.map(objectKey))
    const results = await Promise.allSettled(
      doomed.map(async pod => {
        try {
          await client.delete(pods, pod.metadata?.name ?? '', {
            namespace: pod.metadata?.namespace ?? '',
            preconditions: { uid: pod.metadata?.uid ?? '' },
            signal,
          })
          this.#recorder.event(this.#named(set), 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata?.name}`)
        } catch (error) {
          this.#expectations.deletionSeen(key, objectKey(pod))
          if (hasReason(error, 'NotFound')) return
          this.#recorder.event(this.#named(set), 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
          throw error
        }
      }),
    )
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
}

/** The failure that stands in the status: kept while the set waits for what it asked for. */
const failureOf = (set: ReplicaSet): ReplicaFailure | undefined => {
  const known = set.status?.conditions?.find(condition => condition.type === 'ReplicaFailure')
  if (known?.reason !== 'FailedCreate' && known?.reason !== 'FailedDelete') return undefined
  return { reason: known.reason, message: known.message ?? '' }
}

/** A pod becomes available by time alone once it is ready; nothing will tell us when. */
const nextAvailability = (set: ReplicaSet, active: readonly Pod[], nowMs: number): number | undefined => {
  const minReadySeconds = set.spec?.minReadySeconds ?? 0
  const waiting = active.some(pod => isPodReady(pod) && !isPodAvailable(pod, minReadySeconds, nowMs))
  if (!waiting) return undefined
  const left = active
    .flatMap(pod => pod.status?.conditions?.find(condition => condition.type === 'Ready')?.lastTransitionTime ?? [])
    .map(time => Date.parse(time) + minReadySeconds * 1000 - nowMs)
    .filter(ms => ms > 0)
  return Math.max(1, Math.min(minReadySeconds * 1000, ...left))
}

export const startReplicaSetController: StartController = context =>
  new ReplicaSetController(context, {
    resource: replicaSets,
    queue: 'replicaset',
    component: 'replicaset-controller',
    asSet: set => set,
  }).start()

/** A ReplicationController selects by plain labels; all the rest is the same. */
const setOf = ({ metadata, spec = {}, status }: ReplicationController): ReplicaSet => ({
  ...(metadata === undefined ? {} : { metadata }),
  spec: { ...spec, selector: { matchLabels: spec.selector ?? {} } },
  ...(status === undefined ? {} : { status }),
})

export const startReplicationController: StartController = context =>
  new ReplicaSetController(context, {
    resource: replicationControllers,
    queue: 'replicationmanager',
    component: 'replication-controller',
    asSet: setOf,
  }).start()
