import type { Lease } from 'kubernetes-types/coordination/v1.js'
import type { Node, NodeCondition } from 'kubernetes-types/core/v1.js'
import { timestamp } from '../controller-context.ts'

/** The last sign of life of a node, by our own clock: the nodes' clocks may be wrong. */
export interface Health {
  renewTime: string | undefined
  heartbeat: string | undefined
  seenAtMs: number
}

export interface HealthLimits {
  /** Without a sign of life for this long a node's state is unknown. */
  graceMs: number
  /** The same for a node that has never said it is ready. */
  startupGraceMs: number
}

const readyOf = (node: Node): NodeCondition | undefined =>
  node.status?.conditions?.find(condition => condition.type === 'Ready')

export const isNodeReady = (node: Node): boolean => readyOf(node)?.status === 'True'

/** Takes in what the node and its Lease show now. */
export const observe = (known: Health | undefined, node: Node, lease: Lease | undefined, nowMs: number): Health => {
  const renewTime = lease?.spec?.renewTime
  const heartbeat = readyOf(node)?.lastHeartbeatTime
  if (known === undefined) {
    const created = Date.parse(node.metadata?.creationTimestamp ?? '')
    // One that never reported is counted from its creation, one that did from now, when we first see it.
    const seenAtMs = readyOf(node) === undefined && Number.isFinite(created) ? created : nowMs
    return { renewTime, heartbeat, seenAtMs }
  }
  const isAlive = renewTime !== known.renewTime || heartbeat !== known.heartbeat
  // Our own verdict carries no heartbeat; it must not count as one.
  return { renewTime, heartbeat, seenAtMs: isAlive ? nowMs : known.seenAtMs }
}

const kinds = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const

/** The conditions of a node that has fallen silent, or undefined while there is nothing to write. */
export const silentConditions = (
  node: Node,
  health: Health,
  limits: HealthLimits,
  nowMs: number,
): NodeCondition[] | undefined => {
  const grace = readyOf(node) === undefined ? limits.startupGraceMs : limits.graceMs
  if (nowMs - health.seenAtMs <= grace) return undefined
  const known = node.status?.conditions ?? []
  const lastTransitionTime = timestamp(nowMs)
  const verdicts = kinds.map((type): NodeCondition => {
    const before = known.find(condition => condition.type === type)
    if (before?.status === 'Unknown') return before
    const { lastHeartbeatTime = node.metadata?.creationTimestamp ?? lastTransitionTime } = before ?? {}
    return {
      type,
      status: 'Unknown',
      reason: before === undefined ? 'NodeStatusNeverUpdated' : 'NodeStatusUnknown',
      message: before === undefined ? 'Kubelet never posted node status.' : 'Kubelet stopped posting node status.',
      lastHeartbeatTime,
      lastTransitionTime,
    }
  })
  if (verdicts.every(verdict => known.includes(verdict))) return undefined
  return [...known.filter(condition => !verdicts.some(verdict => verdict.type === condition.type)), ...verdicts]
}
