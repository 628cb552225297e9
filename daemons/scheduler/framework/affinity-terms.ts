import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from 'kubernetes-types/core/v1.js'
import { matchesLabels, requirementsOf, type LabelSelector } from '../../../kube/selectors.ts'

/** One pod (anti-)affinity term, read once. */
export interface AffinityTerm {
  readonly topologyKey: string
  readonly weight: number
  /** Does the term speak of this pod? `namespaceLabels` gives a namespace's labels. */
  matches(pod: Pod, namespaceLabels: (name: string) => Readonly<Record<string, string>>): boolean
}

export interface AffinityTerms {
  readonly required: readonly AffinityTerm[]
  readonly requiredAnti: readonly AffinityTerm[]
  readonly preferred: readonly AffinityTerm[]
  readonly preferredAnti: readonly AffinityTerm[]
}

const NONE: AffinityTerms = { required: [], requiredAnti: [], preferred: [], preferredAnti: [] }

/** `matchLabelKeys` and `mismatchLabelKeys` take the values of the pod that carries the term. */
const selectorOf = (term: PodAffinityTerm, owner: Pod): LabelSelector => {
  const labels = owner.metadata?.labels ?? {}
  const keyed = (keys: readonly string[] | undefined, op: 'In' | 'NotIn'): LabelSelector =>
    (keys ?? []).flatMap(key => {
      const value = labels[key]
      return value === undefined ? [] : [{ key, op, values: [value] }]
    })
  return [
    ...requirementsOf(term.labelSelector ?? {}),
    ...keyed(term.matchLabelKeys, 'In'),
    ...keyed(term.mismatchLabelKeys, 'NotIn'),
  ]
}

const readTerm = (term: PodAffinityTerm, weight: number, owner: Pod): AffinityTerm => {
  const selector = selectorOf(term, owner)
  const ofNamespaces = term.namespaceSelector === undefined ? undefined : requirementsOf(term.namespaceSelector)
  const named = new Set(term.namespaces ?? [])
  // Neither a list nor a selector: the namespace of the pod that carries the term.
  if (named.size === 0 && ofNamespaces === undefined) named.add(owner.metadata?.namespace ?? '')
  return {
    topologyKey: term.topologyKey,
    weight,
    matches: (pod, namespaceLabels) => {
      // An absent label selector speaks of no pod.
      if (term.labelSelector === undefined) return false
      const namespace = pod.metadata?.namespace ?? ''
      if (
        !named.has(namespace) &&
        !(ofNamespaces !== undefined && matchesLabels(ofNamespaces, namespaceLabels(namespace)))
      )
        return false
      return matchesLabels(selector, pod.metadata?.labels)
    },
  }
}

export const affinityTermsOf = (pod: Pod): AffinityTerms => {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {}
  if (podAffinity === undefined && podAntiAffinity === undefined) return NONE
  const all = (terms: readonly PodAffinityTerm[] | undefined) => (terms ?? []).map(term => readTerm(term, 1, pod))
  const weighted = (terms: readonly WeightedPodAffinityTerm[] | undefined) =>
    (terms ?? []).map(({ podAffinityTerm, weight }) => readTerm(podAffinityTerm, weight, pod))
  return {
    required: all(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAnti: all(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: weighted(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAnti: weighted(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  }
}

export const hasTerms = (terms: AffinityTerms): boolean => terms !== NONE
