import type { Pod, ResourceQuota } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import { draftOf } from '../../kinds/draft.ts'
import type { Draft } from '../../kinds/draft.ts'
import { qosClass } from '../../kinds/pod-qos.ts'
import type { Kind } from '../../kinds/kind.ts'

interface ScopeRule {
  scope: string
  operator: string
  values: readonly string[]
}

/** The scopes of a quota, those of its selector included. */
const rulesOf = ({ spec }: Draft<ResourceQuota>): ScopeRule[] => [
  ...(spec?.scopes ?? []).map(scope => ({ scope, operator: 'Exists', values: [] })),
  ...(spec?.scopeSelector?.matchExpressions ?? []).map(({ scopeName = '', operator = '', values = [] }) => ({
    scope: scopeName,
    operator,
    values: values as readonly string[],
  })),
]

const namesNamespaces = (pod: Draft<Pod>): boolean => {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {}
  const terms = [podAffinity, podAntiAffinity].flatMap(affinity => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(term => term.podAffinityTerm ?? {}),
  ])
  return terms.some(term => (term.namespaces ?? []).length > 0 || term.namespaceSelector !== undefined)
}

const classHolds = (name: string, { operator, values }: ScopeRule): boolean => {
  switch (operator) {
    case 'In':
      return values.includes(name)
    case 'NotIn':
      return !values.includes(name)
    case 'Exists':
      return name !== ''
    default:
      return name === ''
  }
}

const holds = (rule: ScopeRule, object: UnknownObject): boolean => {
  const pod = draftOf<Pod>(object)
  const terminating = (pod.spec?.activeDeadlineSeconds ?? -1) >= 0
  switch (rule.scope) {
    case 'Terminating':
      return terminating
    case 'NotTerminating':
      return !terminating
    case 'BestEffort':
      return qosClass(pod.spec ?? {}) === 'BestEffort'
    case 'NotBestEffort':
      return qosClass(pod.spec ?? {}) !== 'BestEffort'
    case 'PriorityClass':
      return classHolds(pod.spec?.priorityClassName ?? '', rule)
    case 'CrossNamespacePodAffinity':
      return namesNamespaces(pod)
    default:
      return false
  }
}

/** Whether the quota counts this object, as far as its scopes go: only pods have any. */
export const scopesMatch = (quota: Draft<ResourceQuota>, kind: Kind, object: UnknownObject): boolean => {
  const rules = rulesOf(quota)
  if (rules.length === 0) return true
  return kind.group === '' && kind.plural === 'pods' && rules.every(rule => holds(rule, object))
}
