import type { Secret, Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js'
import type { Logger } from 'pino'
import type { KubeClient } from '../../kube/client/client.ts'
import type { EventRecorder } from '../../kube/client/event-recorder.ts'
import { Informer } from '../../kube/client/informer.ts'
import { WorkQueue } from '../../kube/client/work-queue.ts'
import type { Clock } from '../../kube/clock.ts'
import { messageOf } from '../../kube/errors.ts'
import { objectKey } from '../../kube/object.ts'
import { endpointSlices, ingressClasses, ingresses, secrets, services } from '../../kube/resources.ts'
import { hasReason } from '../../kube/status.ts'
import type { IngressMetrics } from './metrics.ts'
import type { BackendSource } from './model/backends.ts'
import type { IngressProblem } from './model/ingress-config.ts'
import { isOurs, ownClass } from './model/ingress-classes.ts'
import { mergePlans } from './model/merge-plans.ts'
import { planIngress, type IngressPlan } from './model/plan-ingress.ts'
import { CertificateFiles, pemOf } from './nginx/certificate-files.ts'
import type { NginxProcess } from './nginx/nginx-process.ts'
import { renderConfig } from './nginx/render-config.ts'
import type { IngressOptions } from './options.ts'

export interface IngressControllerParts {
  client: KubeClient
  options: IngressOptions
  publishAddress: string
  nginx: NginxProcess
  clock: Clock
  log: Logger
  metrics: IngressMetrics
  recorder: EventRecorder
  signal: AbortSignal
}

const byAge = (a: Ingress, b: Ingress): number => {
  const [x, y] = [a, b].map(o => `${o.metadata?.creationTimestamp ?? ''} ${objectKey(o)}`)
  return (x ?? '') < (y ?? '') ? -1 : 1
}

/** Informers in, a configuration out, at most one reload a period; what is refused leaves the last good state standing. */
export class IngressController {
  readonly firstSync: Promise<void>
  readonly #parts: IngressControllerParts
  readonly #ingresses: Informer<Ingress>
  readonly #classes: Informer<IngressClass>
  readonly #services: Informer<Service>
  readonly #slices: Informer<EndpointSlice>
  readonly #secrets: Informer<Secret>
  readonly #queue: WorkQueue
  readonly #certificates: CertificateFiles
  /** The last state of each Ingress that was accepted. */
  readonly #good = new Map<string, Ingress>()
  readonly #told = new Map<string, string>()
  /** The class this daemon made, until the informer shows it. */
  #made: IngressClass | undefined
  #text = ''
  #refused = ''
  #firstDone: () => void = () => {}

  constructor(parts: IngressControllerParts) {
    this.#parts = parts
    const { client, clock, signal, log, options } = parts
    const onError = (error: unknown) => log.warn({ err: error }, 'watching the API failed; nginx keeps what it has')
    const common = { signal, clock, onError }
    this.#ingresses = new Informer(client, ingresses, common)
    this.#classes = new Informer(client, ingressClasses, common)
    this.#services = new Informer(client, services, common)
    const service = (o: EndpointSlice) => [
      `${o.metadata?.namespace ?? ''}/${o.metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`,
    ]
    this.#slices = new Informer(client, endpointSlices, { ...common, indexes: { service } })
    this.#secrets = new Informer(client, secrets, { ...common, fieldSelector: 'type=kubernetes.io/tls' })
    this.#queue = new WorkQueue({ signal, clock, baseDelayMs: 1000, maxDelayMs: 60_000 })
    this.#certificates = new CertificateFiles(options.dataDir)
    this.firstSync = new Promise((resolve, reject) => {
      this.#firstDone = resolve
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    this.firstSync.catch(() => {})
  }

  get configured(): boolean {
    return this.#text !== ''
  }

  async run(): Promise<void> {
    const { signal, clock, options, log, nginx } = this.#parts
    const informers = [this.#ingresses, this.#classes, this.#services, this.#slices, this.#secrets]
    try {
      for (const informer of informers) informer.start()
      await Promise.all(informers.map(informer => informer.synced))
      await this.#ensureClass()
      const changed = () => this.#queue.add('configuration')
      for (const informer of informers) informer.subscribe({ added: changed, updated: changed, deleted: changed })
      changed()
      const work = async () => {
        await this.#sync()
        // The pause is part of the work: what changes meanwhile costs one reload together.
        await clock.sleep(options.minReloadPeriodMs, signal)
      }
      await this.#queue.run(1, work, (_key, error) => {
        if (!signal.aborted) log.error({ err: error }, `the configuration is not in force: ${messageOf(error)}`)
      })
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await nginx.stop()
    }
  }

  async #ensureClass(): Promise<void> {
    const { client, options, log, signal } = this.#parts
    if (this.#classes.get(options.ingressClass) !== undefined) return
    try {
      this.#made = await client.create(ingressClasses, ownClass(options.ingressClass, options.controllerClass), {
        signal,
        fieldManager: 'ingress',
      })
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) log.warn({ err: error }, 'the IngressClass cannot be made')
    }
  }

  async #sync(): Promise<void> {
    const { nginx, options, metrics, clock } = this.#parts
    const { plans, problems, current } = this.#plan()
    this.#collectCertificates(plans)
    const { listenAddress, httpPort, httpsPort } = options
    const merged = mergePlans(plans, {
      listenAddress,
      httpPort,
      httpsPort,
      hasCertificate: secret => this.#certificates.fileOf(secret) !== undefined,
    })
    this.#tell([...problems, ...merged.problems], current)
    if (merged.config.tls) await this.#certificates.ensureFallback()
    const text = renderConfig(merged.config, {
      prefix: options.dataDir,
      workers: options.workers,
      user: undefined,
      certificateFile: secret =>
        (secret === undefined ? undefined : this.#certificates.fileOf(secret)) ?? this.#certificates.fallback,
    })
    if (text !== this.#text && text !== this.#refused) {
      try {
        await nginx.use(text)
      } catch (error) {
        metrics.lastReloadSuccessful.set(0)
        this.#refused = text
        for (const ingress of current)
          this.#parts.recorder.event(ingress, 'Warning', 'Rejected', messageOf(error).slice(0, 900))
        throw error
      }
      metrics.reloads.inc()
      metrics.lastReloadSuccessful.set(1)
      metrics.lastReloadAt.set(clock.now() / 1000)
      this.#text = text
      this.#certificates.prune()
    }
    this.#firstDone()
    await this.#writeStatus(current)
  }

  /** Reads our Ingresses, oldest first; of one that is wrong now, its last good state. */
  #plan(): { plans: IngressPlan[]; problems: IngressProblem[]; current: Ingress[] } {
    const { options } = this.#parts
    const rules = { annotationClass: options.ingressClass, controller: options.controllerClass }
    const classes = this.#classes.list()
    if (classes.some(one => one.metadata?.name === options.ingressClass)) this.#made = undefined
    if (this.#made !== undefined) classes.push(this.#made)
    const current = this.#ingresses
      .list()
      .filter(ingress => isOurs(ingress, classes, rules))
      .sort(byAge)
    const source: BackendSource = {
      service: key => this.#services.get(key),
      slices: key => this.#slices.byIndex('service', key),
    }
    const keys = new Set(current.map(objectKey))
    for (const key of this.#good.keys()) if (!keys.has(key)) this.#good.delete(key)
    const problems: IngressProblem[] = []
    const plans = current.flatMap(ingress => {
      const plan = planIngress(ingress, source)
      problems.push(...plan.problems)
      if (!plan.problems.some(problem => problem.rejects)) {
        this.#good.set(plan.ingress, ingress)
        return [plan]
      }
      const good = this.#good.get(plan.ingress)
      return good === undefined ? [] : [planIngress(good, source)]
    })
    return { plans, problems, current }
  }

  #collectCertificates(plans: readonly IngressPlan[]): void {
    for (const secret of new Set(plans.flatMap(plan => [...plan.certificates.values()]))) {
      if (secret === '') continue
      const pem = pemOf(this.#secrets.get(secret))
      if (pem === undefined) this.#certificates.forget(secret)
      else this.#certificates.put(secret, pem)
    }
  }

  /** Each problem once, as a log line and an event; again when it changed or came back. */
  #tell(problems: readonly IngressProblem[], current: readonly Ingress[]): void {
    const { log, recorder } = this.#parts
    const byIngress = new Map(current.map(ingress => [objectKey(ingress), ingress]))
    const seen = new Set<string>()
    for (const problem of problems) {
      const id = `${problem.ingress} ${problem.field}`
      seen.add(id)
      if (this.#told.get(id) === problem.message) continue
      this.#told.set(id, problem.message)
      log.warn(problem, problem.rejects ? 'an Ingress is rejected' : 'part of an Ingress has no effect')
      const ingress = byIngress.get(problem.ingress)
      const reason = problem.rejects ? 'Rejected' : 'Ignored'
      if (ingress !== undefined) recorder.event(ingress, 'Warning', reason, `${problem.field}: ${problem.message}`)
    }
    for (const id of this.#told.keys()) if (!seen.has(id)) this.#told.delete(id)
  }

  async #writeStatus(current: readonly Ingress[]): Promise<void> {
    const { client, options, publishAddress, signal, log } = this.#parts
    if (!options.updateStatus || publishAddress === '') return
    for (const ingress of current) {
      const standing = ingress.status?.loadBalancer?.ingress ?? []
      if (standing.length === 1 && standing[0]?.ip === publishAddress) continue
      const patch = { status: { loadBalancer: { ingress: [{ ip: publishAddress }] } } }
      const { name = '', namespace = '' } = ingress.metadata ?? {}
      try {
        await client.patch(ingresses, name, patch, { type: 'merge', namespace, subresource: 'status', signal })
      } catch (error) {
        if (!hasReason(error, 'NotFound'))
          log.warn({ err: error, ingress: objectKey(ingress) }, 'status cannot be written')
      }
    }
  }
}
