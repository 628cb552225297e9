import type { Clock } from '../../../kube/clock.ts'
import type { KubeClient } from '../../../kube/client/client.ts'
import { EventRecorder } from '../../../kube/client/event-recorder.ts'
import type { KubeObject } from '../../../kube/object.ts'
import type { Store, StoreEvent } from '../store/store.ts'
import type { AllocationMetrics } from './allocation-metrics.ts'
import { planRepair, type RepairStep } from './repair-plan.ts'
import { ipAddressKey, ipAddressPrefix, nodePortPrefix, parentOf, clusterIpsOf } from './service-claims.ts'
import type { PortRange } from './service-range.ts'
import type { ServiceRanges } from './service-ranges.ts'

export const servicesPrefix = '/registry/core/services/'

/** Upstream's. */
const repairEveryMs = 180_000
/** How many repairs are written at once. */
const batch = 64

export interface RepairOptions {
  store: Store
  /** Writes the Events. */
  client: KubeClient
  ranges: ServiceRanges
  ports: PortRange
  metrics: AllocationMetrics
  clock: Clock
  onError(error: unknown): void
}

/**
 * Holds the records of addresses and ports to what the stored Services have: at start, every three minutes, and when
 * somebody meddles with an IPAddress. Each repair is one transaction on what was seen: of several servers that do the
 * same, one succeeds, and what was written meanwhile is looked at in the next round.
 */
export class NumberRepair {
  readonly #options: RepairOptions
  readonly #stop = new AbortController()
  readonly #recorders: Record<RepairStep['what'], EventRecorder>
  #leaks: ReadonlyMap<string, number> = new Map()
  #running: Promise<void> = Promise.resolve()
  #due = false

  constructor(options: RepairOptions) {
    this.#options = options
    const { client, clock, onError } = options
    const recorder = (component: string) => new EventRecorder(client, { component }, { clock, onError })
    this.#recorders = {
      clusterIp: recorder('ipallocator-repair-controller'),
      nodePort: recorder('portallocator-repair-controller'),
    }
  }

  /** One round. Rejects where the store cannot be written. */
  async run(): Promise<void> {
    const { store, ranges, ports, clock } = this.#options
    if (store.shared) await store.refresh()
    const entries = (prefix: string) => store.range({ prefix }).entries
    const [addresses, records] = [entries(ipAddressPrefix), entries(nodePortPrefix)]
    const { steps, leaks } = planRepair({
      services: entries(servicesPrefix).map(({ object }) => object),
      addresses,
      ports: records,
      ranges: ranges.all,
      portRange: ports,
      nowMs: clock.now(),
      leaks: this.#leaks,
    })
    this.#leaks = leaks
    // A state from before there were records: they are made, and nothing was wrong.
    const quiet = addresses.length === 0 && records.length === 0
    for (let i = 0; i < steps.length; i += batch)
      await Promise.all(steps.slice(i, i + batch).map(step => this.#apply(step, quiet)))
  }

  async #apply({ what, finding, about, reason, message, operation }: RepairStep, quiet: boolean): Promise<void> {
    const { store, metrics } = this.#options
    if (operation !== undefined) {
      const { kind } = await store.transact([operation])
      // Somebody was faster: another server, or the Service's own write.
      if (kind === 'conflict') return
    }
    if (quiet && finding === 'repair') return
    metrics.repaired(what, finding)
    if (about !== undefined) this.#recorders[what].event(about as KubeObject, 'Warning', reason, message)
  }

  /** Goes on until what is returned is called. */
  start(): () => void {
    const { store, clock, onError } = this.#options
    const { signal } = this.#stop
    const stopWatch = store.watch(ipAddressPrefix, store.revision, event => {
      if (this.#isMeddled(event)) this.#runSoon()
    })
    const every = async (): Promise<void> => {
      for (;;) {
        await clock.sleep(repairEveryMs, signal)
        this.#runSoon()
        await this.#running
      }
    }
    void every().catch((error: unknown) => {
      if (!signal.aborted) onError(error)
    })
    return () => {
      stopWatch()
      this.#stop.abort()
    }
  }

  /** Not within the commit that tells of it, and once for all that happens in one turn. */
  #runSoon(): void {
    if (this.#due) return
    this.#due = true
    this.#running = this.#running
      .then(() => new Promise<void>(done => setImmediate(done)))
      .then(() => {
        this.#due = false
        return this.#stop.signal.aborted ? undefined : this.run()
      })
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#options.onError(error)
      })
  }

  /** An address of a Service that has lost its object, or whose object was written by somebody else. */
  #isMeddled({ type, entry, previous }: StoreEvent): boolean {
    if (type === 'put') return previous !== undefined
    const { namespace, name } = parentOf(entry.object)
    const service = this.#options.store.get(`${servicesPrefix}${namespace}/${name}`)?.object
    return service !== undefined && clusterIpsOf(service).some(address => ipAddressKey(address) === entry.key)
  }
}
