import { hurryContainers, killContainers } from './runtime/container-killer.ts'
import { operate, type OperationState } from './runtime/container-operation.ts'
import type { KubeletContext } from './runtime/kubelet-context.ts'
import { PodSandbox } from './runtime/pod-sandbox.ts'
import { PodPublisher } from './status/pod-publisher.ts'
import { BackOff, durationText } from './sync/back-off.ts'
import { deletePod } from './sync/delete-pod.ts'
import { graceSecondsOf, isDeleting, podText, type LocalPod } from './sync/local-pod.ts'
import { computePodActions, type Action } from './sync/plan.ts'
import { WorkerLoop } from './sync/worker-loop.ts'
import { sysctlRefusal } from './sync/sysctl-admission.ts'
import { allContainers, latest, runningContainers, type PodRuntime } from './sync/pod-runtime.ts'

type Kill = Extract<Action, { kind: 'kill-pod' }>

/** Pauses between tries of what failed for no reason of the pod's: network, volumes, an engine that is away. */
const firstRetryMs = 500
const maxRetryMs = 15_000

/**
 * One pod: looks at what is there, plans, carries out; again whenever something happened. Only one look at a time;
 * operations on single containers run beside it, those on the whole pod (sandbox, ending) alone.
 */
export class PodWorker {
  readonly #context: KubeletContext
  readonly #finished: (uid: string) => void
  readonly #sandbox: PodSandbox
  readonly #status: PodPublisher
  readonly #loop: WorkerLoop
  readonly #backOff = new BackOff()
  readonly #retryAt = new Map<string, number>()
  readonly #inFlight = new Map<string, Promise<void>>()
  readonly #starting = new Set<string>()
  #pod: LocalPod
  #gone = false
  #ended = false
  #operations = new AbortController()
  #failures = 0
  #createAtMs = 0

