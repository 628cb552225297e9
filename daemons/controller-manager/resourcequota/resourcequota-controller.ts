import { objectKey, type KubeObject } from '../../../kube/object.ts'
import type { PersistentVolumeClaim, Pod, Service } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import type { Informer } from '../../../kube/client/informer.ts'
import type { Resource } from '../../../kube/resource.ts'
import { events, persistentVolumeClaims, pods, resourceQuotas, services } from '../../../kube/resources.ts'
import type { StartController } from '../controller-context.ts'
import { applyWrite, updateWrite } from '../write.ts'
import { isPodTerminal } from '../pod-state.ts'
import { podUsage } from './pod-usage.ts'
import { planQuotaStatus, type ObjectsOf } from './quota-plan.ts'

/** Upstream's --resource-quota-sync-period: what slipped through is counted again. */
const syncPeriodMs = 5 * 60_000

/** What of an object quotas bound besides its number; undefined: nothing. */
const weightOf = ({ group, plural }: Resource<KubeObject>): ((object: KubeObject) => unknown) | undefined => {
  if (group !== '') return undefined
  // The informer of the resource gives objects of its type.
  switch (plural) {
    case pods.plural:
      return object => [isPodTerminal(object as Pod), podUsage(object as Pod)]
    case services.plural:
      return object => [(object as Service).spec?.type, (object as Service).spec?.ports]
    case persistentVolumeClaims.plural:
      return object => [
        (object as PersistentVolumeClaim).spec?.resources,
        (object as PersistentVolumeClaim).status?.allocatedResources,
      ]
    default:
      return undefined
  }
}

const keyOf = ({ group, plural }: Resource<KubeObject>): string => `${group}/${plural}`
const isCounted = (resource: Resource<KubeObject>): boolean => resource.namespaced && resource.plural !== events.plural

export const startResourceQuotaController: StartController = context => {
  const { informers, client, signal } = context
  const quotas = informers.of(resourceQuotas)
  const byName = new Map(
    context.resources
      .filter(isCounted)
      .map((resource): [string, Informer<KubeObject>] => [keyOf(resource), informers.of(resource)]),
  )

  const queue = context.startQueue('resourcequota', 5, async key => {
    const quota = quotas.get(key)
    if (quota === undefined) return
    const namespace = quota.metadata?.namespace ?? ''
    const objectsOf: ObjectsOf = (group, plural) => byName.get(`${group}/${plural}`)?.byIndex('namespace', namespace)
    const status = planQuotaStatus(quota, objectsOf)
    if (status !== undefined)
      await applyWrite(client, updateWrite(resourceQuotas, { ...quota, status }, 'status'), signal)
    queue.addAfter(key, syncPeriodMs)
  })
  quotas.subscribe({
    added: quota => queue.add(objectKey(quota)),
    // Not of its status, which is written before what it counts: an answer to that would take the charge back.
    updated: (quota, old) => {
      if (!isDeepStrictEqual(quota.spec, old.spec)) queue.add(objectKey(quota))
    },
    deleted: () => {},
  })

  const countAgain = (object: KubeObject): void => {
    for (const quota of quotas.byIndex('namespace', object.metadata?.namespace ?? '')) queue.add(objectKey(quota))
  }
  // What comes is counted by admission. Counting again then would forget what is admitted and not there yet.
  for (const resource of context.resources.filter(isCounted)) {
    const weigh = weightOf(resource)
    informers.of(resource).subscribe({
      updated: (object, old) => {
        if (weigh !== undefined && !isDeepStrictEqual(weigh(object), weigh(old))) countAgain(object)
      },
      deleted: countAgain,
    })
  }

  context.customResources.subscribe({
    added: (resource, informer) => {
      if (!resource.namespaced) return
      // Counted once all of them are known: a number that is too small would let in more than the quota allows.
      const count = (): void => {
        byName.set(keyOf(resource), informer)
        informer.subscribe({ deleted: countAgain })
        const name = `count/${resource.plural}.${resource.group}`
        for (const quota of quotas.list()) if (Object.hasOwn(quota.spec?.hard ?? {}, name)) queue.add(objectKey(quota))
      }
      informer.synced.then(count, () => {})
    },
    removed: resource => byName.delete(keyOf(resource)),
  })
}
