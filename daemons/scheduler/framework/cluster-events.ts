import { isDeepStrictEqual } from 'node:util'
import type { Node, Pod } from 'kubernetes-types/core/v1.js'

/** True when a change of a node may make a pod fit: heartbeats and status messages do not. */
export const nodeChange = (old: Node, now: Node): boolean => {
  const relevant = (node: Node) => [
    node.metadata?.labels ?? {},
    node.spec?.taints ?? [],
    node.spec?.unschedulable === true,
    node.status?.allocatable ?? {},
  ]
  return !isDeepStrictEqual(relevant(old), relevant(now))
}

/** What the scheduler has to do with a pod. */
export type PodFate =
  /** Needs a node. */
  | 'waiting'
  /** Takes its node's resources. */
  | 'assigned'
  /** Is being deleted and never had a node. */
  | 'leaving'
  /** Has ended and takes nothing. */
  | 'over'

export const podFate = (pod: Pod): PodFate => {
  const phase = pod.status?.phase
  if (phase === 'Succeeded' || phase === 'Failed') return 'over'
  if (pod.spec?.nodeName) return 'assigned'
  return pod.metadata?.deletionTimestamp === undefined ? 'waiting' : 'leaving'
}
