import { messageOf } from '../../../kube/errors.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import { allContainers, latest, type PodRuntime } from '../sync/pod-runtime.ts'
import { makeContainer, needsPodIP, type MadeContainer } from './container-starter.ts'
import { downwardFacts, type KubeletContext } from './kubelet-context.ts'
import { addressOfSandbox, attachNetwork, detachNetwork, startSandbox, writeNetworkFiles } from './sandbox.ts'

/**
 * The sandbox of one pod with all that hangs on it: its address, the pod's volumes, and the containers that are made
 * ahead while its network is being made.
 *
 *     pause container ──┬── CNI ADD ────────────────┬── start
 *     volumes ──────────┴── images, create ─────────┘
 */
export class PodSandbox {
  /** Made ahead; taken by the first start of each. */
  readonly prepared = new Map<string, Promise<MadeContainer>>()
  readonly #context: KubeletContext
  /** Made and not yet started by us: the plan must not take them for leftovers. */
  readonly #preparedIds = new Set<string>()
  #attached: { sandboxId: string; ip: string } | undefined
  #volumes: Promise<ReadonlyMap<string, string>> | undefined
  constructor(context: KubeletContext) {
    this.#context = context
  }

  get podIP(): string | undefined {
    return this.#attached?.ip
  }

  isAttached(sandboxId: string | undefined): boolean {
    return sandboxId !== undefined && this.#attached?.sandboxId === sandboxId
  }

  /** The address of the pod in this sandbox, also when an earlier kubelet attached it. */
  ipOf(pod: LocalPod, sandboxId: string): string | undefined {
    if (this.#attached?.sandboxId === sandboxId) return this.#attached.ip
    const ip = addressOfSandbox(this.#context, pod, sandboxId)
    if (ip === undefined || ip === '') return undefined
    this.#attached = { sandboxId, ip }
    return ip
  }

  /** There is no pod network yet, and the pod needs it: said as an event. */
  lacksNetwork(pod: LocalPod): boolean {
    const { network, networkProblem, event } = this.#context
    if (pod.spec.hostNetwork === true || network() !== undefined) return false
    const why = `NetworkReady=false reason:NetworkPluginNotReady message:${networkProblem()}`
    event(pod, 'Warning', 'NetworkNotReady', `network is not ready: container runtime network not ready: ${why}`)
    return true
  }

  /** What there is, without containers that were made ahead and wait for their start. */
  visible(runtime: PodRuntime): PodRuntime {
    if (this.#preparedIds.size === 0) return runtime
    const containers = new Map(
      [...runtime.containers].map(
        ([name, records]) =>
          [name, records.filter(r => r.state !== 'created' || !this.#preparedIds.has(r.id))] as const,
      ),
    )
    return { ...runtime, containers }
  }

  /** The pod's volumes, mounted once; a failure is told as an event, and the next call tries again. */
  mounted(pod: LocalPod): Promise<ReadonlyMap<string, string>> {
    if (this.#volumes !== undefined) return this.#volumes
    const mounting = this.#context.volumes
      .mount(pod, downwardFacts(this.#context, this.podIP ?? ''))
      .catch((error: unknown) => {
        if (this.#volumes === mounting) this.#volumes = undefined
        this.#context.event(pod, 'Warning', 'FailedMount', messageOf(error))
        throw error
      })
    this.#volumes = mounting
    return mounting
  }

  /** Looks at mounted config maps and secrets again. */
  remount(pod: LocalPod): Promise<ReadonlyMap<string, string>> {
    this.#volumes = undefined
    return this.mounted(pod)
  }

  /** Waits for what is being made ahead, and forgets it. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.prepared.values())
    this.prepared.clear()
    this.#preparedIds.clear()
  }

  /** Makes the sandbox; what was made before a failure is taken away again. Throws what failed, told as an event. */
  async create(pod: LocalPod, attempt: number, signal: AbortSignal): Promise<void> {
    const context = this.#context
    this.mounted(pod).catch(() => {})
    try {
      const [sandbox] = await Promise.all([
        startSandbox(context, pod, attempt, signal),
        writeNetworkFiles(context, pod, ''),
      ])
      const attaching = attachNetwork(context, pod, sandbox, signal)
      if ((pod.spec.initContainers ?? []).length === 0) this.#prepare(pod, sandbox.id, signal)
      const ip = await attaching
      this.#attached = { sandboxId: sandbox.id, ip }
      await writeNetworkFiles(context, pod, ip)
    } catch (error) {
      if (!signal.aborted)
        context.event(pod, 'Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`)
      await this.settle()
      const left = await context.cache.relistPod(pod.uid)
      for (const record of allContainers(left).filter(c => c.state === 'created'))
        await context.engine.remove(record.id)
      await this.remove(pod, left)
      throw error
    }
  }

  /** Detaches and removes every sandbox of the pod. */
  async remove(pod: LocalPod, runtime: PodRuntime): Promise<void> {
    for (const sandbox of runtime.sandboxes) {
      await detachNetwork(this.#context, pod, sandbox)
      await this.#context.engine.remove(sandbox.id)
      this.#context.cache.markDirty(pod.uid, sandbox.id)
    }
    this.#attached = undefined
  }

  #prepare(pod: LocalPod, sandboxId: string, signal: AbortSignal): void {
    const runtime = this.#context.cache.peek(pod.uid)
    for (const container of pod.spec.containers) {
      if (needsPodIP(container) || latest(runtime, container.name) !== undefined) continue
      const making = this.mounted(pod).then(async volumes => {
        const input = { pod, container, attempt: 0, sandboxId, podIP: '', volumes, signal }
        const made = await makeContainer(this.#context, input)
        if (made.kind === 'made') this.#preparedIds.add(made.id)
        return made
      })
      // Whoever starts the container hears of the failure.
      making.catch(() => {})
      this.prepared.set(container.name, making)
    }
  }
}
