import type { Lease } from 'kubernetes-types/coordination/v1.js'
import type { Node } from 'kubernetes-types/core/v1.js'
import type { Logger } from 'pino'
import type { ContainerEngine, ImageStore } from '../../../host/container-engine.ts'
import type { KubeClient } from '../../../kube/client/client.ts'
import type { Clock } from '../../../kube/clock.ts'
import { leases, nodes } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import { readPressure, type MachineFacts, type Pressure } from './node-facts.ts'
import { differs, missingLabels, nodeObject, nodeStatus, type NodeInput } from './node-object.ts'

export interface NodeAgentOptions {
  client: KubeClient
  engine: ContainerEngine
  images: ImageStore
  clock: Clock
  signal: AbortSignal
  log: Logger
  name: string
  nodeIp: string
  port: number
  maxPods: number
  rootDir: string
  machine: MachineFacts
  register: boolean
  leaseDurationSeconds: number
  /** How often a status that did not change is written all the same. */
  reportMs: number
  /** What is left of memory and disk; the machine's own when left out. */
  pressure?: () => Promise<Pressure>
  /** Why pods cannot run here; '' when they can. */
  notReady(): string
}

const checkMs = 10_000
const firstRetryMs = 100
const maxRetryMs = 5_000

/** Registers the node, keeps its status current, and renews its lease. While the API is away it keeps trying. */
export class NodeAgent {
  readonly #options: NodeAgentOptions
  #node: Node | undefined
  #lease: Lease | undefined
  #reportedAtMs = 0
  #runtimeVersion = ''
  #changed = () => {}
  #isChanged = false
  constructor(options: NodeAgentOptions) {
    this.#options = options
  }

  /** The node as the API has it; undefined until it is registered. */
  get node(): Node | undefined {
    return this.#node
  }

  /** What `notReady` says may have changed: look now. */
  poke(): void {
    this.#isChanged = true
    this.#changed()
  }

  /** Runs until the signal aborts. */
  async run(): Promise<void> {
    await Promise.all([
      this.#forever(checkMs, () => this.#report(), true),
      this.#forever(checkMs, () => this.#renew(), false),
    ])
  }

  async #forever(periodMs: number, work: () => Promise<void>, pokable: boolean): Promise<void> {
    const { clock, signal, log, name } = this.#options
    let retry = firstRetryMs
    while (!signal.aborted) {
      let pause = periodMs
      try {
        if (pokable) this.#isChanged = false
        await work()
        retry = firstRetryMs
      } catch (error) {
        if (signal.aborted) return
        // A namespace or an API server that comes up a moment later is no news.
        log[retry > 1000 ? 'warn' : 'debug']({ err: error, node: name }, 'node status or lease not written')
        pause = retry
        retry = Math.min(maxRetryMs, retry * 2)
      }
      await this.#pause(clock, pause, signal, pokable)
    }
  }

  async #pause(clock: Clock, ms: number, signal: AbortSignal, pokable: boolean): Promise<void> {
    if (pokable && this.#isChanged) return
    const awake = new AbortController()
    if (pokable) this.#changed = () => awake.abort()
    await clock.sleep(ms, AbortSignal.any([awake.signal, signal])).catch(() => {})
  }

  async #input(): Promise<NodeInput> {
    const { engine, images, signal, clock, rootDir, ...rest } = this.#options
    let notReady = this.#options.notReady()
    try {
      this.#runtimeVersion = await engine.version(signal)
    } catch (error) {
      notReady = `container runtime is down: ${error instanceof Error ? error.message : String(error)}`
    }
    const due = this.#node === undefined || clock.now() - this.#reportedAtMs >= this.#options.reportMs
    return {
      ...rest,
      pressure: await (this.#options.pressure ?? (() => readPressure(rootDir)))(),
      runtimeVersion: this.#runtimeVersion,
      images: due ? await images.list(signal).catch(() => []) : this.#knownImages(),
      notReady,
      nowMs: clock.now(),
    }
  }

  /** Between reports the list of images stays as it was written, so that it alone causes no write. */
  #knownImages() {
    return (this.#node?.status?.images ?? []).map(({ names = [], sizeBytes = 0 }) => ({
      id: '',
      digests: [],
      tags: names,
      sizeBytes,
      user: '',
    }))
  }

  async #report(): Promise<void> {
    const { client, clock, name, register, signal } = this.#options
    const input = await this.#input()
    if (this.#node === undefined) {
      const registered = await this.#register(input, register)
      this.#node = registered
    }
    const before = this.#node.status ?? {}
    const status = nodeStatus(input, before)
    const due = clock.now() - this.#reportedAtMs >= this.#options.reportMs
    if (!due && !differs(before, status)) return
    try {
      this.#node = await client.patch(nodes, name, { status }, { type: 'merge', subresource: 'status', signal })
      this.#reportedAtMs = clock.now()
    } catch (error) {
      // Somebody deleted the node: it is registered again, as upstream does at its next restart.
      if (hasReason(error, 'NotFound')) this.#node = undefined
      throw error
    }
  }

  async #register(input: NodeInput, mayCreate: boolean): Promise<Node> {
    const { client, name, signal } = this.#options
    if (mayCreate)
      try {
        const created = await client.create(nodes, nodeObject(input), { signal })
        this.#reportedAtMs = 0
        return created
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists')) throw error
      }
    const found = await client.get(nodes, name, { signal })
    const labels = missingLabels(input, found)
    if (Object.keys(labels).length === 0) return found
    return client.patch(nodes, name, { metadata: { labels } }, { type: 'merge', signal })
  }

  async #renew(): Promise<void> {
    const { client, clock, name, leaseDurationSeconds, signal } = this.#options
    // MicroTime: six decimals.
    const renewTime = new Date(clock.now()).toISOString().replace('Z', '000Z')
    const spec = { holderIdentity: name, leaseDurationSeconds, renewTime }
    const owner = this.#node?.metadata
    const metadata = {
      name,
      namespace: 'kube-node-lease',
      ...(owner?.uid === undefined
        ? {}
        : { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid: owner.uid }] }),
    }
    if (this.#lease === undefined)
      try {
        this.#lease = await client.create(
          leases,
          { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec },
          { signal },
        )
        return
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists')) throw error
      }
    try {
      this.#lease = await client.patch(
        leases,
        name,
        { metadata: metadata.ownerReferences === undefined ? {} : { ownerReferences: metadata.ownerReferences }, spec },
        { type: 'merge', namespace: 'kube-node-lease', signal },
      )
    } catch (error) {
      this.#lease = undefined
      throw error
    }
  }
}
