import type { Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { objectKey } from '../../kube/object.ts'
import { planService } from './plan-service.ts'
import type { NodeView, PlanProblem, ServicePortPlan } from './service-port-plan.ts'

/** The label by which a slice names its Service. */
export const serviceNameLabel = 'kubernetes.io/service-name'

/** `namespace/name` of the Service a slice belongs to; undefined for slices of nobody. */
export const serviceKeyOf = (slice: EndpointSlice): string | undefined => {
  const name = slice.metadata?.labels?.[serviceNameLabel]
  return name === undefined ? undefined : `${slice.metadata?.namespace ?? ''}/${name}`
}

/** All Services and slices at once, sorted by name: what `skiff render` and the tests start from. */
export const planCluster = (
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node: NodeView,
): { plans: readonly ServicePortPlan[]; problems: readonly PlanProblem[] } => {
  const byService = new Map<string, EndpointSlice[]>()
  for (const slice of slices) {
    const key = serviceKeyOf(slice)
    if (key === undefined) continue
    const list = byService.get(key)
    if (list === undefined) byService.set(key, [slice])
    else list.push(slice)
  }
  const planned = [...services]
    .sort((a, b) => (objectKey(a) < objectKey(b) ? -1 : 1))
    .map(service => planService(service, byService.get(objectKey(service)) ?? [], node))
  return { plans: planned.flatMap(p => p.plans), problems: planned.flatMap(p => p.problems) }
}
