import type { Pod } from 'kubernetes-types/core/v1.js'
import type { Clock } from '../../kube/clock.ts'
import { objectKey } from '../../kube/object.ts'
import type { ClusterEvent } from './framework/plugin.ts'

/** A pod that waits for a node. */
export interface QueuedPod {
  readonly key: string
  pod: Pod
  /** Since when it is known: for the order, and for the time it took. */
  readonly addedAtMs: number
  attempts: number
  /** Filters that refused it last time. */
  refusedBy: readonly string[]
  /** When it may be tried again after its last failure. */
  readyAtMs: number
}

export type SubQueue = 'active' | 'backoff' | 'unschedulable' | 'gated'

export interface SchedulingQueueOptions {
  clock: Clock
  signal: AbortSignal
  initialBackoffMs: number
  maxBackoffMs: number
  /** The events after which a pod that this plugin refused is tried again. */
  movedBy(plugin: string): readonly ClusterEvent[]
  onIncoming?(queue: SubQueue, event: string): void
}

/** A pod nothing has moved for this long is tried anyway: an event this scheduler does not know may have helped it. */
const LEFT_OVER_MS = 5 * 60_000

const isGated = (pod: Pod): boolean =>
  ((pod.spec as { schedulingGates?: unknown[] } | undefined)?.schedulingGates ?? []).length > 0

/** Higher priority first, then who came first. */
const before = (a: QueuedPod, b: QueuedPod): boolean => {
  const difference = (a.pod.spec?.priority ?? 0) - (b.pod.spec?.priority ?? 0)
  return difference === 0 ? a.addedAtMs < b.addedAtMs : difference > 0
}

/**
 * The pods without a node: those to be tried now (active), those that failed a moment ago (back-off), those that wait
 * for the cluster to change (unschedulable), those that wait for their gates. Nothing here polls: one timer stands for
 * the earliest pod of the back-off, one for the pod that has waited longest.
 */
