import type { Binding, Namespace, Node, Pod, PodCondition } from 'kubernetes-types/core/v1.js'
import type { KubeClient } from '../../kube/client/client.ts'
import type { EventRecorder } from '../../kube/client/event-recorder.ts'
import type { Informer } from '../../kube/client/informer.ts'
import type { Clock } from '../../kube/clock.ts'
import { messageOf } from '../../kube/errors.ts'
import { objectKey } from '../../kube/object.ts'
import { pods as podResource } from '../../kube/resources.ts'
import type { Resource } from '../../kube/resource.ts'
import { hasReason } from '../../kube/status.ts'
import { Cluster } from './framework/cluster.ts'
import { nodeChange, podFate } from './framework/cluster-events.ts'
import { podInfoOf, type PodInfo } from './framework/pod-info.ts'
import { schedulePod, type Decision, type Profile } from './framework/schedule-pod.ts'
import type { SchedulerMetrics } from './metrics.ts'
import { SchedulingQueue, type QueuedPod } from './scheduling-queue.ts'

export interface SchedulerOptions {
  client: KubeClient
  clock: Clock
  signal: AbortSignal
  informers: { pods: Informer<Pod>; nodes: Informer<Node>; namespaces: Informer<Namespace> }
  recorder: Pick<EventRecorder, 'event'>
  profiles: readonly Profile[]
  metrics: SchedulerMetrics
  initialBackoffMs: number
  maxBackoffMs: number
  /** Bindings under way at once. */
  parallelism: number
  random(): number
  /** Told of what went wrong with a pod; the pod is tried again. */
  onError(error: unknown, pod: string): void
}

/** A Binding is created at the path of its pod. */
const podBindings: Resource<Binding> = { group: '', version: 'v1', kind: 'Pod', plural: 'pods', namespaced: true }
/** After this long without a pause, pending I/O gets its turn. */
const SLICE_MS = 10

/**
 * Takes pods from the queue one by one, decides, counts the pod on its node at once, and binds beside the loop.
 * Decisions are made by schedulePod; this class performs them.
 */
