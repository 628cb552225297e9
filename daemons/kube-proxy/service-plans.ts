import type { Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { planService } from '../../proxy/model/plan-service.ts'
import type { NodeView, PlanProblem, ServicePortPlan } from '../../proxy/model/service-port-plan.ts'

/** Where Services and their slices are looked up: the informers. */
export interface ServiceSource {
  service(key: string): Service | undefined
  slices(serviceKey: string): readonly EndpointSlice[]
  serviceKeys(): Iterable<string>
}

/** Plans of all Services, made anew only for those that changed: the others keep their objects, and so their chains. */
export class ServicePlans {
  readonly #source: ServiceSource
  readonly #byService = new Map<string, readonly ServicePortPlan[]>()
  readonly #changed = new Set<string>()
  #node: NodeView
  #all = true
  #sorted: readonly string[] | undefined
  constructor(source: ServiceSource, node: NodeView) {
    this.#source = source
    this.#node = node
  }

  /** Services whose plans are not made yet. */
  get pending(): number {
    return this.#changed.size
  }

  changed(serviceKey: string): void {
    this.#changed.add(serviceKey)
  }

  /** Another zone or address of the node concerns every Service. */
  setNode(node: NodeView): void {
    this.#node = node
    this.#all = true
  }

  /** Makes what changed since the last call. Problems are those of the Services planned now. */
  refresh(): { plans: ServicePortPlan[]; problems: PlanProblem[] } {
    if (this.#all) for (const key of [...this.#source.serviceKeys(), ...this.#byService.keys()]) this.#changed.add(key)
    this.#all = false
    const problems: PlanProblem[] = []
    for (const key of this.#changed) {
      const service = this.#source.service(key)
      const known = this.#byService.has(key)
      const made =
        service === undefined ? { plans: [], problems: [] } : planService(service, this.#source.slices(key), this.#node)
      problems.push(...made.problems)
      if (made.plans.length === 0) this.#byService.delete(key)
      else this.#byService.set(key, made.plans)
      if (known !== this.#byService.has(key)) this.#sorted = undefined
    }
    this.#changed.clear()
    this.#sorted ??= [...this.#byService.keys()].sort()
    return { plans: this.#sorted.flatMap(key => this.#byService.get(key) ?? []), problems }
  }
}
