import type { Pod } from 'kubernetes-types/core/v1.js'
import { isDeleting } from '../owner.ts'
import { isPodAvailable } from '../pod-state.ts'
import { isUpdated } from './daemon-node.ts'
import type { DaemonInput, NodeView } from './daemonset-plan.ts'

/** A number, or a share of the nodes, rounded up. */
const resolve = (value: number | string | undefined, total: number): number => {
  const share = /^(\d+)%$/.exec(String(value ?? 0))
  return share === null ? Number(value ?? 0) : Math.ceil((total * Number(share[1])) / 100)
}

interface Step {
  create: string[]
  delete: Pod[]
}

interface Pair {
  node: NodeView
  fresh: Pod | undefined
  old: Pod | undefined
  /** More than one of a kind: to be tidied up first. */
  crowded: boolean
}

const pairOf = ({ daemonSet, hash }: DaemonInput, node: NodeView): Pair => {
  const pods = node.pods.filter(pod => !isDeleting(pod))
  const fresh = pods.filter(pod => isUpdated(daemonSet, pod, hash))
  const old = pods.filter(pod => !fresh.includes(pod))
  return { node, fresh: fresh[0], old: old[0], crowded: fresh.length > 1 || old.length > 1 }
}

/** Old pods go as long as no more than `maxUnavailable` nodes are without; those that do not work go at once. */
const byDeleting = (pairs: readonly Pair[], maxUnavailable: number, available: (pod: Pod) => boolean): Step => {
  let unavailable = 0
  const broken: Pod[] = []
  const candidates: Pod[] = []
  for (const { fresh, old, crowded } of pairs) {
    if (crowded || (fresh === undefined) === (old === undefined)) unavailable++
    else if (fresh !== undefined) unavailable += available(fresh) ? 0 : 1
    else if (old !== undefined && available(old)) candidates.push(old)
    else if (old !== undefined) {
      broken.push(old)
      unavailable++
    }
  }
  return { create: [], delete: [...broken, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] }
}

/** New pods come beside old ones, at most `maxSurge` at once; an old one goes when the new one is available. */
const bySurging = (pairs: readonly Pair[], maxSurge: number, available: (pod: Pod) => boolean): Step => {
  const step: Step = { create: [], delete: [] }
  const desired = pairs.filter(({ node }) => node.verdict.shouldRun).length
  const candidates: string[] = []
  const leaving: Pod[] = []
  let surging = 0
  let served = 0
  for (const { node, fresh, old, crowded } of pairs) {
    if (crowded) {
      surging++
      continue
    }
    const serving = old ?? fresh
    if (serving !== undefined && available(serving)) served++
    if (old === undefined) continue
    if (fresh !== undefined) {
      if (available(fresh)) step.delete.push(old)
      else surging++
    } else if (!available(old)) {
      if (node.verdict.shouldRun) step.create.push(node.name)
      else step.delete.push(old)
    } else if (node.verdict.shouldRun) candidates.push(node.name)
    else leaving.push(old)
  }
  // A pod on a node that should have none goes once as many as wanted serve elsewhere.
  step.delete.push(...leaving.slice(0, Math.max(0, served - desired)))
  step.create.push(...candidates.slice(0, Math.max(0, maxSurge - surging)))
  return step
}

/** The next step from old pods to new ones, within maxUnavailable or maxSurge. */
export const planRollout = (input: DaemonInput, nodes: readonly NodeView[]): Step => {
  const { daemonSet, nowMs } = input
  const { maxSurge, maxUnavailable } = daemonSet.spec?.updateStrategy?.rollingUpdate ?? {}
  const desired = nodes.filter(({ verdict }) => verdict.shouldRun).length
  const surge = resolve(maxSurge, desired)
  const unavailable = resolve(maxUnavailable ?? 1, desired)
  const available = (pod: Pod) => isPodAvailable(pod, daemonSet.spec?.minReadySeconds ?? 0, nowMs)
  const pairs = nodes
    .filter(({ verdict, pods }) => verdict.shouldRun || pods.length > 0)
    .map(node => pairOf(input, node))
  if (surge > 0) return bySurging(pairs, surge, available)
  // Both 0 would let nothing move.
  return byDeleting(pairs, Math.max(unavailable, 1), available)
}