export class Scheduler {
  readonly queue: SchedulingQueue
  readonly #options: SchedulerOptions
  readonly #cluster: Cluster
  readonly #profiles: Map<string, Profile>
  #binding = 0
  #freed: (() => void) | undefined
  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#cluster = new Cluster(name => options.informers.namespaces.get(name))
    this.#profiles = new Map(options.profiles.map(profile => [profile.schedulerName, profile]))
    const movedBy = new Map(options.profiles.flatMap(p => p.filters).map(plugin => [plugin.name, plugin.movedBy]))
    this.queue = new SchedulingQueue({
      clock: options.clock,
      signal: options.signal,
      initialBackoffMs: options.initialBackoffMs,
      maxBackoffMs: options.maxBackoffMs,
      movedBy: plugin => movedBy.get(plugin) ?? [],
      onIncoming: (queue, event) => options.metrics.incoming(queue, event),
    })
    options.metrics.watchQueue(this.queue)
  }

  /** Runs until the signal aborts. The informers must have been started. */
  async run(): Promise<void> {
    const { informers, signal } = this.#options
    await Promise.all([informers.nodes.synced, informers.pods.synced, informers.namespaces.synced])
    this.#follow()
    let sliceStart = performance.now()
    while (!signal.aborted) {
      const item = await this.queue.pop()
      if (this.#binding >= this.#options.parallelism) await new Promise<void>(resolve => (this.#freed = resolve))
      this.#attempt(item)
      if (performance.now() - sliceStart > SLICE_MS) {
        await new Promise(resolve => setImmediate(resolve))
        sliceStart = performance.now()
      }
    }
  }

  /** Nodes first, so that the first pod finds them. */
  #follow(): void {
    const { nodes, pods } = this.#options.informers
    nodes.subscribe({
      added: node => {
        this.#cluster.setNode(node)
        this.queue.moved('node-added')
      },
      updated: (node, old) => {
        this.#cluster.setNode(node)
        if (nodeChange(old, node)) this.queue.moved('node-changed')
      },
      deleted: node => this.#cluster.removeNode(node.metadata?.name ?? ''),
    })
    pods.subscribe({
      added: pod => this.#podSeen(pod),
      updated: pod => this.#podSeen(pod),
      deleted: pod => this.#podGone(pod),
    })
  }

  #podSeen(pod: Pod): void {
    const key = objectKey(pod)
    switch (podFate(pod)) {
      case 'over':
        return this.#podGone(pod)
      case 'assigned':
        this.queue.delete(key)
        this.#countPod(pod)
        return this.queue.moved('pod-assigned')
      case 'waiting':
        if (this.#cluster.isAssumed(key)) return
        if (this.#profiles.has(pod.spec?.schedulerName ?? 'default-scheduler')) this.queue.set(pod)
        return
      case 'leaving':
        return this.queue.delete(key)
    }
  }

  /** A bound pod that cannot be read is still there: it must not stop the informer, but is worth a line. */
  #countPod(pod: Pod): void {
    try {
      this.#cluster.setPod(pod)
    } catch (error) {
      this.#options.onError(error, objectKey(pod))
    }
  }

  #podGone(pod: Pod): void {
    this.queue.delete(objectKey(pod))
    this.#cluster.removePod(pod)
    if (pod.spec?.nodeName) this.queue.moved('pod-removed')
  }

  #attempt(item: QueuedPod): void {
    const { informers, metrics, random } = this.#options
    const startedAt = performance.now()
    // It may have changed or gone while it waited.
    const pod = informers.pods.get(item.key)
    if (pod === undefined || podFate(pod) !== 'waiting') return this.queue.done(item.key)
    item.pod = pod
    const profile = this.#profiles.get(pod.spec?.schedulerName ?? 'default-scheduler')
    if (profile === undefined) return this.queue.done(item.key)
    let info: PodInfo
    let decision: Decision
    try {
      info = podInfoOf(pod)
      decision = schedulePod(info, this.#cluster, profile, random)
    } catch (error) {
      metrics.attempt('error', profile.schedulerName, (performance.now() - startedAt) / 1000)
      this.#failed(item, error)
      return
    }
    if (decision.kind === 'refuse') {
      metrics.attempt('unschedulable', profile.schedulerName, (performance.now() - startedAt) / 1000)
      this.queue.refused(item, decision.plugins)
      this.#tellUnschedulable(pod, 'Unschedulable', decision.message)
      return
    }
    const node = decision.node
    this.#cluster.assume(info, node)
    this.#binding++
    this.#bind(item, node, startedAt)
      .catch((error: unknown) => this.#bindFailed(item, profile, startedAt, error))
      .finally(() => {
        this.#binding--
        this.#freed?.()
        this.#freed = undefined
      })
  }

  async #bind(item: QueuedPod, node: string, startedAt: number): Promise<void> {
    const { client, clock, metrics, recorder, signal } = this.#options
    const { name = '', namespace = '', uid } = item.pod.metadata ?? {}
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, ...(uid === undefined ? {} : { uid }) },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    }
    await client.create(podBindings, binding, { name, namespace, subresource: 'binding', signal })
    this.queue.done(item.key)
    metrics.attempt(
      'scheduled',
      item.pod.spec?.schedulerName ?? 'default-scheduler',
      (performance.now() - startedAt) / 1000,
    )
    metrics.scheduled(item.attempts, (clock.now() - item.addedAtMs) / 1000)
    recorder.event(asPod(item.pod), 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`)
  }

  #bindFailed(item: QueuedPod, profile: Profile, startedAt: number, error: unknown): void {
    this.#cluster.forget(item.key)
    if (this.#options.signal.aborted) return
    this.#options.metrics.attempt('error', profile.schedulerName, (performance.now() - startedAt) / 1000)
    const now = this.#options.informers.pods.get(item.key)
    // Gone, replaced by another of its name, or bound by somebody else.
    if (now === undefined || now.metadata?.uid !== item.pod.metadata?.uid || podFate(now) !== 'waiting') {
      this.queue.done(item.key)
      if (now !== undefined) this.#podSeen(now)
      return
    }
    // Not found, and the informer has not heard of it yet: its back-off gives it the time.
    this.#failed(item, error)
    this.queue.moved('pod-removed')
  }

  #failed(item: QueuedPod, error: unknown): void {
    this.queue.failed(item)
    this.#options.onError(error, item.key)
    this.#tellUnschedulable(item.pod, 'SchedulerError', messageOf(error))
  }

  #tellUnschedulable(pod: Pod, reason: 'Unschedulable' | 'SchedulerError', message: string): void {
    const { client, clock, recorder, signal, onError } = this.#options
    recorder.event(asPod(pod), 'Warning', 'FailedScheduling', message)
    const conditions = withCondition(pod, { type: 'PodScheduled', status: 'False', reason, message }, clock.now())
    if (conditions === undefined) return
    const { name = '', namespace = '', uid } = pod.metadata ?? {}
    client
      // The uid makes the write fail on a new pod of the same name.
      .patch(
        podResource,
        name,
        { metadata: { uid }, status: { conditions } },
        { namespace, subresource: 'status', type: 'merge', signal },
      )
      .catch((error: unknown) => {
        if (!signal.aborted && !hasReason(error, 'NotFound', 'Conflict')) onError(error, objectKey(pod))
      })
  }
}

/** What lists return need not say what it is; events must. */
const asPod = (pod: Pod): Pod => ({ ...pod, apiVersion: 'v1', kind: 'Pod' })

/** The pod's conditions with this one in place; undefined when it already says so. */
export const withCondition = (pod: Pod, condition: PodCondition, nowMs: number): PodCondition[] | undefined => {
  const old = pod.status?.conditions ?? []
  const same = old.find(c => c.type === condition.type)
  if (same?.status === condition.status && same.reason === condition.reason && same.message === condition.message)
    return undefined
  const now = `${new Date(nowMs).toISOString().slice(0, 19)}Z`
  const lastTransitionTime = same?.status === condition.status ? (same.lastTransitionTime ?? now) : now
  return [...old.filter(c => c.type !== condition.type), { ...condition, lastTransitionTime }]
}
