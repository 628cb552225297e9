import type { Pod, Service } from 'kubernetes-types/core/v1.js'
import type { WorkQueue } from '../../../kube/client/work-queue.ts'
import { objectKey } from '../../../kube/object.ts'
import { pods, services } from '../../../kube/resources.ts'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import { isDeepStrictEqual } from 'node:util'
import type { ControllerContext } from '../controller-context.ts'
import type { SharedInformers } from '../shared-informers.ts'

const selects = (service: Service, pod: Pod): boolean =>
  service.spec?.selector !== undefined &&
  matchLabelSelector({ matchLabels: service.spec.selector }, pod.metadata?.labels)

export const podsOf = (informers: SharedInformers, service: Service): Pod[] =>
  informers
    .of(pods)
    .byIndex('namespace', service.metadata?.namespace ?? '')
    .filter(pod => selects(service, pod))

/** What of a pod its endpoints are made from; anything else that changes touches no Service. */
const shown = (pod: Pod): unknown => [
  pod.metadata?.labels,
  pod.metadata?.deletionTimestamp === undefined,
  pod.spec?.nodeName,
  pod.status?.phase,
  pod.status?.podIP,
  pod.status?.podIPs,
  pod.status?.conditions?.find(condition => condition.type === 'Ready')?.status,
]

/** Adds a Service's key to the queue when it, or a pod that it selects or selected, changes. */
export const enqueueServicesOfPods = (context: ControllerContext, queue: WorkQueue): void => {
  const informer = context.informers.of(services)
  const enqueueFor = (pod: Pod): void => {
    for (const service of informer.byIndex('namespace', pod.metadata?.namespace ?? ''))
      if (selects(service, pod)) queue.add(objectKey(service))
  }
  const enqueue = (service: Service) => queue.add(objectKey(service))
  informer.subscribe({ added: enqueue, updated: enqueue, deleted: enqueue })
  context.informers.of(pods).subscribe({
    added: enqueueFor,
    updated: (pod, old) => {
      if (isDeepStrictEqual(shown(pod), shown(old))) return
      enqueueFor(pod)
      if (!isDeepStrictEqual(pod.metadata?.labels, old.metadata?.labels)) enqueueFor(old)
    },
    deleted: enqueueFor,
  })
}
