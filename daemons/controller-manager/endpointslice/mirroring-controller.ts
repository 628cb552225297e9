import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { objectKey, type KubeObject } from '../../../kube/object.ts'
import { endpoints, endpointSlices, services } from '../../../kube/resources.ts'
import type { StartController } from '../controller-context.ts'
import { applyWrite } from '../write.ts'
import { isMirrored, mirroringController, planMirror } from './mirroring-plan.ts'
import { managedByLabel, serviceNameLabel } from './slice-plan.ts'
import { SliceTracker, sliceWaitMs } from './slice-tracker.ts'

/** Slices for Endpoints objects that no controller makes: those of Services without a selector. */
export const startEndpointSliceMirroringController: StartController = context => {
  const { informers, client, signal, options, clock } = context
  const slices = informers.of(endpointSlices)
  const tracker = new SliceTracker(clock)
  const isOurs = (slice: EndpointSlice) => slice.metadata?.labels?.[managedByLabel] === mirroringController

  const queue = context.startQueue('endpoint_slice_mirroring', 2, async key => {
    if (tracker.isStale(key)) return queue.addAfter(key, sliceWaitMs)
    const found = informers.of(endpoints).get(key)
    const mirrored = isMirrored(informers.of(services).get(key), found) ? found : undefined
    const known = slices.byIndex('service', key).filter(isOurs)
    for (const write of planMirror(mirrored, known, options.mirroringMaxEndpointsPerSubset)) {
      const result = await applyWrite(client, write, signal)
      if (result === undefined) continue
      tracker.written(key, result as EndpointSlice)
      const cached = slices.get(objectKey(result))
      if (cached !== undefined) tracker.seen(key, cached, false)
    }
  })
  const enqueue = (object: KubeObject) => queue.add(objectKey(object))
  informers.of(services).subscribe({ added: enqueue, updated: enqueue, deleted: enqueue })
  informers.of(endpoints).subscribe({ added: enqueue, updated: enqueue, deleted: enqueue })
  const seen = (slice: EndpointSlice, isGone: boolean): void => {
    if (!isOurs(slice)) return
    const key = `${slice.metadata?.namespace}/${slice.metadata?.labels?.[serviceNameLabel] ?? ''}`
    tracker.seen(key, slice, isGone)
    queue.add(key)
  }
  slices.subscribe({
    added: slice => seen(slice, false),
    updated: slice => seen(slice, false),
    deleted: slice => seen(slice, true),
  })
}
