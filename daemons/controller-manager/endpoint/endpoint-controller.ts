import type { Endpoints } from 'kubernetes-types/core/v1.js'
import { objectKey } from '../../../kube/object.ts'
import { endpoints, services } from '../../../kube/resources.ts'
import { hasReason } from '../../../kube/status.ts'
import type { StartController } from '../controller-context.ts'
import { applyWrite } from '../write.ts'
import { planEndpoints } from './endpoints-plan.ts'
import { hasEndpointsOfPods } from './pod-endpoints.ts'
import { enqueueServicesOfPods, podsOf } from './service-pods.ts'

const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader'

/** Keeps the Endpoints object beside each Service with a selector; slices are the endpointslice controller's. */
export const startEndpointController: StartController = context => {
  const { informers, client, signal } = context
  const queue = context.startQueue('endpoint', 5, async key => {
    const service = informers.of(services).get(key)
    const pods = service === undefined ? [] : podsOf(informers, service)
    for (const write of planEndpoints(service, pods, informers.of(endpoints).get(key)))
      try {
        await applyWrite(client, write, signal)
      } catch (error) {
        // Made by a pass that the cache has not caught up with: its event brings the key back.
        if (!hasReason(error, 'AlreadyExists')) throw error
      }
  })
  enqueueServicesOfPods(context, queue)
  const enqueueStray = (object: Endpoints): void => {
    const service = informers.of(services).get(objectKey(object))
    if (service !== undefined && hasEndpointsOfPods(service)) queue.add(objectKey(object))
  }
  informers.of(endpoints).subscribe({
    added: enqueueStray,
    updated: enqueueStray,
    deleted: enqueueStray,
  })
  // Left over from Services that went while nobody looked. Old clients keep their leader election in Endpoints.
  context.runWhenSynced('endpoint leftovers', async () => {
    for (const object of informers.of(endpoints).list())
      if (object.metadata?.annotations?.[leaderAnnotation] === undefined) queue.add(objectKey(object))
  })
}
