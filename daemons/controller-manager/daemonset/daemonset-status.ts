import type { DaemonSetStatus } from 'kubernetes-types/apps/v1.js'
import { isPodAvailable, isPodReady } from '../pod-state.ts'
import { isUpdated } from './daemon-node.ts'
import type { DaemonInput, NodeView } from './daemonset-plan.ts'

/** The status that nodes and pods give. `settled`: every pod that was made or deleted has been seen. */
export const daemonSetStatus = (
  { daemonSet, hash, nowMs }: DaemonInput,
  nodes: readonly NodeView[],
  { collisionCount, settled }: { collisionCount: number; settled: boolean },
): DaemonSetStatus => {
  const wanted = nodes.filter(({ verdict }) => verdict.shouldRun)
  const kept = wanted.flatMap(({ pods }) => pods[0] ?? [])
  const ready = kept.filter(isPodReady)
  const available = ready.filter(pod => isPodAvailable(pod, daemonSet.spec?.minReadySeconds ?? 0, nowMs)).length
  const updated = kept.filter(pod => isUpdated(daemonSet, pod, hash)).length
  const { conditions } = daemonSet.status ?? {}
  // While pods are outstanding nothing has been done for this generation yet.
  const generation = settled ? daemonSet.metadata?.generation : daemonSet.status?.observedGeneration
  return {
    currentNumberScheduled: kept.length,
    numberMisscheduled: nodes.filter(({ verdict, pods }) => !verdict.shouldRun && pods.length > 0).length,
    desiredNumberScheduled: wanted.length,
    numberReady: ready.length,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(updated === 0 ? {} : { updatedNumberScheduled: updated }),
    ...(available === 0 ? {} : { numberAvailable: available }),
    ...(wanted.length === available ? {} : { numberUnavailable: wanted.length - available }),
    ...(collisionCount === 0 ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
  }
}
