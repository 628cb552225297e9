import type { NodeInfo } from './node-info.ts'
import type { PodInfo } from './pod-info.ts'

/** What happened in the cluster that may make a refused pod fit. */
export type ClusterEvent = 'node-added' | 'node-changed' | 'pod-assigned' | 'pod-removed'

/** The cluster as plugins see it during one scheduling cycle; nothing in it changes meanwhile. */
export interface ClusterView {
  /** Every node that exists. */
  readonly nodes: readonly NodeInfo[]
  namespaceLabels(name: string): Readonly<Record<string, string>>
}

/** Why a node will not do, in upstream's words; empty: it will. */
export type Reasons = readonly string[]

export interface FilterPlugin {
  readonly name: string
  /** A pod this plugin refused is tried again after one of these. */
  readonly movedBy: readonly ClusterEvent[]
  /** Works out once a cycle what the check of each node needs; undefined when it has nothing to say of this pod. */
  filter(pod: PodInfo, cluster: ClusterView): ((node: NodeInfo) => Reasons) | undefined
}

export interface ScorePlugin {
  readonly name: string
  readonly weight: number
  /** 0 to 100 for each of `nodes` (those that passed the filters), in their order; undefined when it has no preference. */
  score(pod: PodInfo, nodes: readonly NodeInfo[], cluster: ClusterView): readonly number[] | undefined
}

export const FITS: Reasons = []
export const MAX_SCORE = 100

/** Scales scores so that the best is 100; `reverse` when less is better. */
export const normalize = (scores: readonly number[], reverse = false): number[] => {
  const most = Math.max(0, ...scores)
  if (most === 0) return scores.map(() => (reverse ? MAX_SCORE : 0))
  return scores.map(score => {
    const scaled = Math.floor((score * MAX_SCORE) / most)
    return reverse ? MAX_SCORE - scaled : scaled
  })
}
