import type { Pod } from 'kubernetes-types/core/v1.js'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from 'kubernetes-types/policy/v1.js'
import { withDisruptionAllowed } from '../../../kube/disruption-budget.ts'
import { equalJson } from '../../../kube/patch/json-value.ts'
import { timestamp } from '../controller-context.ts'
import { isPodReady } from '../pod-state.ts'

/** How long an evicted pod is awaited to be deleted before it counts again, as upstream. */
export const deletionTimeoutMs = 120_000

/** The pods' controllers and how many pods each wants; `unmanaged` have none. */
export interface ExpectedScale {
  count: number
  unmanaged: readonly string[]
}

export interface DisruptionPlan {
  /** Undefined: what stands is right. */
  status: PodDisruptionBudgetStatus | undefined
  /** When to look again; undefined: at the next change. */
  recheckAtMs: number | undefined
  /** Pods that were to be deleted and were not. */
  notDeleted: readonly Pod[]
}

/** Whether the number of pods is that of their controllers: percentages and what may be missing are of that. */
export const needsScale = ({ spec }: PodDisruptionBudget): boolean =>
  spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string'

/** `50%` of `total`, rounded up; a plain number is itself. */
const scaled = (value: number | string, total: number): number =>
  typeof value === 'number' ? value : Math.ceil((Number(value.replace('%', '')) * total) / 100)

const desiredOf = ({ spec }: PodDisruptionBudget, expected: number): number => {
  if (spec?.maxUnavailable !== undefined) return Math.max(0, expected - scaled(spec.maxUnavailable, expected))
  return spec?.minAvailable === undefined ? 0 : scaled(spec.minAvailable, expected)
}

const disruptedPods = (budget: PodDisruptionBudget, pods: readonly Pod[], nowMs: number) => {
  const before = budget.status?.disruptedPods ?? {}
  const kept: Record<string, string> = {}
  const notDeleted: Pod[] = []
  let recheckAtMs: number | undefined
  for (const pod of pods) {
    const name = pod.metadata?.name ?? ''
    const since = before[name]
    if (pod.metadata?.deletionTimestamp !== undefined || since === undefined) continue
    const until = Date.parse(since) + deletionTimeoutMs
    if (until < nowMs) notDeleted.push(pod)
    else {
      kept[name] = since
      recheckAtMs = Math.min(until + 1, recheckAtMs ?? Infinity)
    }
  }
  return { kept, notDeleted, recheckAtMs }
}

/** What the status of a budget should be (upstream's disruption controller). */
export const planDisruption = (
  budget: PodDisruptionBudget,
  { pods, scale, nowMs }: { pods: readonly Pod[]; scale: ExpectedScale | undefined; nowMs: number },
): DisruptionPlan => {
  const { kept, notDeleted, recheckAtMs } = disruptedPods(budget, pods, nowMs)
  const neither = budget.spec?.minAvailable === undefined && budget.spec?.maxUnavailable === undefined
  const expectedPods = neither ? 0 : (scale?.count ?? pods.length)
  const desiredHealthy = desiredOf(budget, expectedPods)
  const currentHealthy = pods.filter(
    pod =>
      pod.metadata?.deletionTimestamp === undefined && kept[pod.metadata?.name ?? ''] === undefined && isPodReady(pod),
  ).length
  // A budget without pods is not yet one that has been counted: nothing goes.
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy)
  const status: PodDisruptionBudgetStatus = {
    currentHealthy,
    desiredHealthy,
    disruptionsAllowed,
    expectedPods,
    observedGeneration: budget.metadata?.generation ?? 0,
    ...(Object.keys(kept).length === 0 ? {} : { disruptedPods: kept }),
    ...(budget.status?.conditions === undefined ? {} : { conditions: budget.status.conditions }),
  }
  status.conditions = withDisruptionAllowed(status, timestamp(nowMs))
  return { status: equalJson(status, budget.status) ? undefined : status, recheckAtMs, notDeleted }
}

/** Where the pods could not be counted, nothing may go until they can. */
export const failedStatus = (
  budget: PodDisruptionBudget,
  { message, nowMs }: { message: string; nowMs: number },
): PodDisruptionBudgetStatus => {
  const before = budget.status ?? { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }
  const status = { ...before, disruptionsAllowed: 0 }
  const conditions = withDisruptionAllowed(status, timestamp(nowMs))
  return {
    ...status,
    conditions: conditions.map(condition =>
      condition.type === 'DisruptionAllowed' ? { ...condition, reason: 'SyncFailed', message } : condition,
    ),
  }
}
