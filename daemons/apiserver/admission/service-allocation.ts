import type { Service } from 'kubernetes-types/core/v1.js'
import { ServiceAllocator } from '../allocation/service-allocator.ts'
import type { Allocation, AllocatorOptions } from '../allocation/service-allocator.ts'
import { draftOf } from '../kinds/draft.ts'
import { invalid } from '../registry/api-errors.ts'
import { writes } from './forbid.ts'
import type { AdmissionPlugin, AdmissionReader, AdmissionRequest } from './plugin.ts'

/**
 * Cluster addresses and node ports, chosen or checked while a Service is admitted and settled by the write's outcome.
 * One API server decides: the state is this process's, made from the stored Services when the first one is written.
 * Throws SkiffError INVALID_INPUT or NOT_IMPLEMENTED on a range it cannot serve.
 */
export const serviceAllocationPlugin = (options: AllocatorOptions): AdmissionPlugin => {
  const allocator = new ServiceAllocator(options)
  const pending = new WeakMap<AdmissionRequest, Allocation>()
  let loaded = false
  const load = (reader: AdmissionReader): void => {
    if (loaded) return
    allocator.rebuild(reader.list('', 'services').map(object => draftOf<Service>(object)))
    loaded = true
  }
  return {
    name: 'ServiceAllocation',
    handles: route => writes(route, '', 'services'),
    allocate: (request, reader) => {
      load(reader)
      if (request.operation === 'delete' || request.object === undefined) return
      const old = request.old === undefined ? undefined : draftOf<Service>(request.old)
      const { allocation, errors } = allocator.allocate(draftOf<Service>(request.object), old)
      if (errors.length > 0) throw invalid(request.kind, request.name, errors)
      pending.set(request, allocation)
    },
    finish: (request, committed) => {
      if (!loaded) return
      const allocation = pending.get(request)
      if (allocation !== undefined) allocator.settle(allocation, committed && !request.dryRun)
      else if (request.operation === 'delete' && committed && request.old !== undefined)
        allocator.release(draftOf<Service>(request.old))
    },
  }
}
