import type { StatefulSetStatus } from 'kubernetes-types/apps/v1.js'
import { isDeleting } from '../owner.ts'
import { isPodAvailable, isPodReady } from '../pod-state.ts'
import { revisionOf } from './stateful-pod.ts'
import type { StatefulInput } from './statefulset-plan.ts'

/** The status that the pods give; upstream writes the count of collisions also while it is 0. */
export const statefulSetStatus = (
  { set, pods, current, update, nowMs }: StatefulInput,
  collisionCount: number,
): StatefulSetStatus => {
  const ready = pods.filter(pod => pod.status?.phase === 'Running' && isPodReady(pod))
  const available = ready.filter(pod => isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs)).length
  const of = (revision: string) => pods.filter(pod => !isDeleting(pod) && revisionOf(pod) === revision).length
  const [before, after] = [current.metadata?.name ?? '', update.metadata?.name ?? '']
  const updated = of(after)
  // A rollout is over when every pod has the new revision and is ready.
  const { type = 'RollingUpdate' } = set.spec?.updateStrategy ?? {}
  const complete = type === 'RollingUpdate' && updated === pods.length && ready.length === pods.length
  const currentReplicas = complete ? updated : of(before)
  const { generation } = set.metadata ?? {}
  const { conditions } = set.status ?? {}
  return {
    replicas: pods.length,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(ready.length === 0 ? {} : { readyReplicas: ready.length }),
    ...(currentReplicas === 0 ? {} : { currentReplicas }),
    ...(updated === 0 ? {} : { updatedReplicas: updated }),
    availableReplicas: available,
    currentRevision: complete ? after : before,
    updateRevision: after,
    collisionCount,
    ...(conditions === undefined ? {} : { conditions }),
  }
}
