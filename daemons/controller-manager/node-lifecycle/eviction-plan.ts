import type { Pod, Taint } from 'kubernetes-types/core/v1.js'
import { tolerates } from '../../../kube/tolerations.ts'

export const evictingTaints = (taints: readonly Taint[] | undefined): Taint[] =>
  (taints ?? []).filter(taint => taint.effect === 'NoExecute')

/**
 * When a pod must leave a node with these NoExecute taints: milliseconds since the epoch, or undefined for never.
 * Of several tolerations of a taint the shortest counts, from the time the taint was added; where it does not say that,
 * from `sinceMs`, when it was first seen.
 */
export const evictionTime = (pod: Pod, taints: readonly Taint[], sinceMs: number): number | undefined => {
  let earliest: number | undefined
  for (const taint of taints) {
    const matching = (pod.spec?.tolerations ?? []).filter(toleration => tolerates(toleration, taint))
    if (matching.length === 0) return sinceMs
    const seconds = matching.flatMap(toleration => toleration.tolerationSeconds ?? [])
    if (seconds.length === 0) continue
    const added = Date.parse(taint.timeAdded ?? '')
    const at = (Number.isFinite(added) ? added : sinceMs) + Math.max(0, Math.min(...seconds)) * 1000
    earliest = Math.min(earliest ?? Infinity, at)
  }
  return earliest
}
