import type { Pod } from 'kubernetes-types/core/v1.js'
import { isPodReady, podCondition } from '../pod-state.ts'

const costOf = (pod: Pod): number => {
  const text = pod.metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? '0'
  return /^[+-]?\d+$/.test(text) ? Number(text) : 0
}

const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 }

const restartsOf = (pod: Pod): number =>
  Math.max(0, ...(pod.status?.containerStatuses ?? []).map(status => status.restartCount))

/**
 * Ages are compared by their order of magnitude, so that of pods about equally old not always the newest goes
 * (KEP-2185); a time that is missing counts as the newest.
 */
const ageRank = (time: string | undefined, nowMs: number): number => {
  const ageMs = nowMs - Date.parse(time ?? '')
  return Number.isFinite(ageMs) && ageMs > 0 ? Math.floor(Math.log2(ageMs * 1e6)) : -1
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * Pods in the order in which a ReplicaSet gives them up, as upstream ranks them: without a node, not running, not
 * ready, cheap to delete, doubled on a node, lately ready, often restarted, lately made.
 * `related` are all pods of the same owner's siblings; they say how crowded a node is.
 */
export const deletionOrder = (pods: readonly Pod[], related: readonly Pod[], nowMs: number): Pod[] => {
  const onNode = new Map<string, number>()
  for (const pod of related) {
    const node = pod.spec?.nodeName
    if (node !== undefined) onNode.set(node, (onNode.get(node) ?? 0) + 1)
  }
  const crowd = (pod: Pod) => onNode.get(pod.spec?.nodeName ?? '') ?? 0
  const readySince = (pod: Pod) => podCondition(pod, 'Ready')?.lastTransitionTime
  const rules: ((pod: Pod) => number)[] = [
    pod => (pod.spec?.nodeName === undefined ? 0 : 1),
    pod => phaseRank[pod.status?.phase ?? 'Unknown'] ?? 1,
    pod => (isPodReady(pod) ? 1 : 0),
    costOf,
    pod => -crowd(pod),
    pod => (isPodReady(pod) ? ageRank(readySince(pod), nowMs) : 0),
    pod => -restartsOf(pod),
    pod => ageRank(pod.metadata?.creationTimestamp, nowMs),
  ]
  return [...pods].sort((a, b) => {
    for (const rule of rules) {
      const order = rule(a) - rule(b)
      if (order !== 0) return order
    }
    return compareText(a.metadata?.uid ?? '', b.metadata?.uid ?? '')
  })
}
