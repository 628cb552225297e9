import type { Namespace, NamespaceCondition, NamespaceStatus } from 'kubernetes-types/core/v1.js'
import type { KubeObject } from '../../../kube/object.ts'
import type { Resource } from '../../../kube/resource.ts'
import { isDeepStrictEqual } from 'node:util'
import { timestamp } from '../controller-context.ts'

/** What is still in a namespace that is being deleted. */
export interface Remaining {
  /** `pods`, `deployments.apps`: how many there are. */
  counts: ReadonlyMap<string, number>
  /** Finalizer to the number of objects that carry it. */
  finalizers: ReadonlyMap<string, number>
  /** What went wrong while the content was deleted. */
  failure: string | undefined
}

export const resourceName = (resource: Resource<unknown>): string =>
  resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`

export const countRemaining = (
  content: readonly { resource: Resource<unknown>; objects: readonly KubeObject[] }[],
  failure: string | undefined,
): Remaining => {
  const counts = new Map<string, number>()
  const finalizers = new Map<string, number>()
  for (const { resource, objects } of content) {
    if (objects.length > 0) counts.set(resourceName(resource), objects.length)
    for (const finalizer of objects.flatMap(object => object.metadata?.finalizers ?? []))
      finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1)
  }
  return { counts, finalizers, failure }
}

const sorted = (counts: ReadonlyMap<string, number>) => [...counts].sort(([a], [b]) => (a < b ? -1 : 1))

const toldOf = ({ counts, finalizers, failure }: Remaining): Omit<NamespaceCondition, 'lastTransitionTime'>[] => {
  const objects = sorted(counts).map(([name, count]) => `${name} has ${count} resource instances`)
  const held = sorted(finalizers).map(([name, count]) => `${name} in ${count} resource instances`)
  return [
    {
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'False',
      reason: 'ResourcesDiscovered',
      message: 'All resources successfully discovered',
    },
    {
      type: 'NamespaceDeletionGroupVersionParsingFailure',
      status: 'False',
      reason: 'ParsedGroupVersions',
      message: 'All legacy kube types successfully parsed',
    },
    failure === undefined
      ? {
          type: 'NamespaceDeletionContentFailure',
          status: 'False',
          reason: 'ContentDeleted',
          message: 'All content successfully deleted, may be waiting on finalization',
        }
      : {
          type: 'NamespaceDeletionContentFailure',
          status: 'True',
          reason: 'ContentDeletionFailed',
          message: `Failed to delete all resource types: ${failure}`,
        },
    objects.length === 0
      ? {
          type: 'NamespaceContentRemaining',
          status: 'False',
          reason: 'ContentRemoved',
          message: 'All content successfully removed',
        }
      : {
          type: 'NamespaceContentRemaining',
          status: 'True',
          reason: 'SomeResourcesRemain',
          message: `Some resources are remaining: ${objects.join(', ')}`,
        },
    held.length === 0
      ? {
          type: 'NamespaceFinalizersRemaining',
          status: 'False',
          reason: 'ContentHasNoFinalizers',
          message: 'All content-preserving finalizers finished',
        }
      : {
          type: 'NamespaceFinalizersRemaining',
          status: 'True',
          reason: 'SomeFinalizersRemain',
          message: `Some content in the namespace has finalizers remaining: ${held.join(', ')}`,
        },
  ]
}

/** The status of a namespace on its way out; undefined when it is the one that stands. */
export const namespaceStatus = (
  namespace: Namespace,
  remaining: Remaining,
  nowMs: number,
): NamespaceStatus | undefined => {
  const known = namespace.status?.conditions ?? []
  const told = toldOf(remaining).map((condition): NamespaceCondition => {
    const before = known.find(one => one.type === condition.type)
    const kept = before?.status === condition.status ? before.lastTransitionTime : undefined
    return { ...condition, lastTransitionTime: kept ?? timestamp(nowMs) }
  })
  const others = known.filter(condition => !told.some(one => one.type === condition.type))
  const status: NamespaceStatus = { phase: 'Terminating', conditions: [...others, ...told] }
  return isDeepStrictEqual(status, namespace.status) ? undefined : status
}
