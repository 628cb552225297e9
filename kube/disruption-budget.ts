import type { Condition } from 'kubernetes-types/meta/v1.js'
import type { PodDisruptionBudgetStatus } from 'kubernetes-types/policy/v1.js'

const type = 'DisruptionAllowed'

/**
 * The budget's conditions with the one that says whether a pod may be evicted (upstream's component-helpers); `now` is
 * an RFC 3339 time in whole seconds. The API server and the disruption controller both write it.
 */
export const withDisruptionAllowed = (status: PodDisruptionBudgetStatus, now: string): Condition[] => {
  const conditions = status.conditions ?? []
  const allowed = status.disruptionsAllowed > 0
  const before = conditions.find(condition => condition.type === type)
  const word = allowed ? 'True' : 'False'
  const next: Condition = {
    type,
    status: word,
    observedGeneration: status.observedGeneration ?? 0,
    lastTransitionTime: before?.status === word ? before.lastTransitionTime : now,
    reason: allowed ? 'SufficientPods' : 'InsufficientPods',
    message: '',
  }
  return before === undefined
    ? [...conditions, next]
    : conditions.map(condition => (condition.type === type ? next : condition))
}
