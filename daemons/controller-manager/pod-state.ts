import type { Pod, PodTemplateSpec } from 'kubernetes-types/core/v1.js'
import type { OwnerReference } from '../../kube/object.ts'

type Condition = { status: string; lastTransitionTime?: string }

export const podCondition = (pod: Pod, type: string): Condition | undefined =>
  pod.status?.conditions?.find(condition => condition.type === type)

export const isPodReady = (pod: Pod): boolean => podCondition(pod, 'Ready')?.status === 'True'

export const isPodTerminal = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

/** Counts towards a controller's replicas: neither finished nor on its way out. */
export const isPodActive = (pod: Pod): boolean => !isPodTerminal(pod) && pod.metadata?.deletionTimestamp === undefined

/** Ready for at least `minReadySeconds`. */
export const isPodAvailable = (pod: Pod, minReadySeconds: number, nowMs: number): boolean => {
  const ready = podCondition(pod, 'Ready')
  if (ready?.status !== 'True') return false
  if (minReadySeconds === 0) return true
  const since = Date.parse(ready.lastTransitionTime ?? '')
  return Number.isFinite(since) && since + minReadySeconds * 1000 <= nowMs
}

/** A pod as its controller makes it; the API server completes the name. */
export const podFromTemplate = (
  template: PodTemplateSpec | undefined,
  where: { namespace: string; generateName: string; owner: OwnerReference },
): Pod => {
  const { labels, annotations, finalizers } = template?.metadata ?? {}
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: where.generateName,
      namespace: where.namespace,
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [where.owner],
    },
    ...(template?.spec === undefined ? {} : { spec: template.spec }),
  }
}
