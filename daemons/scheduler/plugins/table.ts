import type { FilterPlugin, ScorePlugin } from '../framework/plugin.ts'
import { interPodAffinity, interPodAffinityScore } from './inter-pod-affinity.ts'
import { nodeAffinity, nodeAffinityScore } from './node-affinity.ts'
import { nodeName } from './node-name.ts'
import { nodePorts } from './node-ports.ts'
import { nodeResourcesBalancedAllocation, nodeResourcesFit, nodeResourcesFitScore } from './node-resources.ts'
import { nodeUnschedulable } from './node-unschedulable.ts'
import { notBuilt } from './not-built.ts'
import { podTopologySpread, podTopologySpreadScore } from './pod-topology-spread.ts'
import { taintToleration, taintTolerationScore } from './taint-toleration.ts'

/** Adding a plugin is adding its row. Filters run in this order; the first that refuses a node is the one that is told. */
export const filterPlugins: readonly FilterPlugin[] = [
  nodeUnschedulable,
  nodeName,
  taintToleration,
  nodeAffinity,
  nodePorts,
  nodeResourcesFit,
  notBuilt,
  podTopologySpread,
  interPodAffinity,
]

/** Weights are upstream's. */
export const scorePlugins: readonly ScorePlugin[] = [
  taintTolerationScore,
  nodeAffinityScore,
  nodeResourcesFitScore,
  podTopologySpreadScore,
  interPodAffinityScore,
  nodeResourcesBalancedAllocation,
]
