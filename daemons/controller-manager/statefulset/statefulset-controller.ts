import type { StatefulSet, StatefulSetStatus } from 'kubernetes-types/apps/v1.js'
import type { PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { objectKey } from '../../../kube/object.ts'
import { persistentVolumeClaims, pods, statefulSets } from '../../../kube/resources.ts'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import { claimPods } from '../claim-pods.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { ControllerHistory, type History } from '../history/controller-history.ts'
import { pastLimit } from '../history/controller-revision.ts'
import { controllerOf } from '../owner.ts'
import { isPodAvailable, isPodReady } from '../pod-state.ts'
import { applyWrite, updateWrite } from '../write.ts'
import { ordinalOf, revisionOf } from './stateful-pod.ts'
import { StatefulWrites } from './stateful-writes.ts'
import { planStatefulSet, type StatefulInput } from './statefulset-plan.ts'
import { statefulSetStatus } from './statefulset-status.ts'

class StatefulSetController {
  readonly #context: ControllerContext
  readonly #history: ControllerHistory
  readonly #writes: StatefulWrites

  constructor(context: ControllerContext) {
    this.#context = context
    this.#history = new ControllerHistory(context, statefulSets, 'controller.kubernetes.io/hash')
    this.#writes = new StatefulWrites(context)
  }

  start(): void {
    const { informers } = this.#context
    const sets = informers.of(statefulSets)
    const queue = this.#context.startQueue('statefulset', 5, async key => {
      const again = await this.#sync(key)
      if (again !== undefined) queue.addAfter(key, again)
    })
    const enqueue = (set: StatefulSet): void => queue.add(objectKey(set))
    sets.subscribe({ added: enqueue, updated: enqueue, deleted: enqueue })
    const enqueueOwners = (pod: Pod): void => {
      const owner = this.#ownerOf(pod)
      if (owner !== undefined) enqueue(owner)
      else if (controllerOf(pod) === undefined)
        for (const set of sets.byIndex('namespace', pod.metadata?.namespace ?? ''))
          if (matchLabelSelector(set.spec?.selector, pod.metadata?.labels)) enqueue(set)
    }
    informers.of(pods).subscribe({
      added: enqueueOwners,
      updated: (pod, old) => {
        if (controllerOf(old)?.uid !== controllerOf(pod)?.uid) enqueueOwners(old)
        enqueueOwners(pod)
      },
      deleted: enqueueOwners,
    })
    // A pod may be waiting for an old claim of its name to go.
    informers.of(persistentVolumeClaims).subscribe({
      deleted: (gone: PersistentVolumeClaim) => {
        for (const set of sets.byIndex('namespace', gone.metadata?.namespace ?? ''))
          if ((set.spec?.volumeClaimTemplates ?? []).length > 0) enqueue(set)
      },
    })
  }

  #ownerOf(pod: Pod): StatefulSet | undefined {
    const owner = controllerOf(pod)
    if (owner?.kind !== 'StatefulSet') return undefined
    const set = this.#context.informers.of(statefulSets).get(`${pod.metadata?.namespace}/${owner.name}`)
    return set?.metadata?.uid === owner.uid ? set : undefined
  }

  async #sync(key: string): Promise<number | undefined> {
    const { informers, clock } = this.#context
    const set = informers.of(statefulSets).get(key)
    if (set === undefined) return undefined
    const owned = await this.#claimPods(set)
    const history = await this.#history.keep(set, set.spec?.selector)
    const { current: update, old } = history
    const input: StatefulInput = {
      set,
      pods: owned,
      update,
      // Without one, as at first, everything is of the present revision.
      current: old.find(({ metadata }) => metadata?.name === set.status?.currentRevision) ?? update,
      nowMs: clock.now(),
    }
    await this.#writes.carryOut(set, planStatefulSet(input))
    await this.#writeStatus(set, statefulSetStatus(input, history.collisionCount))
    await this.#trimHistory(input, history)
    const seconds = set.spec?.minReadySeconds ?? 0
    // A pod becomes available by time alone once it is ready; nothing will tell us when.
    const waits = owned.some(pod => isPodReady(pod) && !isPodAvailable(pod, seconds, input.nowMs))
    return waits ? seconds * 1000 : undefined
  }

  async #writeStatus(set: StatefulSet, status: StatefulSetStatus): Promise<void> {
    if (isDeepStrictEqual(status, set.status)) return
    const { client, signal } = this.#context
    await applyWrite(client, updateWrite(statefulSets, { ...set, status }, 'status'), signal)
  }

  async #trimHistory({ set, pods: owned, current }: StatefulInput, { old }: History): Promise<void> {
    const live = new Set([...owned.map(revisionOf), current.metadata?.name ?? ''])
    const unused = old.filter(({ metadata }) => !live.has(metadata?.name ?? ''))
    await this.#history.remove(pastLimit(set, unused, () => false))
  }

  /** Only pods that are named as the set's count as its own. */
  #claimPods(set: StatefulSet): Promise<Pod[]> {
    const selected = (pod: Pod) =>
      ordinalOf(set, pod) >= 0 && matchLabelSelector(set.spec?.selector, pod.metadata?.labels)
    return claimPods(this.#context, set, { resource: statefulSets, selected })
  }
}

export const startStatefulSetController: StartController = context => new StatefulSetController(context).start()
