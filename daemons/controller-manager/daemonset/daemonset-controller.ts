import type { DaemonSet, DaemonSetStatus } from 'kubernetes-types/apps/v1.js'
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { messageOf } from '../../../kube/errors.ts'
import { objectKey } from '../../../kube/object.ts'
import { daemonSets, nodes, pods } from '../../../kube/resources.ts'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import { claimPods } from '../claim-pods.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { Expectations } from '../expectations.ts'
import { ControllerHistory, type History } from '../history/controller-history.ts'
import { pastLimit, revisionHashLabel } from '../history/controller-revision.ts'
import { controllerOf, isDeleting } from '../owner.ts'
import { isTerminatingNamespace, slowStart } from '../pod-creation.ts'
import { isPodAvailable, isPodReady } from '../pod-state.ts'
import { applyWrite, deleteWrite, updateWrite } from '../write.ts'
import { daemonPod } from './daemon-node.ts'
import { planDaemonSet, viewNodes, type DaemonInput, type DaemonPlan } from './daemonset-plan.ts'
import { daemonSetStatus } from './daemonset-status.ts'
import { FailedPodBackoff } from './failed-pod-backoff.ts'

/** Upstream's: no more than this many pods are made or deleted in one pass. */
const burst = 250

/** What of a node says where daemons run. */
const placing = ({ metadata, spec }: Node): unknown => [metadata?.labels, spec?.taints, spec?.unschedulable]

class DaemonSetController {
  readonly #context: ControllerContext
  readonly #expectations: Expectations
  readonly #history: ControllerHistory
  readonly #backoff: FailedPodBackoff
  readonly #recorder

  constructor(context: ControllerContext) {
    this.#context = context
    this.#expectations = new Expectations(context.clock)
    this.#history = new ControllerHistory(context, daemonSets, revisionHashLabel)
    this.#backoff = new FailedPodBackoff(context.clock)
    this.#recorder = context.recorder('daemonset-controller')
  }

