import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { objectKey } from '../../../kube/object.ts'
import { leases, nodes, pods } from '../../../kube/resources.ts'
import { timestamp, type ControllerContext, type StartController } from '../controller-context.ts'
import { isPodReady } from '../pod-state.ts'
import { applyWrite, deleteWrite, patchWrite } from '../write.ts'
import { evictingTaints, evictionTime } from './eviction-plan.ts'
import { isNodeReady, observe, silentConditions, type Health } from './node-health.ts'
import { planTaints } from './node-taints.ts'

class NodeLifecycleController {
  readonly #context: ControllerContext
  readonly #health = new Map<string, Health>()

  constructor(context: ControllerContext) {
    this.#context = context
  }

  start(): void {
    const { informers } = this.#context
    const recorder = this.#context.recorder('node-controller')
    const queue = this.#context.startQueue('node_lifecycle', 4, name => this.#syncNode(name))
    // Whether pods may be driven away depends on all nodes, so a change of readiness concerns each of them.
    const enqueueAll = (): void => {
      for (const node of informers.of(nodes).list()) queue.add(objectKey(node))
    }
    informers.of(nodes).subscribe({
      added: enqueueAll,
      updated: (node, old) => {
        if (isNodeReady(old) && !isNodeReady(node))
          recorder.event(node, 'Normal', 'NodeNotReady', `Node ${node.metadata?.name} status is now: NodeNotReady`)
        if (isNodeReady(old) !== isNodeReady(node)) enqueueAll()
        else queue.add(objectKey(node))
      },
      deleted: node => {
        this.#health.delete(objectKey(node))
        enqueueAll()
      },
    })
    // Made here, so that the loop below finds it synced.
    informers.of(leases)
    this.#context.runWhenSynced('node lifecycle', () => this.#watchOver())
  }

  /** The one loop that looks at the clock: that a node says nothing is no event. */
  async #watchOver(): Promise<void> {
    const { clock, signal, options } = this.#context
    while (!signal.aborted) {
      await this.#lookAtAll()
      await clock.sleep(options.nodeMonitorPeriod, signal).catch(() => {})
    }
  }

  async #lookAtAll(): Promise<void> {
    const { informers, clock, client, signal, options } = this.#context
    const limits = { graceMs: options.nodeMonitorGracePeriod, startupGraceMs: options.nodeStartupGracePeriod }
    for (const node of informers.of(nodes).list()) {
      const name = objectKey(node)
      const lease = informers.of(leases).get(`kube-node-lease/${name}`)
      const health = observe(this.#health.get(name), node, lease, clock.now())
      this.#health.set(name, health)
      const conditions = silentConditions(node, health, limits, clock.now())
      if (conditions === undefined) continue
      const { resourceVersion } = node.metadata ?? {}
      const patch = { metadata: { resourceVersion }, status: { conditions } }
      // A conflict is a sign of life, and any other failure is tried again at the next look.
      await applyWrite(client, patchWrite(nodes, node, patch, 'status'), signal).catch(() => {})
    }
  }

  async #syncNode(name: string): Promise<void> {
    const { informers, client, clock, signal } = this.#context
    const node = informers.of(nodes).get(name)
    if (node === undefined || node.metadata?.deletionTimestamp !== undefined) return
    const mayEvict = informers.of(nodes).list().some(isNodeReady)
    const taints = planTaints(node, mayEvict, clock.now())
    if (taints !== undefined) {
      const { resourceVersion } = node.metadata ?? {}
      await applyWrite(client, patchWrite(nodes, node, { metadata: { resourceVersion }, spec: { taints } }), signal)
    }
    if (isUnreachable(node)) for (const pod of informers.of(pods).byIndex('node', name)) await this.#markNotReady(pod)
  }

  /** Nobody is there to say so: its endpoints must not get traffic any more. */
  async #markNotReady(pod: Pod): Promise<void> {
    if (!isPodReady(pod)) return
    const { client, clock, signal } = this.#context
    const lastTransitionTime = timestamp(clock.now())
    const conditions = (pod.status?.conditions ?? []).map(condition =>
      condition.type === 'Ready'
        ? { ...condition, status: 'False', reason: 'NodeNotReady', lastTransitionTime }
        : condition,
    )
    const { resourceVersion } = pod.metadata ?? {}
    const patch = { metadata: { resourceVersion }, status: { conditions } }
    await applyWrite(client, patchWrite(pods, pod, patch, 'status'), signal)
  }
}

const isUnreachable = (node: Node): boolean =>
  node.status?.conditions?.some(condition => condition.type === 'Ready' && condition.status === 'Unknown') === true

/** Tells silent nodes from living ones, by their Leases and heartbeats, and taints them by their conditions. */
export const startNodeLifecycleController: StartController = context => new NodeLifecycleController(context).start()

/** Deletes pods from nodes with NoExecute taints that they do not tolerate, or no longer. */
export const startTaintEvictionController: StartController = context => {
  const { informers, client, clock, signal } = context
  const recorder = context.recorder('taint-eviction-controller')
  const since = new Map<string, { uid: string | undefined; ms: number }>()
  const queue = context.startQueue('taint_eviction', 4, async key => {
    const pod = informers.of(pods).get(key)
    if (pod === undefined || pod.metadata?.deletionTimestamp !== undefined) return void since.delete(key)
    const taints = evictingTaints(informers.of(nodes).get(pod.spec?.nodeName ?? '')?.spec?.taints)
    // kubectl's taints do not say when they were added: time runs from the first look at them.
    const seen = since.get(key)
    const sinceMs = seen !== undefined && seen.uid === pod.metadata?.uid ? seen.ms : clock.now()
    const at = evictionTime(pod, taints, sinceMs)
    if (at === undefined) return void since.delete(key)
    since.set(key, { uid: pod.metadata?.uid, ms: sinceMs })
    if (at > clock.now()) return queue.addAfter(key, at - clock.now())
    recorder.event(pod, 'Normal', 'TaintManagerEviction', `Marking for deletion Pod ${key}`)
    await applyWrite(client, patchWrite(pods, pod, evictedStatus(pod, clock.now()), 'status'), signal)
    await applyWrite(client, deleteWrite(pods, pod), signal)
  })
  const enqueueNode = (node: Node): void => {
    for (const pod of informers.of(pods).byIndex('node', node.metadata?.name ?? '')) queue.add(objectKey(pod))
  }
  informers.of(nodes).subscribe({
    added: enqueueNode,
    updated: (node, old) => {
      if (!isDeepStrictEqual(evictingTaints(node.spec?.taints), evictingTaints(old.spec?.taints))) enqueueNode(node)
    },
  })
  const enqueuePod = (pod: Pod): void => {
    const node = informers.of(nodes).get(pod.spec?.nodeName ?? '')
    if (evictingTaints(node?.spec?.taints).length > 0) queue.add(objectKey(pod))
  }
  informers.of(pods).subscribe({
    added: enqueuePod,
    updated: (pod, old) => {
      const moved = pod.spec?.nodeName !== old.spec?.nodeName
      if (moved || !isDeepStrictEqual(pod.spec?.tolerations, old.spec?.tolerations)) enqueuePod(pod)
    },
    deleted: pod => since.delete(objectKey(pod)),
  })
}

const evictedStatus = (pod: Pod, nowMs: number) => ({
  status: {
    conditions: [
      ...(pod.status?.conditions ?? []).filter(condition => condition.type !== 'DisruptionTarget'),
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByTaintManager',
        message: 'Taint manager: deleting due to NoExecute taint',
        lastTransitionTime: timestamp(nowMs),
      },
    ],
  },
})
