import type { AllocationMetrics } from '../allocation/allocation-metrics.ts'
import { NumberTaker } from '../allocation/number-taker.ts'
import { allocate } from '../allocation/service-allocator.ts'
import { parsePortRange, parseServiceRanges } from '../allocation/service-range.ts'
import { ServiceRanges } from '../allocation/service-ranges.ts'
import { invalid } from '../registry/api-errors.ts'
import { writes } from './forbid.ts'
import type { AdmissionPlugin, AdmissionRequest } from './plugin.ts'

export interface ServiceAllocationOptions {
  /** `10.96.0.0/16`, or a range of each family */
  serviceClusterIpRange: string
  /** `30000-32767` */
  serviceNodePortRange: string
  metrics: AllocationMetrics
  random?: () => number
}

/**
 * Chooses or checks cluster addresses and node ports while a Service is admitted. What is chosen here is held by the
 * records that the write itself makes (Kind.claims): another server may still be first, and then the write starts over.
 * Throws SkiffError INVALID_INPUT on a range it cannot serve.
 */
export const serviceAllocationPlugin = (options: ServiceAllocationOptions): AdmissionPlugin => {
  const own = parseServiceRanges(options.serviceClusterIpRange)
  const ports = parsePortRange(options.serviceNodePortRange)
  const { metrics, random = Math.random } = options
  const underWay = new WeakMap<AdmissionRequest, string[]>()
  let attached: { taker: NumberTaker; ranges: ServiceRanges } | undefined
  return {
    name: 'ServiceAllocation',
    handles: route => writes(route, '', 'services'),
    attach: ({ store }) => {
      const ranges = new ServiceRanges(store, own)
      metrics.watch({ store, ranges, ports })
      attached = { ranges, taker: new NumberTaker({ store, ranges, ports, metrics, random }) }
    },
    allocate: request => {
      const { kind, name, object: service, old, operation } = request
      if (attached === undefined || operation === 'delete' || service === undefined) return
      const { taker, ranges } = attached
      const { keys, errors } = allocate(taker, { service, old, families: ranges.families })
      if (errors.length > 0) throw invalid(kind, name, errors)
      if (keys.length > 0) underWay.set(request, keys)
    },
    finish: request => attached?.taker.settle(underWay.get(request) ?? []),
  }
}
