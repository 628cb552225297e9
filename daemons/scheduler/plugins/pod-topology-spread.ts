import type { Pod, TopologySpreadConstraint } from 'kubernetes-types/core/v1.js'
import { matchesLabels, requirementsOf, type LabelSelector } from '../../../kube/selectors.ts'
import type { NodeInfo } from '../framework/node-info.ts'
import { FITS, MAX_SCORE, type ClusterView, type FilterPlugin, type ScorePlugin } from '../framework/plugin.ts'
import type { PodInfo } from '../framework/pod-info.ts'
import { matchesNodeAffinity } from '../../../kube/node-affinity.ts'
import { tolerated } from '../../../kube/tolerations.ts'

const REFUSED = ["node(s) didn't match pod topology spread constraints"]
const NO_LABEL = ["node(s) didn't match pod topology spread constraints (missing required label)"]
const HOSTNAME = 'kubernetes.io/hostname'
const ZONE = 'topology.kubernetes.io/zone'

interface Constraint {
  topologyKey: string
  maxSkew: number
  minDomains: number
  /** Which pods count. */
  matches(pod: Pod): boolean
  /** Which nodes' pods count. */
  includes(node: NodeInfo): boolean
}

const readConstraint = (row: TopologySpreadConstraint, pod: Pod): Constraint => {
  const keyed: LabelSelector = (row.matchLabelKeys ?? []).flatMap(key => {
    const value = pod.metadata?.labels?.[key]
    return value === undefined ? [] : [{ key, op: 'In' as const, values: [value] }]
  })
  const selector = row.labelSelector === undefined ? undefined : [...requirementsOf(row.labelSelector), ...keyed]
  return {
    topologyKey: row.topologyKey,
    maxSkew: row.maxSkew,
    minDomains: row.minDomains ?? 1,
    matches: other => selector !== undefined && matchesLabels(selector, other.metadata?.labels),
    includes: node =>
      (row.nodeAffinityPolicy === 'Ignore' || matchesNodeAffinity(pod.spec, node)) &&
      (row.nodeTaintsPolicy !== 'Honor' ||
        node.taints.every(t => t.effect === 'PreferNoSchedule' || tolerated(pod.spec?.tolerations, t))),
  }
}

const constraintsOf = (pod: Pod, action: 'DoNotSchedule' | 'ScheduleAnyway'): Constraint[] =>
  (pod.spec?.topologySpreadConstraints ?? [])
    .filter(row => row.whenUnsatisfiable === action)
    .map(row => readConstraint(row, pod))

/**
 * The cluster's defaults for pods that name no constraint: softly over hosts, then zones. Pods count as alike when one
 * controller owns them (upstream looks the owner's and Services' selectors up, which gives the same set for them).
 */
const defaultConstraints = ({ controllerUid }: PodInfo): Constraint[] => {
  if (controllerUid === '') return []
  const matches = (other: Pod) =>
    other.metadata?.ownerReferences?.some(owner => owner.controller === true && owner.uid === controllerUid) === true
  return [
    { topologyKey: HOSTNAME, maxSkew: 3, minDomains: 1, matches, includes: () => true },
    { topologyKey: ZONE, maxSkew: 5, minDomains: 1, matches, includes: () => true },
  ]
}

/** How many matching pods each domain of the constraint's key has; domains without any are there with 0. */
const countDomains = (constraint: Constraint, pod: Pod, nodes: readonly NodeInfo[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const node of nodes) {
    const domain = node.labels[constraint.topologyKey]
    if (domain === undefined || !constraint.includes(node)) continue
    let count = counts.get(domain) ?? 0
    for (const { pod: other } of node.pods.values())
      if (
        other.metadata?.namespace === pod.metadata?.namespace &&
        other.metadata?.deletionTimestamp === undefined &&
        constraint.matches(other)
      )
        count++
    counts.set(domain, count)
  }
  return counts
}

export const podTopologySpread: FilterPlugin = {
  name: 'PodTopologySpread',
  movedBy: ['node-added', 'node-changed', 'pod-assigned', 'pod-removed'],
  filter: ({ pod }, cluster) => {
    const constraints = constraintsOf(pod, 'DoNotSchedule')
    if (constraints.length === 0) return undefined
    // Only nodes that have every constraint's label make up domains.
    const eligible = cluster.nodes.filter(node => constraints.every(c => node.labels[c.topologyKey] !== undefined))
    const rows = constraints.map(constraint => {
      const counts = countDomains(constraint, pod, eligible)
      const least = counts.size < constraint.minDomains ? 0 : Math.min(...counts.values())
      return { constraint, counts, least, self: constraint.matches(pod) ? 1 : 0 }
    })
    return node => {
      for (const { constraint, counts, least, self } of rows) {
        const domain = node.labels[constraint.topologyKey]
        if (domain === undefined) return NO_LABEL
        if ((counts.get(domain) ?? 0) + self - least > constraint.maxSkew) return REFUSED
      }
      return FITS
    }
  },
}

const scoreConstraints = (
  { pod }: PodInfo,
  nodes: readonly NodeInfo[],
  cluster: ClusterView,
  soft: { constraints: readonly Constraint[]; needAllLabels: boolean },
): number[] => {
  const { constraints, needAllLabels } = soft
  const ignored = (node: NodeInfo) => needAllLabels && constraints.some(c => node.labels[c.topologyKey] === undefined)
  const totals = nodes.map(() => 0)
  for (const constraint of constraints) {
    const counts = countDomains(constraint, pod, cluster.nodes)
    const domains = new Set(nodes.filter(n => !ignored(n)).map(n => n.labels[constraint.topologyKey]))
    domains.delete(undefined)
    // Upstream's weight: the more domains there are, the less one pod in one of them would count.
    const weight = Math.log(domains.size + 2)
    nodes.forEach((node, i) => {
      const domain = node.labels[constraint.topologyKey]
      if (domain !== undefined)
        totals[i] = (totals[i] ?? 0) + (counts.get(domain) ?? 0) * weight + constraint.maxSkew - 1
    })
  }
  const counted = totals.map(Math.round).filter((_, i) => !ignored(nodes[i] as NodeInfo))
  const most = Math.max(0, ...counted)
  const least = counted.length === 0 ? 0 : Math.min(...counted)
  return totals.map((total, i) => {
    if (ignored(nodes[i] as NodeInfo)) return 0
    return most === 0 ? MAX_SCORE : Math.floor((MAX_SCORE * (most + least - Math.round(total))) / most)
  })
}

export const podTopologySpreadScore: ScorePlugin = {
  name: 'PodTopologySpread',
  weight: 2,
  score: (info, nodes, cluster) => {
    if ((info.pod.spec?.topologySpreadConstraints ?? []).length > 0) {
      const constraints = constraintsOf(info.pod, 'ScheduleAnyway')
      return constraints.length === 0
        ? undefined
        : scoreConstraints(info, nodes, cluster, { constraints, needAllLabels: true })
    }
    const constraints = defaultConstraints(info)
    return constraints.length === 0
      ? undefined
      : scoreConstraints(info, nodes, cluster, { constraints, needAllLabels: false })
  },
}
