import type { NodeInfo } from '../framework/node-info.ts'
import { MAX_SCORE, type FilterPlugin, type ScorePlugin } from '../framework/plugin.ts'

/** Every resource the pod requests must be free, and the node must take one more pod. */
export const nodeResourcesFit: FilterPlugin = {
  name: 'NodeResourcesFit',
  movedBy: ['node-added', 'node-changed', 'pod-removed'],
  filter: ({ requests }) => {
    const wanted = Object.entries(requests).filter(([, amount]) => amount > 0)
    return node => {
      const reasons: string[] = []
      if (node.pods.size + 1 > (node.allocatable['pods'] ?? 0)) reasons.push('Too many pods')
      for (const [name, amount] of wanted)
        if ((node.requested[name] ?? 0) + amount > (node.allocatable[name] ?? 0)) reasons.push(`Insufficient ${name}`)
      return reasons
    }
  },
}

const SCORED = ['cpu', 'memory'] as const

const leastAllocated = (node: NodeInfo, scored: { cpu: number; memory: number }): number => {
  const shares = SCORED.flatMap(name => {
    const allocatable = node.allocatable[name] ?? 0
    if (allocatable === 0) return []
    const taken = node.scored[name] + scored[name]
    return [taken > allocatable ? 0 : ((allocatable - taken) * MAX_SCORE) / allocatable]
  })
  return shares.length === 0 ? 0 : Math.floor(shares.reduce((a, b) => a + b, 0) / shares.length)
}

/** Upstream's LeastAllocated strategy: the more of cpu and memory stays free, the better. */
export const nodeResourcesFitScore: ScorePlugin = {
  name: 'NodeResourcesFit',
  weight: 1,
  score: ({ scored }, nodes) => nodes.map(node => leastAllocated(node, scored)),
}

/** The closer the used shares of cpu and memory are to each other, the better. */
export const nodeResourcesBalancedAllocation: ScorePlugin = {
  name: 'NodeResourcesBalancedAllocation',
  weight: 1,
  score: ({ requests }, nodes) => {
    if (SCORED.every(name => (requests[name] ?? 0) === 0)) return undefined
    return nodes.map(node => {
      const [cpu, memory] = SCORED.map(name => {
        const allocatable = node.allocatable[name] ?? 0
        return allocatable === 0 ? 0 : Math.min(1, ((node.requested[name] ?? 0) + (requests[name] ?? 0)) / allocatable)
      })
      // The standard deviation of two shares is half their distance.
      return Math.floor((1 - Math.abs((cpu ?? 0) - (memory ?? 0)) / 2) * MAX_SCORE)
    })
  },
}
