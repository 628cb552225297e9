import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { endpointSlices, nodes, services } from '../../../kube/resources.ts'
import type { ControllerContext, StartController } from '../controller-context.ts'
import { hasEndpointsOfPods } from '../endpoint/pod-endpoints.ts'
import { enqueueServicesOfPods, podsOf } from '../endpoint/service-pods.ts'
import { applyWrite, deleteWrite, type Write } from '../write.ts'
import { managedByLabel, planSlices, serviceNameLabel, sliceController } from './slice-plan.ts'
import { SliceTracker, sliceWaitMs } from './slice-tracker.ts'

const isOurs = (slice: EndpointSlice): boolean => slice.metadata?.labels?.[managedByLabel] === sliceController

const serviceKeyOf = (slice: EndpointSlice): string =>
  `${slice.metadata?.namespace}/${slice.metadata?.labels?.[serviceNameLabel] ?? ''}`

/** Carries writes out, and notes what is still to come back by the informer. */
const performer = (
  { informers, client, signal }: ControllerContext,
  tracker: SliceTracker,
): ((key: string, writes: readonly Write[]) => Promise<void>) => {
  const slices = informers.of(endpointSlices)
  // The informer may be faster than the answer to our own write.
  const waitFor = (key: string, slice: EndpointSlice): void => {
    tracker.written(key, slice)
    const known = slices.get(`${slice.metadata?.namespace}/${slice.metadata?.name}`)
    if (known !== undefined) tracker.seen(key, known, false)
  }
  return async (key, writes) => {
    for (const write of writes) {
      const result = await applyWrite(client, write, signal)
      if (write.kind === 'delete') {
        const uid = write.options.preconditions?.uid
        if (uid !== undefined && slices.byIndex('service', key).some(slice => slice.metadata?.uid === uid))
          tracker.deleted(key, uid)
      } else if (result !== undefined) waitFor(key, result as EndpointSlice)
    }
  }
}

/** Zones come from nodes' labels. */
const enqueueOnZones = ({ informers }: ControllerContext, queue: { add(key: string): void }): void => {
  informers.of(nodes).subscribe({
    updated: (node, old) => {
      const zone = 'topology.kubernetes.io/zone'
      if (node.metadata?.labels?.[zone] === old.metadata?.labels?.[zone]) return
      for (const service of informers.of(services).list())
        queue.add(`${service.metadata?.namespace}/${service.metadata?.name}`)
    },
  })
}

/** Keeps the EndpointSlices of each Service with a selector. */
export const startEndpointSliceController: StartController = context => {
  const { informers, options, clock } = context
  const slices = informers.of(endpointSlices)
  const tracker = new SliceTracker(clock)

  const perform = performer(context, tracker)
  const queue = context.startQueue('endpoint_slice', 5, async key => {
    const service = informers.of(services).get(key)
    const known = slices.byIndex('service', key).filter(isOurs)
    if (service === undefined || !hasEndpointsOfPods(service)) {
      tracker.forget(key)
      // A Service without a selector is its owner's matter; slices of one that is gone or is now an alias are not.
      if (service === undefined || service.spec?.type === 'ExternalName')
        await perform(
          key,
          known.map(slice => deleteWrite(endpointSlices, slice)),
        )
      return
    }
    // The slices' own events bring the key back; the time is for an event that never comes.
    if (tracker.isStale(key)) return queue.addAfter(key, sliceWaitMs)
    const nodesByName = new Map(
      informers
        .of(nodes)
        .list()
        .map(node => [node.metadata?.name ?? '', node]),
    )
    const maxEndpoints = options.maxEndpointsPerSlice
    await perform(
      key,
      planSlices({ service, pods: podsOf(informers, service), nodes: nodesByName, known, maxEndpoints }),
    )
  })

  enqueueServicesOfPods(context, queue)
  const seen = (slice: EndpointSlice, isGone: boolean): void => {
    if (!isOurs(slice)) return
    tracker.seen(serviceKeyOf(slice), slice, isGone)
    queue.add(serviceKeyOf(slice))
  }
  slices.subscribe({
    added: slice => seen(slice, false),
    updated: (slice, old) => {
      seen(slice, false)
      if (serviceKeyOf(slice) !== serviceKeyOf(old)) queue.add(serviceKeyOf(old))
    },
    deleted: slice => seen(slice, true),
  })
  enqueueOnZones(context, queue)
}