  constructor(context: KubeletContext, pod: LocalPod, finished: (uid: string) => void) {
    this.#context = context
    this.#pod = pod
    this.#finished = finished
    this.#sandbox = new PodSandbox(context)
    this.#status = new PodPublisher(context)
    const { clock, signal, log } = context
    this.#loop = new WorkerLoop({
      clock,
      signal,
      look: () => this.#sync(),
      failed: error => {
        log.warn({ err: error, pod: podText(this.#pod) }, 'pod sync failed, trying again')
        return Math.max(this.#createAtMs, clock.now() + firstRetryMs)
      },
      broken: error => log.error({ err: error, pod: podText(this.#pod) }, 'pod worker'),
    })
  }

  /** The pod with the status that we computed last. */
  get pod(): LocalPod {
    return this.#status.withStatus(this.#pod)
  }

  get ending(): boolean {
    return this.#gone || isDeleting(this.#pod)
  }

  update(pod: LocalPod): void {
    const was = { grace: graceSecondsOf(this.#pod), ending: this.ending }
    this.#pod = pod
    if (was.ending && graceSecondsOf(pod) < was.grace) hurryContainers(this.#context, pod)
    if (!was.ending && this.ending) this.#operations.abort(new Error(`pod ${podText(pod)} is being deleted`))
    this.poke()
  }

  /** The API has no such pod any more. */
  deleted(): void {
    this.#gone = true
    this.#operations.abort(new Error(`pod ${podText(this.#pod)} was deleted`))
    this.poke()
  }

  /** Files of mounted config maps and secrets are looked at again. */
  configChanged(): void {
    if (this.ending || this.#ended) return
    const retry = () => this.retry()
    this.#sandbox.remount(this.#pod).then(retry, retry)
  }

  /** What held the pod back may be gone: try at once. */
  retry(): void {
    this.#retryAt.clear()
    this.#createAtMs = 0
    this.poke()
  }

  /** Something happened: look again, soon and once. */
  poke(): void {
    this.#loop.poke()
  }

  /** One look; resolves with when the next one is due although nothing happens. */
  async #sync(): Promise<number | undefined> {
    const { cache, clock, probes, records } = this.#context
    if (this.#ended) return undefined
    if (this.ending) return this.#end()
    // An earlier look interrupted the operations and then failed.
    if (this.#operations.signal.aborted) this.#operations = new AbortController()
    const runtime = this.#sandbox.visible(await cache.refresh(this.#pod.uid))
    await records.load(runtime)
    if (runtime.sandboxes.length === 0) this.#admit()
    const { actions, wakeAtMs } = computePodActions({
      pod: this.pod,
      runtime,
      nowMs: clock.now(),
      networkReady: id => this.#sandbox.ipOf(this.#pod, id) !== undefined,
      probe: (id, kind) => probes.result(id, kind),
      backOff: (name, failedAtMs) => this.#backOff.until(name, failedAtMs),
    })
    const kill = actions.find(a => a.kind === 'kill-pod')
    const create = actions.find(a => a.kind === 'create-sandbox')
    if (kill !== undefined || create !== undefined) {
      this.#publish()
      if (kill !== undefined) await this.#killPod(kill, runtime)
      if (create !== undefined && !this.ending) {
        if (this.#sandbox.lacksNetwork(this.#pod)) return clock.now() + maxRetryMs
        // The events of a sandbox that failed and was taken away must not make the next one at once.
        if (this.#createAtMs > clock.now()) return this.#createAtMs
        try {
          await this.#sandbox.create(this.#pod, create.attempt, this.#signal())
        } catch (error) {
          this.#createAtMs = this.#nextTryMs()
          throw error
        }
      }
      this.poke()
      return undefined
    }
    this.#launch(actions, runtime)
    this.#probe(runtime)
    this.#publish()
    const now = clock.now()
    const due = [...this.#retryAt.values(), ...(wakeAtMs === undefined ? [] : [wakeAtMs])].filter(at => at > now)
    return due.length === 0 ? undefined : Math.min(...due)
  }

  /** A pod that must not run here fails before anything is made for it. */
  #admit(): void {
    const refusal = sysctlRefusal(this.#pod.spec, this.#context.node.allowedUnsafeSysctls)
    if (refusal === undefined || this.#status.failed !== undefined) return
    this.#context.event(this.#pod, 'Warning', refusal.reason, refusal.message)
    this.#status.failed = { reason: refusal.reason, message: `Pod was rejected: ${refusal.message}`, rejected: true }
    this.#publish()
  }

  /** Starts the operations of each container that has none under way. */
  #launch(actions: readonly Action[], runtime: PodRuntime): void {
    const now = this.#context.clock.now()
    const byName = new Map<string, Action[]>()
    for (const action of actions) {
      if (action.kind === 'kill-pod' || action.kind === 'create-sandbox') continue
      byName.set(action.name, [...(byName.get(action.name) ?? []), action])
    }
    for (const [name, own] of byName) {
      if (this.#inFlight.has(name) || (this.#retryAt.get(name) ?? 0) > now) continue
      this.#retryAt.delete(name)
      for (const action of own) {
        if (action.kind === 'back-off') this.#holdBack(action)
        if (action.kind === 'start-container' && action.failedAtMs !== undefined)
          this.#backOff.next(name, action.failedAtMs, now)
      }
      const work = own.filter(a => a.kind !== 'back-off')
      if (work.length === 0) continue
      const operation = this.#operate(name, work, runtime).finally(() => {
        this.#inFlight.delete(name)
        this.poke()
      })
      this.#inFlight.set(name, operation)
    }
    for (const name of this.#status.waiting.keys())
      if (latest(runtime, name)?.state === 'running') this.#status.waiting.delete(name)
  }

  #holdBack({ name, delayMs }: Extract<Action, { kind: 'back-off' }>): void {
    const text = podText(this.#pod)
    const message = `back-off ${durationText(delayMs)} restarting failed container=${name} pod=${text}`
    if (this.#status.waiting.get(name)?.message === message) return
    this.#status.waiting.set(name, { reason: 'CrashLoopBackOff', message })
    const told = `Back-off restarting failed container ${name} in pod ${text}`
    this.#context.event(this.#pod, 'Warning', 'BackOff', told, name)
  }

  async #operate(name: string, actions: readonly Action[], runtime: PodRuntime): Promise<void> {
    const { waiting } = this.#status
    const operations = this.#operations.signal
    try {
      const failure = await operate(this.#context, this.#operationState(runtime.sandboxes[0]?.id ?? ''), actions)
      this.#failures = 0
      if (failure === undefined) return void waiting.delete(name)
      waiting.set(name, { reason: failure.reason, message: failure.message })
      // Never at once: a failure that needs no input or output would keep the process from everything else.
      this.#retryAt.set(name, failure.retryAtMs ?? this.#context.clock.now() + firstRetryMs)
    } catch (error) {
      if (operations.aborted || this.#context.signal.aborted) return
      this.#context.log.warn({ err: error, pod: podText(this.#pod), container: name }, 'container operation failed')
      this.#retryAt.set(name, this.#nextTryMs())
    }
  }

  #operationState(sandboxId: string): OperationState {
    return {
      pod: this.#pod,
      sandboxId,
      podIP: this.#sandbox.podIP ?? '',
      prepared: this.#sandbox.prepared,
      starting: this.#starting,
      volumes: () => this.#sandbox.mounted(this.#pod),
      signal: this.#signal(),
      changed: () => this.poke(),
    }
  }

  #signal(): AbortSignal {
    return AbortSignal.any([this.#operations.signal, this.#context.signal])
  }

  #nextTryMs(): number {
    return this.#context.clock.now() + Math.min(maxRetryMs, firstRetryMs * 2 ** Math.min(this.#failures++, 10))
  }

  /** Ends what is under way on single containers. */
  async #interrupt(why: string): Promise<void> {
    this.#operations.abort(new Error(`pod ${podText(this.#pod)}: ${why}`))
    await Promise.allSettled(this.#inFlight.values())
    await this.#sandbox.settle()
  }

  async #killPod({ reason }: Kill, runtime: PodRuntime): Promise<void> {
    const { cache, event, probes, records } = this.#context
    const pod = this.#pod
    if (reason === 'SandboxChanged')
      event(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
    if (reason === 'DeadlineExceeded') {
      this.#status.failed = { reason, message: 'Pod was active on the node longer than the specified deadline' }
      event(pod, 'Normal', 'DeadlineExceeded', this.#status.failed.message)
    }
    await this.#interrupt(reason)
    await killContainers(this.#context, pod, runtime)
    await this.#sandbox.remove(pod, await cache.refresh(pod.uid))
    await records.load(await cache.refresh(pod.uid))
    probes.remove(pod.uid)
    this.#publish()
    // A deletion that came meanwhile keeps its abort: the next look ends the pod.
    if (!this.ending) this.#operations = new AbortController()
  }

  /** Ends the pod: containers, status, network, volumes, the API's object, and what is left in the engine. */
  async #end(): Promise<undefined> {
    const { cache, probes, status, engine, puller, volumes, records } = this.#context
    const pod = this.#pod
    await this.#interrupt('ending')
    const runtime = await cache.relistPod(pod.uid)
    this.#probe(runtime)
    await killContainers(this.#context, pod, runtime)
    await records.load(await cache.refresh(pod.uid))
    probes.remove(pod.uid)
    this.#status.waiting.clear()
    this.#publish(true)
    await this.#sandbox.remove(pod, runtime)
    await volumes.unmount(pod.uid)
    await status.flush(pod.uid)
    if (!this.#gone) await deletePod(this.#context.client, pod)
    for (const record of allContainers(await cache.relistPod(pod.uid))) await engine.remove(record.id)
    this.#ended = true
    records.forget(runtime)
    puller.forget(pod.uid)
    status.forget(pod.uid)
    cache.forget(pod.uid)
    this.#finished(pod.uid)
    return undefined
  }

  #probe(runtime: PodRuntime): void {
    const running = runningContainers(runtime).filter(c => !this.#starting.has(c.id))
    this.#context.probes.update(
      this.#pod.object,
      this.#sandbox.podIP ?? '',
      running.map(c => ({ name: c.containerName, id: c.id, startedAtMs: c.startedAtMs })),
    )
  }

  /** Computes the status of what is known now and hands it to the writer. */
  #publish(podEnded = false): void {
    const runtime = this.#sandbox.visible(this.#context.cache.peek(this.#pod.uid))
    const newest = runtime.sandboxes[0]
    this.#status.publish(this.#pod, {
      runtime,
      podIP: this.#sandbox.podIP ?? this.#status.podIP ?? '',
      networkReady: newest?.state === 'running' && this.#sandbox.isAttached(newest.id),
      starting: this.#starting,
      podEnded,
      gone: this.#gone,
    })
  }
}
