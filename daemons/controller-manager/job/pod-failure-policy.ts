import type { PodFailurePolicy, PodFailurePolicyRule } from 'kubernetes-types/batch/v1.js'
import type { ContainerStatus, Pod } from 'kubernetes-types/core/v1.js'

export interface FailureAction {
  action: 'FailJob' | 'FailIndex' | 'Count' | 'Ignore'
  /** Why the Job fails; only of FailJob. */
  message: string
}

const matchingContainer = (
  { status }: Pod,
  { containerName, operator, values }: NonNullable<PodFailurePolicyRule['onExitCodes']>,
): ContainerStatus | undefined =>
  [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])].find(container => {
    const exitCode = container.state?.terminated?.exitCode ?? 0
    if (exitCode === 0 || (containerName !== undefined && containerName !== container.name)) return false
    if (operator === 'In') return values.includes(exitCode)
    return operator === 'NotIn' && !values.includes(exitCode)
  })

/** What a rule matches, in words; undefined: it does not match. */
const matched = (pod: Pod, rule: PodFailurePolicyRule): string | undefined => {
  const name = `${pod.metadata?.namespace}/${pod.metadata?.name}`
  if (rule.onExitCodes !== undefined) {
    const container = matchingContainer(pod, rule.onExitCodes)
    const exitCode = container?.state?.terminated?.exitCode
    return container && `Container ${container.name} for pod ${name} failed with exit code ${exitCode}`
  }
  const pattern = (rule.onPodConditions ?? []).find(({ type, status }) =>
    pod.status?.conditions?.some(condition => condition.type === type && condition.status === status),
  )
  return pattern && `Pod ${name} has condition ${pattern.type}`
}

/** What the first matching rule says of a failed pod; without one it counts as any failure does. */
export const matchFailurePolicy = (policy: PodFailurePolicy | undefined, pod: Pod): FailureAction | undefined => {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const found = matched(pod, rule)
    if (found === undefined) continue
    const { action } = rule
    if (action === 'FailJob') return { action, message: `${found} matching FailJob rule at index ${index}` }
    if (action === 'FailIndex' || action === 'Count' || action === 'Ignore') return { action, message: '' }
  }
  return undefined
}

/** Does the pod's failure count against the limits? */
export const isFailureCounted = (policy: PodFailurePolicy | undefined, pod: Pod): boolean =>
  matchFailurePolicy(policy, pod)?.action !== 'Ignore'
