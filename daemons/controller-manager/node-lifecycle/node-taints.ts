import type { Node, Taint } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { timestamp } from '../controller-context.ts'

export const notReadyTaint = 'node.kubernetes.io/not-ready'
export const unreachableTaint = 'node.kubernetes.io/unreachable'

/** Condition, the status that taints, and the key. */
const byCondition: readonly (readonly [type: string, status: string, key: string])[] = [
  ['Ready', 'False', notReadyTaint],
  ['Ready', 'Unknown', unreachableTaint],
  ['MemoryPressure', 'True', 'node.kubernetes.io/memory-pressure'],
  ['DiskPressure', 'True', 'node.kubernetes.io/disk-pressure'],
  ['PIDPressure', 'True', 'node.kubernetes.io/pid-pressure'],
  ['NetworkUnavailable', 'True', 'node.kubernetes.io/network-unavailable'],
]

const unschedulableTaint = 'node.kubernetes.io/unschedulable'

/** Taints that this controller sets and takes away; everybody else's stay. */
const isManaged = ({ key, effect }: Taint): boolean => {
  if (effect === 'NoSchedule') return key === unschedulableTaint || byCondition.some(row => row[2] === key)
  return effect === 'NoExecute' && (key === notReadyTaint || key === unreachableTaint)
}

/**
 * The taints a node is to have by its conditions; undefined when it has them. `mayEvict` is false while every node
 * is silent: then it is rather us who are cut off, and no pod is driven away.
 */
export const planTaints = (node: Node, mayEvict: boolean, nowMs: number): Taint[] | undefined => {
  const conditions = node.status?.conditions ?? []
  const statusOf = (type: string) => conditions.find(condition => condition.type === type)?.status
  const keys = byCondition.filter(([type, status]) => statusOf(type) === status).map(row => row[2])
  const wanted: Taint[] = keys.map(key => ({ key, effect: 'NoSchedule' }))
  if (node.spec?.unschedulable === true) wanted.push({ key: unschedulableTaint, effect: 'NoSchedule' })
  if (mayEvict)
    for (const key of keys)
      if (key === notReadyTaint || key === unreachableTaint) wanted.push({ key, effect: 'NoExecute' })
  const known = node.spec?.taints ?? []
  const next = [
    ...known.filter(taint => !isManaged(taint)),
    ...wanted.map(taint => {
      const before = known.find(one => one.key === taint.key && one.effect === taint.effect)
      return before ?? { ...taint, timeAdded: timestamp(nowMs) }
    }),
  ]
  const order = (taints: readonly Taint[]) => taints.map(taint => `${taint.key}:${taint.effect}`).sort()
  return isDeepStrictEqual(order(next), order(known)) ? undefined : next
}