export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions
  readonly #active: QueuedPod[] = []
  readonly #backoff = new Map<string, QueuedPod>()
  readonly #unschedulable = new Map<string, { item: QueuedPod; sinceMs: number }>()
  readonly #gated = new Map<string, QueuedPod>()
  /** Being tried now, with the events that came meanwhile: they may have changed the outcome. */
  readonly #inFlight = new Map<string, Set<ClusterEvent>>()
  #waiter: ((item: QueuedPod) => void) | undefined
  #timer: { at: number; stop: AbortController } | undefined
  constructor(options: SchedulingQueueOptions) {
    this.#options = options
  }

  size(queue: SubQueue): number {
    switch (queue) {
      case 'active':
        return this.#active.length
      case 'backoff':
        return this.#backoff.size
      case 'unschedulable':
        return this.#unschedulable.size
      case 'gated':
        return this.#gated.size
    }
  }

  /** A pod that needs a node, new or changed. What is being tried keeps its attempt. */
  set(pod: Pod): void {
    const key = objectKey(pod)
    if (this.#inFlight.has(key)) return
    const known = this.#find(key)
    const item = known ?? {
      key,
      pod,
      addedAtMs: this.#options.clock.now(),
      attempts: 0,
      refusedBy: [],
      readyAtMs: 0,
    }
    const changed = known !== undefined && this.#specChanged(known.pod, pod)
    item.pod = pod
    if (isGated(pod)) {
      this.#take(key)
      this.#gated.set(key, item)
      return
    }
    if (known === undefined) return this.#activate(item, 'PodAdd')
    if (this.#gated.delete(key)) return this.#activate(item, 'PodUpdate')
    if (changed && this.#unschedulable.delete(key)) this.#afterBackoff(item, 'PodUpdate')
  }

  /** The pod is gone, or has a node. */
  delete(key: string): void {
    this.#take(key)
  }

  /** The next pod to try; rejects when the signal aborts. One caller at a time. */
  pop(): Promise<QueuedPod> {
    const { signal } = this.#options
    if (signal.aborted) return Promise.reject(signal.reason as Error)
    // With nothing else to do, who only sits out a back-off after the cluster moved need not sit it out.
    const next = this.#active.shift() ?? this.#nextMoved()
    if (next !== undefined) return Promise.resolve(this.#begin(next))
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason as Error)
      signal.addEventListener('abort', abort, { once: true })
      this.#waiter = item => {
        signal.removeEventListener('abort', abort)
        resolve(this.#begin(item))
      }
    })
  }

  /** The attempt is over and the pod needs no other (it has a node, or it is gone). */
  done(key: string): void {
    this.#inFlight.delete(key)
  }

  /** No node will do: it waits for an event that concerns the plugins that refused it. */
  refused(item: QueuedPod, plugins: readonly string[]): void {
    const meanwhile = this.#inFlight.get(item.key) ?? new Set()
    this.#fail(item)
    item.refusedBy = plugins
    if ([...meanwhile].some(event => this.#concerns(item, event)))
      return this.#afterBackoff(item, 'ScheduleAttemptFailure')
    this.#unschedulable.set(item.key, { item, sinceMs: this.#options.clock.now() })
    this.#options.onIncoming?.('unschedulable', 'ScheduleAttemptFailure')
    this.#arm()
  }

  /** Something else went wrong (the API did not take the binding): it is tried again after its back-off. */
  failed(item: QueuedPod): void {
    this.#fail(item)
    item.refusedBy = []
    this.#backoff.set(item.key, item)
    this.#options.onIncoming?.('backoff', 'ScheduleAttemptFailure')
    this.#arm()
  }

  /** The cluster changed: pods that this may help are tried again. */
  moved(event: ClusterEvent): void {
    for (const events of this.#inFlight.values()) events.add(event)
    for (const [key, { item }] of this.#unschedulable) {
      if (!this.#concerns(item, event)) continue
      this.#unschedulable.delete(key)
      this.#afterBackoff(item, event)
    }
  }

  #concerns(item: QueuedPod, event: ClusterEvent): boolean {
    return item.refusedBy.some(plugin => this.#options.movedBy(plugin).includes(event)) || item.refusedBy.length === 0
  }

  #fail(item: QueuedPod): void {
    this.#inFlight.delete(item.key)
    const { clock, initialBackoffMs, maxBackoffMs } = this.#options
    item.readyAtMs = clock.now() + Math.min(maxBackoffMs, initialBackoffMs * 2 ** Math.max(0, item.attempts - 1))
  }

  #begin(item: QueuedPod): QueuedPod {
    item.attempts++
    this.#inFlight.set(item.key, new Set())
    return item
  }

  #activate(item: QueuedPod, event: string): void {
    this.#options.onIncoming?.('active', event)
    const waiter = this.#waiter
    if (waiter !== undefined) {
      this.#waiter = undefined
      return waiter(item)
    }
    let low = 0
    let high = this.#active.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const other = this.#active[middle]
      if (other !== undefined && before(item, other)) high = middle
      else low = middle + 1
    }
    this.#active.splice(low, 0, item)
  }

  #afterBackoff(item: QueuedPod, event: string): void {
    if (item.readyAtMs <= this.#options.clock.now() || this.#waiter !== undefined) return this.#activate(item, event)
    this.#backoff.set(item.key, item)
    this.#options.onIncoming?.('backoff', event)
    this.#arm()
  }

  #nextMoved(): QueuedPod | undefined {
    for (const [key, item] of this.#backoff) {
      // Refused by nobody: its binding failed, and the API is left alone for the whole of the back-off.
      if (item.refusedBy.length === 0) continue
      this.#backoff.delete(key)
      return item
    }
    return undefined
  }

  #find(key: string): QueuedPod | undefined {
    return (
      this.#backoff.get(key) ??
      this.#unschedulable.get(key)?.item ??
      this.#gated.get(key) ??
      this.#active.find(item => item.key === key)
    )
  }

  #take(key: string): void {
    this.#backoff.delete(key)
    this.#unschedulable.delete(key)
    this.#gated.delete(key)
    const at = this.#active.findIndex(item => item.key === key)
    if (at >= 0) this.#active.splice(at, 1)
  }

  /** Status writes (this scheduler's own condition among them) do not make a pod fit. */
  #specChanged(old: Pod, now: Pod): boolean {
    return JSON.stringify([old.spec, old.metadata?.labels]) !== JSON.stringify([now.spec, now.metadata?.labels])
  }

  #dueAt(): number {
    let due = Infinity
    for (const item of this.#backoff.values()) due = Math.min(due, item.readyAtMs)
    for (const { sinceMs } of this.#unschedulable.values()) due = Math.min(due, sinceMs + LEFT_OVER_MS)
    return due
  }

  /** One sleeper, for whoever is due first. */
  #arm(): void {
    const at = this.#dueAt()
    if (this.#timer !== undefined && this.#timer.at <= at) return
    this.#timer?.stop.abort()
    this.#timer = undefined
    if (at === Infinity || this.#options.signal.aborted) return
    const { clock, signal } = this.#options
    const timer = { at, stop: new AbortController() }
    this.#timer = timer
    clock.sleep(Math.max(0, at - clock.now()), AbortSignal.any([signal, timer.stop.signal])).then(
      () => {
        this.#timer = undefined
        this.#flush()
        this.#arm()
      },
      // Aborted: another timer stands, or the scheduler stops.
      () => {},
    )
  }

  #flush(): void {
    const now = this.#options.clock.now()
    for (const [key, item] of this.#backoff) {
      if (item.readyAtMs > now) continue
      this.#backoff.delete(key)
      this.#activate(item, 'BackoffComplete')
    }
    for (const [key, { item, sinceMs }] of this.#unschedulable) {
      if (sinceMs + LEFT_OVER_MS > now) continue
      this.#unschedulable.delete(key)
      this.#activate(item, 'UnschedulableTimeout')
    }
  }
}
