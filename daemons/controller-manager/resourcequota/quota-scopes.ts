import type { Pod, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from 'kubernetes-types/core/v1.js'

type Rule = ScopedResourceSelectorRequirement

const isTerminating = (pod: Pod): boolean => pod.spec?.activeDeadlineSeconds !== undefined

const isBestEffort = (pod: Pod): boolean => pod.status?.qosClass === 'BestEffort'

const reachesOtherNamespaces = (pod: Pod): boolean => {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {}
  return [podAffinity, podAntiAffinity].some(rules =>
    [
      ...(rules?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(rules?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(row => row.podAffinityTerm),
    ].some(term => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined),
  )
}

const compares = ({ operator, values = [] }: Rule, value: string | undefined): boolean => {
  switch (operator) {
    case 'Exists':
      return value !== undefined && value !== ''
    case 'DoesNotExist':
      return value === undefined || value === ''
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    default:
      return false
  }
}

const holds = (rule: Rule, pod: Pod): boolean => {
  switch (rule.scopeName) {
    case 'Terminating':
      return isTerminating(pod)
    case 'NotTerminating':
      return !isTerminating(pod)
    case 'BestEffort':
      return isBestEffort(pod)
    case 'NotBestEffort':
      return !isBestEffort(pod)
    case 'PriorityClass':
      return compares(rule, pod.spec?.priorityClassName)
    case 'CrossNamespacePodAffinity':
      return reachesOtherNamespaces(pod)
    default:
      return false
  }
}

export const scopeRules = (spec: ResourceQuotaSpec | undefined): readonly Rule[] => [
  ...(spec?.scopes ?? []).map(scopeName => ({ scopeName, operator: 'Exists' })),
  ...(spec?.scopeSelector?.matchExpressions ?? []),
]

/** Whether a quota of these scopes counts the pod. */
export const inScope = (rules: readonly Rule[], pod: Pod): boolean => rules.every(rule => holds(rule, pod))
