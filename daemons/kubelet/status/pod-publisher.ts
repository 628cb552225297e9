import type { PodStatus } from 'kubernetes-types/core/v1.js'
import type { KubeletContext } from '../runtime/kubelet-context.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import type { PodRuntime } from '../sync/pod-runtime.ts'
import { computePodStatus } from './pod-status.ts'
import type { Verdict } from './status-input.ts'

const ownConditions = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'])

/** What a pod's worker knows that neither the engine nor the API tells. */
export interface Published {
  runtime: PodRuntime
  podIP: string
  networkReady: boolean
  starting: ReadonlySet<string>
  podEnded: boolean
  /** The API has no such pod any more: nothing is written. */
  gone: boolean
}

/** The status of one pod: what it was last, why its containers wait, and its way to the writer. */
export class PodPublisher {
  readonly waiting = new Map<string, { reason: string; message?: string }>()
  /** Set when the kubelet itself ends the pod. */
  failed: Verdict | undefined
  readonly #context: KubeletContext
  #last: PodStatus | undefined
  constructor(context: KubeletContext) {
    this.#context = context
  }

  get podIP(): string | undefined {
    return this.#last?.podIP
  }

  /** The pod with the status that was computed last: the API's may be older, and has others' conditions. */
  withStatus(pod: LocalPod): LocalPod {
    const api = pod.object.status
    if (this.#last === undefined) return pod
    const own = (this.#last.conditions ?? []).filter(c => ownConditions.has(c.type))
    const foreign = (api?.conditions ?? []).filter(c => !ownConditions.has(c.type))
    return { ...pod, object: { ...pod.object, status: { ...api, ...this.#last, conditions: [...own, ...foreign] } } }
  }

  publish(pod: LocalPod, known: Published): void {
    const { clock, node, probes, records, status } = this.#context
    const { gone, ...facts } = known
    this.#last = computePodStatus({
      ...facts,
      pod: this.withStatus(pod),
      nowMs: clock.now(),
      hostIP: node.hostIP,
      waiting: this.waiting,
      probe: (id, kind) => probes.result(id, kind),
      terminationMessage: record => records.message(record),
      imageId: record => records.imageId(record),
      ...(this.failed === undefined ? {} : { failed: this.failed }),
    })
    if (!gone) status.set(pod, this.#last)
  }
}
