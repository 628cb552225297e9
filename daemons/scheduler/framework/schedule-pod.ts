import type { NodeInfo } from './node-info.ts'
import type { ClusterView, FilterPlugin, Reasons, ScorePlugin } from './plugin.ts'
import type { PodInfo } from './pod-info.ts'

export interface Profile {
  readonly schedulerName: string
  readonly filters: readonly FilterPlugin[]
  readonly scores: readonly ScorePlugin[]
}

export type Decision =
  | { kind: 'place'; node: string; feasible: number }
  /** `plugins`: those that refused; `message`: upstream's, for the event and the condition. */
  | { kind: 'refuse'; plugins: readonly string[]; message: string }

/** `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.` */
export const refusalMessage = (nodeCount: number, reasons: readonly Reasons[]): string => {
  if (nodeCount === 0) return 'no nodes available to schedule pods'
  const counts = new Map<string, number>()
  for (const reason of reasons.flat()) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort()
  return `0/${nodeCount} nodes are available: ${parts.join(', ')}.`
}

const filterNodes = (
  pod: PodInfo,
  cluster: ClusterView,
  filters: readonly FilterPlugin[],
): { feasible: NodeInfo[]; reasons: Reasons[]; plugins: Set<string> } => {
  const checks = filters.flatMap(plugin => {
    const check = plugin.filter(pod, cluster)
    return check === undefined ? [] : [{ name: plugin.name, check }]
  })
  const feasible: NodeInfo[] = []
  const reasons: Reasons[] = []
  const plugins = new Set<string>()
  for (const node of cluster.nodes) {
    // The first plugin that refuses a node is the one that is told: upstream counts each node's refusal once, too.
    const refusal = checks.reduce<{ name: string; why: Reasons } | undefined>((found, { name, check }) => {
      if (found !== undefined) return found
      const why = check(node)
      return why.length === 0 ? undefined : { name, why }
    }, undefined)
    if (refusal === undefined) feasible.push(node)
    else {
      reasons.push(refusal.why)
      plugins.add(refusal.name)
    }
  }
  return { feasible, reasons, plugins }
}

const totalScores = (
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  cluster: ClusterView,
  scores: readonly ScorePlugin[],
): number[] => {
  const totals = nodes.map(() => 0)
  for (const plugin of scores)
    plugin.score(pod, nodes, cluster)?.forEach((score, i) => {
      totals[i] = (totals[i] ?? 0) + score * plugin.weight
    })
  return totals
}

/** Decides where a pod goes. `random` (0 to 1) chooses among nodes that score alike. */
export const schedulePod = (pod: PodInfo, cluster: ClusterView, profile: Profile, random: () => number): Decision => {
  const { feasible, reasons, plugins } = filterNodes(pod, cluster, profile.filters)
  if (feasible.length === 0)
    return { kind: 'refuse', plugins: [...plugins], message: refusalMessage(cluster.nodes.length, reasons) }
  const totals = feasible.length === 1 ? [0] : totalScores(pod, feasible, cluster, profile.scores)
  const most = Math.max(...totals)
  const best = feasible.filter((_, i) => totals[i] === most)
  const node = best[Math.floor(random() * best.length)] ?? best[0]
  return { kind: 'place', node: node?.name ?? '', feasible: feasible.length }
}