  start(): void {
    const { informers } = this.#context
    const sets = informers.of(daemonSets)
    const queue = this.#context.startQueue('daemonset', 2, async key => {
      const again = await this.#sync(key)
      if (again !== undefined) queue.addAfter(key, again)
    })
    const enqueue = (set: DaemonSet): void => queue.add(objectKey(set))
    sets.subscribe({
      added: enqueue,
      updated: enqueue,
      deleted: set => {
        this.#expectations.forget(objectKey(set))
        this.#backoff.forget(set.metadata?.uid ?? '')
      },
    })
    const enqueueOwners = (pod: Pod): void => {
      const owner = this.#ownerOf(pod)
      if (owner !== undefined) enqueue(owner)
      else if (controllerOf(pod) === undefined)
        for (const set of sets.byIndex('namespace', pod.metadata?.namespace ?? ''))
          if (matchLabelSelector(set.spec?.selector, pod.metadata?.labels)) enqueue(set)
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
    const enqueueAll = (): void => sets.list().forEach(enqueue)
    informers.of(nodes).subscribe({
      added: enqueueAll,
      updated: (node, old) => {
        if (!isDeepStrictEqual(placing(node), placing(old))) enqueueAll()
      },
      deleted: enqueueAll,
    })
  }

  #ownerOf(pod: Pod): DaemonSet | undefined {
    const owner = controllerOf(pod)
    if (owner?.kind !== 'DaemonSet') return undefined
    const set = this.#context.informers.of(daemonSets).get(`${pod.metadata?.namespace}/${owner.name}`)
    return set?.metadata?.uid === owner.uid ? set : undefined
  }

  async #sync(key: string): Promise<number | undefined> {
    const { informers, clock } = this.#context
    const daemonSet = informers.of(daemonSets).get(key)
    if (daemonSet === undefined || isDeleting(daemonSet)) return undefined
    const { matchLabels = {}, matchExpressions = [] } = daemonSet.spec?.selector ?? {}
    if (Object.keys(matchLabels).length + matchExpressions.length === 0) {
      const message = 'This daemon set is selecting all pods. A non-empty selector is required.'
      this.#recorder.event(daemonSet, 'Warning', 'SelectingAll', message)
      return undefined
    }
    const history = await this.#history.keep(daemonSet, daemonSet.spec?.selector)
    const uid = daemonSet.metadata?.uid ?? ''
    const input: DaemonInput = {
      daemonSet,
      nodes: informers.of(nodes).list(),
      pods: await this.#claimPods(daemonSet),
      hash: history.current.metadata?.labels?.[revisionHashLabel] ?? '',
      nowMs: clock.now(),
      failedWait: node => this.#backoff.left(uid, node),
    }
    const views = viewNodes(input)
    const settled = this.#expectations.satisfied(key)
    const plan = settled ? planDaemonSet(input, views) : undefined
    if (plan !== undefined) {
      for (const node of plan.failedOn) this.#backoff.next(uid, node)
      for (const [type, reason, message] of plan.events) this.#recorder.event(daemonSet, type, reason, message)
      await this.#carryOut(daemonSet, input.hash, plan)
      await this.#trimHistory(daemonSet, history, input.pods)
    }
    const { collisionCount } = history
    await this.#writeStatus(daemonSet, daemonSetStatus(input, views, { collisionCount, settled }))
    return plan?.againMs ?? this.#nextAvailability(input)
  }

  /** A pod becomes available by time alone once it is ready; nothing will tell us when. */
  #nextAvailability({ daemonSet, pods: owned, nowMs }: DaemonInput): number | undefined {
    const seconds = daemonSet.spec?.minReadySeconds ?? 0
    const waits = owned.some(pod => isPodReady(pod) && !isPodAvailable(pod, seconds, nowMs))
    return waits ? seconds * 1000 : undefined
  }

  async #writeStatus(daemonSet: DaemonSet, status: DaemonSetStatus): Promise<void> {
    if (isDeepStrictEqual(status, daemonSet.status)) return
    const { client, signal } = this.#context
    await applyWrite(client, updateWrite(daemonSets, { ...daemonSet, status }, 'status'), signal)
  }

  async #trimHistory(daemonSet: DaemonSet, { old }: History, owned: readonly Pod[]): Promise<void> {
    const live = new Set(owned.map(pod => pod.metadata?.labels?.[revisionHashLabel]))
    await this.#history.remove(
      pastLimit(daemonSet, old, ({ metadata }) => live.has(metadata?.labels?.[revisionHashLabel])),
    )
  }

  async #carryOut(daemonSet: DaemonSet, hash: string, plan: DaemonPlan): Promise<void> {
    const key = objectKey(daemonSet)
    const create = plan.create.slice(0, burst)
    const doomed = plan.delete.slice(0, burst)
    if (create.length + doomed.length === 0) return
    this.#expectations.expect(key, create.length, doomed.map(objectKey))
    const made = await slowStart(create, node => this.#createPod(daemonSet, node, hash))
    for (let i = made.done; i < create.length; i++) this.#expectations.creationSeen(key)
    const results = await Promise.allSettled(doomed.map(pod => this.#deletePod(daemonSet, pod)))
    if (made.error !== undefined && !isTerminatingNamespace(made.error)) throw made.error
    const failed = results.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async #createPod(daemonSet: DaemonSet, node: string, hash: string): Promise<void> {
    const { client, signal } = this.#context
    try {
      const made = await client.create(pods, daemonPod(daemonSet, node, hash), { signal })
      this.#recorder.event(daemonSet, 'Normal', 'SuccessfulCreate', `Created pod: ${made.metadata?.name}`)
    } catch (error) {
      if (!isTerminatingNamespace(error))
        this.#recorder.event(daemonSet, 'Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`)
      throw error
    }
  }

  async #deletePod(daemonSet: DaemonSet, pod: Pod): Promise<void> {
    try {
      await applyWrite(this.#context.client, deleteWrite(pods, pod), this.#context.signal)
      this.#recorder.event(daemonSet, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata?.name}`)
    } catch (error) {
      this.#expectations.deletionSeen(objectKey(daemonSet), objectKey(pod))
      this.#recorder.event(daemonSet, 'Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`)
      throw error
    }
  }

  #claimPods(daemonSet: DaemonSet): Promise<Pod[]> {
    const selected = (pod: Pod) => matchLabelSelector(daemonSet.spec?.selector, pod.metadata?.labels)
    return claimPods(this.#context, daemonSet, { resource: daemonSets, selected })
  }
}

export const startDaemonSetController: StartController = context => new DaemonSetController(context).start()
