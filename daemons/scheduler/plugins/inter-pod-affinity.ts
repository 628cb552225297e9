import type { AffinityTerm } from '../framework/affinity-terms.ts'
import type { NodeInfo } from '../framework/node-info.ts'
import { FITS, MAX_SCORE, type ClusterView, type FilterPlugin, type ScorePlugin } from '../framework/plugin.ts'
import type { PodInfo } from '../framework/pod-info.ts'

const REFUSED = ["node(s) didn't match pod affinity rules"]
const REFUSED_ANTI = ["node(s) didn't match pod anti-affinity rules"]
const REFUSED_BY_OTHERS = ["node(s) didn't satisfy existing pods anti-affinity rules"]

/** Weights by topology domain; a domain is a label's key and value together. */
class Domains {
  readonly #weights = new Map<string, number>()
  add(node: NodeInfo, topologyKey: string, weight = 1): void {
    const value = node.labels[topologyKey]
    if (value === undefined) return
    const key = `${topologyKey}\0${value}`
    this.#weights.set(key, (this.#weights.get(key) ?? 0) + weight)
  }
  at(node: NodeInfo, topologyKey: string): number {
    const value = node.labels[topologyKey]
    return value === undefined ? 0 : (this.#weights.get(`${topologyKey}\0${value}`) ?? 0)
  }
  get empty(): boolean {
    return this.#weights.size === 0
  }
  /** Over every key a node has a domain in. */
  total(node: NodeInfo): number {
    let sum = 0
    for (const [key, value] of Object.entries(node.labels)) sum += this.#weights.get(`${key}\0${value}`) ?? 0
    return sum
  }
}

/** Domains where pods already there refuse the incoming one. */
const refusingDomains = (info: PodInfo, cluster: ClusterView): Domains => {
  const domains = new Domains()
  const labels = (name: string) => cluster.namespaceLabels(name)
  for (const node of cluster.nodes)
    for (const other of node.withAffinity)
      for (const term of other.affinity.requiredAnti)
        if (term.matches(info.pod, labels)) domains.add(node, term.topologyKey)
  return domains
}

const matchingDomains = (
  cluster: ClusterView,
  terms: readonly AffinityTerm[],
  counts: (other: PodInfo, term: AffinityTerm) => boolean,
): Domains => {
  const domains = new Domains()
  if (terms.length === 0) return domains
  for (const node of cluster.nodes)
    for (const other of node.pods.values())
      for (const term of terms) if (counts(other, term)) domains.add(node, term.topologyKey)
  return domains
}

export const interPodAffinity: FilterPlugin = {
  name: 'InterPodAffinity',
  movedBy: ['node-added', 'node-changed', 'pod-assigned', 'pod-removed'],
  filter: (info, cluster) => {
    const { required, requiredAnti } = info.affinity
    const refusing = refusingDomains(info, cluster)
    if (required.length === 0 && requiredAnti.length === 0 && refusing.empty) return undefined
    const labels = (name: string) => cluster.namespaceLabels(name)
    // A pod counts for affinity only when every term speaks of it.
    const near = matchingDomains(cluster, required, other => required.every(t => t.matches(other.pod, labels)))
    const far = matchingDomains(cluster, requiredAnti, (other, term) => term.matches(other.pod, labels))
    // The first pod of a group that wants to be near its own kind may go anywhere that has the labels.
    const first = near.empty && required.every(term => term.matches(info.pod, labels))
    return node => {
      if (!required.every(t => node.labels[t.topologyKey] !== undefined && (first || near.at(node, t.topologyKey) > 0)))
        return REFUSED
      if (requiredAnti.some(term => far.at(node, term.topologyKey) > 0)) return REFUSED_ANTI
      return refusing.total(node) > 0 ? REFUSED_BY_OTHERS : FITS
    }
  },
}

const preferenceDomains = (info: PodInfo, cluster: ClusterView): Domains => {
  const domains = new Domains()
  const labels = (name: string) => cluster.namespaceLabels(name)
  const own = [
    ...info.affinity.preferred.map(term => ({ term, sign: 1 })),
    ...info.affinity.preferredAnti.map(term => ({ term, sign: -1 })),
  ]
  for (const node of cluster.nodes) {
    // Only pods with terms of their own matter when the incoming pod has none: usually nobody.
    for (const other of own.length > 0 ? node.pods.values() : node.withAffinity) {
      for (const { term, sign } of own)
        if (term.matches(other.pod, labels)) domains.add(node, term.topologyKey, sign * term.weight)
      for (const term of other.affinity.preferred)
        if (term.matches(info.pod, labels)) domains.add(node, term.topologyKey, term.weight)
      for (const term of other.affinity.preferredAnti)
        if (term.matches(info.pod, labels)) domains.add(node, term.topologyKey, -term.weight)
      // Upstream's hardPodAffinityWeight: a required affinity of theirs pulls with weight 1.
      for (const term of other.affinity.required)
        if (term.matches(info.pod, labels)) domains.add(node, term.topologyKey, 1)
    }
  }
  return domains
}

export const interPodAffinityScore: ScorePlugin = {
  name: 'InterPodAffinity',
  weight: 2,
  score: (info, nodes, cluster) => {
    const domains = preferenceDomains(info, cluster)
    if (domains.empty) return undefined
    const totals = nodes.map(node => domains.total(node))
    const most = Math.max(...totals)
    const least = Math.min(...totals)
    return totals.map(total => (most === least ? 0 : Math.floor((MAX_SCORE * (total - least)) / (most - least))))
  },
}
