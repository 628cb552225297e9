import type { PodStatus } from 'kubernetes-types/core/v1.js'
import { messageOf } from '../../kube/errors.ts'
import { pods } from '../../kube/resources.ts'
import { hasReason } from '../../kube/status.ts'
import { killContainers } from './runtime/container-killer.ts'
import { containerOf, operate, type OperationState } from './runtime/container-operation.ts'
import { makeContainer, needsPodIP, type MadeContainer } from './runtime/container-starter.ts'
import { downwardFacts, type KubeletContext } from './runtime/kubelet-context.ts'
import { addressOfSandbox, attachNetwork, detachNetwork, startSandbox, writeNetworkFiles } from './runtime/sandbox.ts'
import { computePodStatus } from './status/pod-status.ts'
import { BackOff } from './sync/back-off.ts'
import { graceSecondsOf, isDeleting, podText, type LocalPod } from './sync/local-pod.ts'
import { computePodActions, type Action } from './sync/plan.ts'
import { allContainers, latest, runningContainers, type PodRuntime } from './sync/pod-runtime.ts'

type StatusReason = { reason: string; message?: string }

/** Pauses between tries of what failed for the whole pod: network, volumes, an engine that is away. */
const firstRetryMs = 500
const maxRetryMs = 15_000

/**
 * One pod: looks at what is there, plans, carries out; again whenever something happened. Only one look at a time;
 * operations on single containers run beside it, those on the whole pod (sandbox, ending) alone.
 */
export class PodWorker {
  readonly #context: KubeletContext
  readonly #finished: (uid: string) => void
  readonly #backOff = new BackOff()
  readonly #waiting = new Map<string, StatusReason>()
  readonly #retryAt = new Map<string, number>()
  readonly #inFlight = new Map<string, Promise<void>>()
  readonly #prepared = new Map<string, Promise<MadeContainer>>()
  /** Made and not yet started by us: the plan must not take them for leftovers. */
  readonly #preparedIds = new Set<string>()
  readonly #starting = new Set<string>()
  #pod: LocalPod
  #gone = false
  #ended = false
  #dirty = false
  #running = false
  #operations = new AbortController()
  #timer: AbortController | undefined
  #volumes: Promise<ReadonlyMap<string, string>> | undefined
  #attached: { sandboxId: string; ip: string } | undefined
  #failed: { reason: string; message: string } | undefined
  #last: PodStatus | undefined
  #failures = 0

  constructor(context: KubeletContext, pod: LocalPod, finished: (uid: string) => void) {
    this.#context = context
    this.#pod = pod
    this.#finished = finished
  }

  /** The pod with the status that we computed last. */
  get pod(): LocalPod {
    const { object } = this.#pod
    const status = this.#mergedStatus()
    return status === undefined ? this.#pod : { ...this.#pod, object: { ...object, status } }
  }

  get ending(): boolean {
    return this.#gone || isDeleting(this.#pod)
  }

