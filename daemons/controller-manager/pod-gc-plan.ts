import type { Pod } from 'kubernetes-types/core/v1.js'
import { isPodTerminal } from './pod-state.ts'

export type PodGarbage = { pod: Pod; reason: 'terminated' | 'orphaned' | 'unscheduled' }

const age = (pod: Pod): string => pod.metadata?.creationTimestamp ?? ''

/**
 * Pods that nobody else will clear away: finished ones past the threshold (oldest first), those whose node is gone,
 * and deleted ones that never had a node. `isNodeGone` answers for a node's name.
 */
export const planPodGarbage = (
  pods: readonly Pod[],
  terminatedThreshold: number,
  isNodeGone: (node: string) => boolean,
): PodGarbage[] => {
  const terminated = pods.filter(pod => isPodTerminal(pod) && pod.metadata?.deletionTimestamp === undefined)
  const surplus = terminatedThreshold <= 0 ? 0 : Math.max(0, terminated.length - terminatedThreshold)
  const oldest = terminated.sort((a, b) => (age(a) < age(b) ? -1 : age(a) > age(b) ? 1 : 0)).slice(0, surplus)
  const node = (pod: Pod) => pod.spec?.nodeName ?? ''
  return [
    ...oldest.map((pod): PodGarbage => ({ pod, reason: 'terminated' })),
    ...pods
      .filter(pod => node(pod) !== '' && isNodeGone(node(pod)))
      .map((pod): PodGarbage => ({ pod, reason: 'orphaned' })),
    ...pods
      .filter(pod => node(pod) === '' && pod.metadata?.deletionTimestamp !== undefined)
      .map((pod): PodGarbage => ({ pod, reason: 'unscheduled' })),
  ]
}
