import type { Node, Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import type { Logger } from 'pino'
import type { Journal } from '../../host/journal.ts'
import type { KubeClient } from '../../kube/client/client.ts'
import type { EventRecorder } from '../../kube/client/event-recorder.ts'
import { Informer } from '../../kube/client/informer.ts'
import type { Clock } from '../../kube/clock.ts'
import { messageOf } from '../../kube/errors.ts'
import { objectKey } from '../../kube/object.ts'
import { endpointSlices, nodes, services } from '../../kube/resources.ts'
import type { ApplyTarget } from '../../proxy/apply.ts'
import { countRules } from '../../proxy/iptables/ruleset.ts'
import { serviceKeyOf } from '../../proxy/model/plan-cluster.ts'
import type { PlanProblem, ServicePortPlan } from '../../proxy/model/service-port-plan.ts'
import { planKey, staleFlows } from '../../proxy/stale-flows.ts'
import { HealthCheckPorts } from './health-check-ports.ts'
import { IptablesProxier, type SyncReport } from './iptables-proxier.ts'
import type { KubeProxyMetrics } from './metrics.ts'
import type { KubeProxyOptions } from './options.ts'
import type { ProxyHealth } from './proxy-health.ts'
import { ServicePlans } from './service-plans.ts'
import { nodeViewOf, settingsOf } from './settings-of-options.ts'
import { SyncLoop } from './sync-loop.ts'

export interface RuleKeeperParts {
  client: KubeClient
  target: ApplyTarget
  options: KubeProxyOptions
  nodeName: string
  clock: Clock
  log: Logger
  journal: Journal
  metrics: KubeProxyMetrics
  health: ProxyHealth
  recorder: EventRecorder
  signal: AbortSignal
}

/** Set by the endpoints controllers: when the change that led to this slice happened. */
const triggerTime = 'endpoints.kubernetes.io/last-change-trigger-time'

/** The daemon's loop: informers in, rules out. */
export class RuleKeeper {
  readonly firstSync: Promise<void>
  readonly #parts: RuleKeeperParts
  readonly #stop = new AbortController()
  readonly #services: Informer<Service>
  readonly #slices: Informer<EndpointSlice>
  readonly #nodes: Informer<Node>
  readonly #plans: ServicePlans
  readonly #proxier: IptablesProxier
  readonly #loop: SyncLoop
  readonly #healthPorts: HealthCheckPorts
  readonly #told = new Set<string>()
  #settings: string
  #flows: ReadonlyMap<string, ServicePortPlan> = new Map()
  #triggered: number[] = []
  #listed = false
  #firstDone: () => void = () => {}

  constructor(parts: RuleKeeperParts) {
    this.#parts = parts
    const { client, clock, nodeName, options, health, log } = parts
    const signal = AbortSignal.any([parts.signal, this.#stop.signal])
    const onError = (error: unknown) => log.warn({ err: error }, 'watching the API failed; the rules stay as they are')
    this.#services = new Informer(client, services, { signal, clock, onError })
    const byService = (slice: EndpointSlice) => [serviceKeyOf(slice) ?? '']
    this.#slices = new Informer(client, endpointSlices, { signal, clock, onError, indexes: { service: byService } })
    this.#nodes = new Informer(client, nodes, { signal, clock, onError, fieldSelector: `metadata.name=${nodeName}` })
    const view = nodeViewOf(nodeName, undefined, parts.target.family)
    const settings = settingsOf(options, view)
    this.#settings = JSON.stringify([settings, view])
    this.#plans = new ServicePlans(
      {
        service: key => this.#services.get(key),
        slices: key => this.#slices.byIndex('service', key),
        serviceKeys: () => this.#services.list().map(objectKey),
      },
      view,
    )
    this.#proxier = new IptablesProxier({ ...parts.target, signal }, settings, parts.journal)
    this.#healthPorts = new HealthCheckPorts(
      () => health.nodeEligible,
      (port, error) => log.warn({ port, err: error }, 'a health check node port cannot be served'),
    )
    const work = () => this.#sync()
    this.#loop = new SyncLoop({
      signal,
      clock,
      minPeriodMs: options.minSyncPeriodMs,
      work,
      onError: e => this.#failed(e),
    })
    this.firstSync = new Promise((resolve, reject) => {
      this.#firstDone = resolve
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    this.firstSync.catch(() => {})
  }

  stop(): void {
    this.#stop.abort(new Error('stopped'))
  }

  /** Ends when the signal aborts; the rules stay. */
  async run(): Promise<void> {
    const signal = AbortSignal.any([this.#parts.signal, this.#stop.signal])
    this.#subscribe()
    for (const informer of [this.#services, this.#slices, this.#nodes]) informer.start()
    try {
      await Promise.all([this.#services.synced, this.#slices.synced, this.#nodes.synced])
      this.#listed = true
      this.#announce()
      this.#loop.trigger()
      await Promise.all([this.#loop.run(), this.#watchCanary(signal)])
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      this.#healthPorts.close()
    }
  }

  #subscribe(): void {
    const { metrics } = this.#parts
    const service = (object: Service) => {
      metrics.serviceChanges.inc()
      this.#changed(objectKey(object))
    }
    this.#services.subscribe({ added: service, updated: service, deleted: service })
    const slice = (object: EndpointSlice) => {
      metrics.endpointChanges.inc()
      const at = Date.parse(object.metadata?.annotations?.[triggerTime] ?? '')
      if (this.#listed && !Number.isNaN(at)) this.#triggered.push(at)
      this.#changed(serviceKeyOf(object))
    }
    this.#slices.subscribe({
      added: slice,
      updated: (object, old) => {
        // A slice may be handed from one Service to another.
        if (serviceKeyOf(old) !== serviceKeyOf(object)) this.#changed(serviceKeyOf(old))
        slice(object)
      },
      deleted: slice,
    })
    const node = () => this.#nodeChanged()
    this.#nodes.subscribe({ added: node, updated: node, deleted: node })
  }

  #changed(key: string | undefined): void {
    if (key === undefined) return
    const { metrics, health, clock } = this.#parts
    this.#plans.changed(key)
    health.queued()
    metrics.lastQueued.set(clock.now() / 1000)
    metrics.servicesPending.set(this.#plans.pending)
    // Before everything is listed, rules would cut off Services that are merely not known yet.
    if (this.#listed) this.#loop.trigger()
  }

  /** The Node is written every few seconds by its heartbeat: only what the rules depend on counts. */
  #nodeChanged(): void {
    const { options, nodeName, target, health } = this.#parts
    const node = this.#nodes.get(nodeName)
    health.nodeEligible = node?.metadata?.deletionTimestamp === undefined
    const view = nodeViewOf(nodeName, node, target.family)
    const settings = settingsOf(options, view)
    const now = JSON.stringify([settings, view])
    if (now === this.#settings) return
    this.#settings = now
    this.#plans.setNode(view)
    this.#proxier.configure(settings)
    if (this.#listed) this.#loop.trigger()
  }

  #announce(): void {
    const { nodeName, recorder } = this.#parts
    const node = this.#nodes.get(nodeName) ?? {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: nodeName, uid: nodeName },
    }
    recorder.event(node, 'Normal', 'Starting', 'kube-proxy keeps the rules of this node')
  }

  async #sync(): Promise<void> {
    const { clock, health, log, metrics } = this.#parts
    const startedAt = clock.now()
    const triggered = this.#triggered
    this.#triggered = []
    const { plans, problems } = this.#plans.refresh()
    this.#tell(problems)
    const report = await this.#proxier.sync(plans)
    const took = (clock.now() - startedAt) / 1000
    this.#measure(report, plans, took)
    for (const at of triggered)
      metrics.programming.observe({ ip_family: 'IPv4' }, Math.max(0, (clock.now() - at) / 1000))
    if (report.kind !== 'none')
      log.info({ sync: report.kind, written: report.written, ms: clock.now() - startedAt }, 'rules written')
    if (report.partialFailure !== undefined)
      log.warn({ err: report.partialFailure }, 'a partial sync failed; all rules were written anew')
    if (report.legacy) this.#tellOfLegacy()
    this.#healthPorts.update(plans)
    await this.#forgetFlows(plans)
    // Changes that came in meanwhile are still queued: they asked for another run.
    if (this.#plans.pending === 0) health.updated()
    this.#firstDone()
  }

  #measure(report: SyncReport, plans: readonly ServicePortPlan[], seconds: number): void {
    const { metrics, clock } = this.#parts
    const family = { ip_family: 'IPv4' }
    metrics.sync.observe(family, seconds)
    if (report.kind === 'full') metrics.fullSync.observe(family, seconds)
    if (report.kind === 'partial') metrics.partialSync.observe(family, seconds)
    if (report.partialFailure !== undefined) metrics.partialFailures.inc()
    for (const table of ['nat', 'filter'] as const) {
      metrics.rules.set({ table }, countRules(report.ruleset, table))
      metrics.rulesWritten.set({ table }, report.written[table] ?? 0)
    }
    metrics.lastSync.set(clock.now() / 1000)
    metrics.servicesPending.set(this.#plans.pending)
    metrics.noLocalEndpoints.set({ traffic_policy: 'internal' }, plans.filter(p => p.internal === 'drop').length)
    metrics.noLocalEndpoints.set({ traffic_policy: 'external' }, plans.filter(p => p.external === 'drop').length)
  }

  /** After the rules, or the flow would be made again by the old ones. */
  async #forgetFlows(plans: readonly ServicePortPlan[]): Promise<void> {
    const { target, log } = this.#parts
    const now = new Map(plans.filter(plan => plan.protocol === 'udp').map(plan => [planKey(plan), plan]))
    const calls = staleFlows(this.#flows, now)
    this.#flows = now
    for (const args of calls) {
      try {
        await target.exec.run('conntrack', args, { signal: this.#stop.signal })
      } catch (error) {
        this.#once('conntrack', () => log.warn({ err: error }, 'stale UDP flows cannot be forgotten'))
        return
      }
    }
  }

  async #watchCanary(signal: AbortSignal): Promise<void> {
    const { clock, options, log } = this.#parts
    while (!signal.aborted) {
      await clock.sleep(options.syncPeriodMs, signal).catch(() => {})
      if (signal.aborted) return
      const intact = await this.#proxier.intact().catch(() => true)
      if (intact || signal.aborted) continue
      log.warn('rules were flushed by somebody else; writing all of them')
      this.#proxier.forget()
      this.#loop.trigger()
    }
  }

  #failed(error: unknown): void {
    const { metrics, log } = this.#parts
    metrics.restoreFailures.inc()
    log.error({ err: error }, `rules cannot be written: ${messageOf(error)}`)
  }

  #tell(problems: readonly PlanProblem[]): void {
    for (const problem of problems)
      this.#once(JSON.stringify(problem), () => this.#parts.log.warn(problem, 'part of an object cannot be used'))
  }

  #tellOfLegacy(): void {
    this.#once('legacy', () => {
      const { log, recorder, nodeName } = this.#parts
      const text = 'iptables-legacy rules stand beside those of iptables-nft; see iptables-legacy-save'
      log.warn(text)
      recorder.event(
        { apiVersion: 'v1', kind: 'Node', metadata: { name: nodeName, uid: nodeName } } as Node,
        'Warning',
        'LegacyRules',
        text,
      )
    })
  }

  #once(key: string, tell: () => void): void {
    if (this.#told.has(key) || this.#told.size > 1000) return
    this.#told.add(key)
    tell()
  }
}