  update(pod: LocalPod): void {
    const was = { grace: graceSecondsOf(this.#pod), ending: this.ending }
    this.#pod = pod
    if (was.ending && graceSecondsOf(pod) < was.grace) this.#hurry()
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
    this.#volumes = undefined
    this.#retryAt.clear()
    this.#mounted().then(
      () => this.poke(),
      () => this.poke(),
    )
  }

  /** Something happened: look again, soon and once. */
  poke(): void {
    this.#dirty = true
    if (this.#running || this.#context.signal.aborted) return
    this.#running = true
    this.#loop().catch((error: unknown) =>
      this.#context.log.error({ err: error, pod: podText(this.#pod) }, 'pod worker'),
    )
  }

  async #loop(): Promise<void> {
    try {
      while (this.#dirty && !this.#context.signal.aborted) {
        this.#dirty = false
        this.#timer?.abort()
        try {
          const wakeAtMs = await this.#sync()
          this.#failures = 0
          if (wakeAtMs !== undefined) this.#wakeAt(wakeAtMs)
        } catch (error) {
          if (this.#context.signal.aborted) return
          this.#context.log.warn({ err: error, pod: podText(this.#pod) }, 'pod sync failed, trying again')
          this.#wakeAt(this.#context.clock.now() + Math.min(maxRetryMs, firstRetryMs * 2 ** this.#failures++))
        }
      }
    } finally {
      this.#running = false
    }
  }

  async #sync(): Promise<number | undefined> {
    const { cache, clock, probes } = this.#context
    if (this.#ended && this.#gone) return undefined
    if (this.ending) return this.#end()
    const runtime = this.#visible(await cache.refresh(this.#pod.uid))
    await this.#context.records.load(runtime)
    const { actions, wakeAtMs } = computePodActions({
      pod: this.pod,
      runtime,
      nowMs: clock.now(),
      networkReady: id => this.#ipOf(id) !== undefined,
      probe: (id, kind) => probes.result(id, kind),
      backOff: (name, failedAtMs) => this.#backOff.until(name, failedAtMs),
    })
    const whole = actions.filter(a => a.kind === 'kill-pod' || a.kind === 'create-sandbox')
    if (whole.length > 0) {
      this.publish()
      const retryAtMs = await this.#wholePod(whole, runtime)
      if (retryAtMs !== undefined) return retryAtMs
      this.#dirty = true
      return undefined
    }
    this.#launch(actions, runtime)
    this.#probe(runtime)
    this.publish()
    const now = clock.now()
    const due = [...this.#retryAt.values(), ...(wakeAtMs === undefined ? [] : [wakeAtMs])].filter(at => at > now)
    return due.length === 0 ? undefined : Math.min(...due)
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
      const held = own.find(a => a.kind === 'back-off')
      if (held !== undefined) this.#holdBack(held)
      for (const action of own)
        if (action.kind === 'start-container' && action.failedAtMs !== undefined)
          this.#backOff.next(name, action.failedAtMs, now)
      const work = own.filter(a => a.kind !== 'back-off')
      if (work.length === 0) continue
      const operation = this.#operate(name, work, runtime).finally(() => {
        this.#inFlight.delete(name)
        this.poke()
      })
      this.#inFlight.set(name, operation)
    }
    for (const name of this.#waiting.keys()) if (latest(runtime, name)?.state === 'running') this.#waiting.delete(name)
  }

  #holdBack(action: Extract<Action, { kind: 'back-off' }>): void {
    const { name, delayMs } = action
    const text = podText(this.#pod)
    const message = `back-off ${formatSeconds(delayMs / 1000)} restarting failed container=${name} pod=${text}`
    if (this.#waiting.get(name)?.message === message) return
    this.#waiting.set(name, { reason: 'CrashLoopBackOff', message })
    this.#event('Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${text}`, name)
  }

  async #operate(name: string, actions: readonly Action[], runtime: PodRuntime): Promise<void> {
    try {
      const failure = await operate(this.#context, this.#state(runtime.sandboxes[0]?.id ?? ''), actions)
      if (failure === undefined) return void this.#waiting.delete(name)
      this.#waiting.set(name, { reason: failure.reason, message: failure.message })
      if (failure.retryAtMs !== undefined) this.#retryAt.set(name, failure.retryAtMs)
    } catch (error) {
      if (this.#operations.signal.aborted || this.#context.signal.aborted) return
      this.#context.log.warn({ err: error, pod: podText(this.#pod), container: name }, 'container operation failed')
      this.#retryAt.set(name, this.#context.clock.now() + Math.min(maxRetryMs, firstRetryMs * 2 ** this.#failures++))
    }
  }

  #state(sandboxId: string): OperationState {
    return {
      pod: this.#pod,
      sandboxId,
      podIP: this.#attached?.ip ?? '',
      prepared: this.#prepared,
      starting: this.#starting,
      volumes: () => this.#mounted(),
      signal: AbortSignal.any([this.#operations.signal, this.#context.signal]),
      changed: () => this.poke(),
    }
  }

  /** The pod's volumes, mounted once; a failure is told as an event and the next call tries again. */
  #mounted(): Promise<ReadonlyMap<string, string>> {
    if (this.#volumes !== undefined) return this.#volumes
    const mounting = this.#context.volumes
      .mount(this.#pod, downwardFacts(this.#context, this.#attached?.ip ?? ''))
      .catch((error: unknown) => {
        if (this.#volumes === mounting) this.#volumes = undefined
        this.#event('Warning', 'FailedMount', messageOf(error))
        throw error
      })
    this.#volumes = mounting
    return mounting
  }

  async #settle(): Promise<void> {
    await Promise.allSettled([...this.#inFlight.values(), ...this.#prepared.values()])
    this.#prepared.clear()
    this.#preparedIds.clear()
  }

  async #wholePod(actions: readonly Action[], runtime: PodRuntime): Promise<number | undefined> {
    for (const action of actions) {
      if (action.kind === 'kill-pod') await this.#killPod(action.reason, runtime)
      else if (action.kind === 'create-sandbox') return this.#createSandbox(action.attempt)
    }
    return undefined
  }

  async #killPod(reason: Extract<Action, { kind: 'kill-pod' }>['reason'], runtime: PodRuntime): Promise<void> {
    if (reason === 'SandboxChanged')
      this.#event('Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
    if (reason === 'DeadlineExceeded') {
      this.#failed = { reason, message: 'Pod was active on the node longer than the specified deadline' }
      this.#event('Normal', 'DeadlineExceeded', this.#failed.message)
    }
    this.#operations.abort(new Error(`pod ${podText(this.#pod)}: ${reason}`))
    await this.#settle()
    this.#operations = new AbortController()
    await killContainers(this.#context, this.#pod, runtime)
    await this.#removeSandboxes(await this.#context.cache.refresh(this.#pod.uid))
    this.#attached = undefined
    await this.#refreshed()
    this.#context.probes.remove(this.#pod.uid)
    this.publish()
  }

  async #removeSandboxes(runtime: PodRuntime): Promise<void> {
    for (const sandbox of runtime.sandboxes) {
      await detachNetwork(this.#context, this.#pod, sandbox)
      await this.#context.engine.remove(sandbox.id)
      this.#context.cache.markDirty(this.#pod.uid, sandbox.id)
    }
  }

  /** The sandbox with its network, and meanwhile volumes, images and the containers that can be made already. */
  async #createSandbox(attempt: number): Promise<number | undefined> {
    const context = this.#context
    const pod = this.#pod
    if (pod.spec.hostNetwork !== true && context.network() === undefined) {
      this.#event(
        'Warning',
        'NetworkNotReady',
        `network is not ready: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:${context.networkProblem()}`,
      )
      return context.clock.now() + maxRetryMs
    }
    const signal = AbortSignal.any([this.#operations.signal, context.signal])
    this.#mounted().catch(() => {})
    try {
      const [sandbox] = await Promise.all([
        startSandbox(context, pod, attempt, signal),
        writeNetworkFiles(context, pod, ''),
      ])
      const attaching = attachNetwork(context, pod, sandbox, signal)
      if ((pod.spec.initContainers ?? []).length === 0) this.#prepare(sandbox.id, signal)
      const ip = await attaching
      this.#attached = { sandboxId: sandbox.id, ip }
      await writeNetworkFiles(context, pod, ip)
      return undefined
    } catch (error) {
      if (this.#operations.signal.aborted || context.signal.aborted) return undefined
      this.#event('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`)
      await this.#settle()
      const left = await context.cache.relistPod(pod.uid)
      for (const record of allContainers(left).filter(c => c.state === 'created'))
        await context.engine.remove(record.id)
      await this.#removeSandboxes(left)
      throw error
    }
  }

  #prepare(sandboxId: string, signal: AbortSignal): void {
    const pod = this.#pod
    const runtime = this.#context.cache.peek(pod.uid)
    for (const container of pod.spec.containers) {
      const before = latest(runtime, container.name)
      if (needsPodIP(container) || before !== undefined) continue
      const making = this.#mounted().then(async volumes => {
        const made = await makeContainer(this.#context, {
          pod,
          container,
          attempt: 0,
          sandboxId,
          podIP: '',
          volumes,
          signal,
        })
        if (made.kind === 'made') this.#preparedIds.add(made.id)
        return made
      })
      // Whoever starts the container hears of the failure.
      making.catch(() => {})
      this.#prepared.set(container.name, making)
    }
  }

  /** What is there, without containers that were made ahead and wait for their start. */
  #visible(runtime: PodRuntime): PodRuntime {
    if (this.#preparedIds.size === 0) return runtime
    const keep = (id: string, state: string) => !(state === 'created' && this.#preparedIds.has(id))
    const containers = new Map(
      [...runtime.containers].map(([name, records]) => [name, records.filter(r => keep(r.id, r.state))] as const),
    )
    return { ...runtime, containers }
  }

  #ipOf(sandboxId: string): string | undefined {
    if (this.#attached?.sandboxId === sandboxId) return this.#attached.ip
    const ip = addressOfSandbox(this.#context, this.#pod, sandboxId)
    if (ip !== undefined && ip !== '') this.#attached = { sandboxId, ip }
    return ip === '' ? undefined : ip
  }

  #probe(runtime: PodRuntime): void {
    const running = runningContainers(runtime).filter(c => !this.#starting.has(c.id))
    this.#context.probes.update(
      this.#pod.object,
      this.#attached?.ip ?? '',
      running.map(c => ({ name: c.containerName, id: c.id, startedAtMs: c.startedAtMs })),
    )
  }

  async #refreshed(): Promise<PodRuntime> {
    const runtime = await this.#context.cache.refresh(this.#pod.uid)
    await this.#context.records.load(runtime)
    return runtime
  }

  /** A deletion with a shorter grace period came while the pod is ending. */
  #hurry(): void {
    const { engine, cache, log } = this.#context
    for (const record of runningContainers(cache.peek(this.#pod.uid)))
      engine
        .stop(record.id, Math.max(1, graceSecondsOf(this.#pod)))
        .catch((error: unknown) =>
          log.warn({ err: error, pod: podText(this.#pod) }, 'stop with a shorter grace period'),
        )
  }

  /** Ends the pod: containers, status, network, volumes, the API's object, and what is left in the engine. */
  async #end(): Promise<undefined> {
    const { cache, probes, status, client, engine, puller, volumes, records } = this.#context
    const pod = this.#pod
    if (this.#ended) return undefined
    this.#operations.abort(new Error(`pod ${podText(pod)} is ending`))
    await this.#settle()
    const runtime = await cache.relistPod(pod.uid)
    this.#probe(runtime)
    await killContainers(this.#context, pod, runtime)
    await this.#refreshed()
    probes.remove(pod.uid)
    this.#waiting.clear()
    this.publish(true)
    for (const sandbox of runtime.sandboxes) await detachNetwork(this.#context, pod, sandbox)
    // The sandbox goes before its volumes: a pause container holds no mount, but its namespaces may.
    for (const sandbox of runtime.sandboxes) await engine.remove(sandbox.id)
    await volumes.unmount(pod.uid)
    await status.flush(pod.uid)
    if (!this.#gone)
      try {
        await client.delete(pods, pod.name, {
          namespace: pod.namespace,
          gracePeriodSeconds: 0,
          preconditions: { uid: pod.uid },
        })
      } catch (error) {
        if (!hasReason(error, 'NotFound', 'Conflict')) throw error
      }
    for (const record of allContainers(await cache.relistPod(pod.uid))) await engine.remove(record.id)
    this.#ended = true
    records.forget(runtime)
    puller.forget(pod.uid)
    status.forget(pod.uid)
    cache.forget(pod.uid)
    this.#finished(pod.uid)
    return undefined
  }

  #mergedStatus(): PodStatus | undefined {
    const api = this.#pod.object.status
    if (this.#last === undefined) return api
    const own = this.#last.conditions ?? []
    const foreign = (api?.conditions ?? []).filter(c => !own.some(o => o.type === c.type) || !ownConditions.has(c.type))
    return { ...api, ...this.#last, conditions: [...own.filter(c => ownConditions.has(c.type)), ...foreign] }
  }

  /** Computes the status of what is known now and hands it to the writer. */
  publish(podEnded = false): void {
    const { cache, clock, node, probes, records, status } = this.#context
    const runtime = this.#visible(cache.peek(this.#pod.uid))
    const sandbox = runtime.sandboxes[0]
    const ready = sandbox?.state === 'running' && this.#attached?.sandboxId === sandbox.id
    this.#last = computePodStatus({
      pod: this.pod,
      runtime,
      nowMs: clock.now(),
      hostIP: node.hostIP,
      podIP: this.#attached?.ip ?? this.#last?.podIP ?? '',
      waiting: this.#waiting,
      starting: this.#starting,
      probe: (id, kind) => probes.result(id, kind),
      terminationMessage: record => records.message(record),
      imageId: record => records.imageId(record),
      networkReady: ready,
      podEnded,
      ...(this.#failed === undefined ? {} : { failed: this.#failed }),
    })
    if (!this.#gone) status.set(this.#pod, this.#last)
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string, container?: string): void {
    if (container !== undefined && containerOf(this.#pod, container) === undefined) return
    this.#context.event(this.#pod, type, reason, message, container)
  }

  #wakeAt(atMs: number): void {
    const { clock, signal } = this.#context
    this.#timer?.abort()
    const timer = new AbortController()
    this.#timer = timer
    clock.sleep(Math.max(0, atMs - clock.now()), AbortSignal.any([timer.signal, signal])).then(
      () => this.poke(),
      () => {},
    )
  }
}

const ownConditions = new Set(['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'])

/** Go's duration text: `10s`, `1m20s`, `5m0s`. */
const formatSeconds = (seconds: number): string => {
  const minutes = Math.floor(seconds / 60)
  const rest = Math.round(seconds % 60)
  return minutes === 0 ? `${rest}s` : `${minutes}m${rest}s`
}
