import type { DaemonSet } from 'kubernetes-types/apps/v1.js'
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import { isDeleting } from '../owner.ts'
import { isPodAvailable, isPodReady, isPodTerminal } from '../pod-state.ts'
import { isUpdated, judgeNode, targetNode, type NodeVerdict } from './daemon-node.ts'
import { planRollout } from './daemonset-rollout.ts'

export interface DaemonInput {
  daemonSet: DaemonSet
  nodes: readonly Node[]
  /** Those it controls. */
  pods: readonly Pod[]
  /** Of the present template's revision. */
  hash: string
  nowMs: number
  /** Milliseconds for which a failed pod on this node is left standing, lest it and the kubelet chase each other. */
  failedWait(node: string): number
}

export interface NodeView {
  name: string
  verdict: NodeVerdict
  /** The pods on the node or bound for it, the one to keep first. */
  pods: Pod[]
}

export interface DaemonPlan {
  /** Names of nodes that get a pod. */
  create: string[]
  delete: Pod[]
  /** Nodes whose failed pod goes now. */
  failedOn: string[]
  events: ['Normal' | 'Warning', string, string][]
  againMs: number | undefined
}

/** Placed before waiting, then the oldest. */
const keepFirst = (a: Pod, b: Pod): number =>
  Number((b.spec?.nodeName ?? '') !== '') - Number((a.spec?.nodeName ?? '') !== '') ||
  Date.parse(a.metadata?.creationTimestamp ?? '') - Date.parse(b.metadata?.creationTimestamp ?? '') ||
  ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1)

/** Every node, and what of the daemon's is there. */
export const viewNodes = ({ daemonSet, nodes, pods }: DaemonInput): NodeView[] => {
  const byNode = new Map<string, Pod[]>()
  for (const pod of pods) {
    if (isPodTerminal(pod) && isDeleting(pod)) continue
    const node = targetNode(pod)
    byNode.set(node, [...(byNode.get(node) ?? []), pod])
  }
  return nodes.map(node => {
    const name = node.metadata?.name ?? ''
    return { name, verdict: judgeNode(daemonSet, node), pods: (byNode.get(name) ?? []).sort(keepFirst) }
  })
}

export const allowsSurge = ({ spec }: DaemonSet): boolean => {
  const { type, rollingUpdate } = spec?.updateStrategy ?? {}
  const surge = rollingUpdate?.maxSurge ?? 0
  return type === 'RollingUpdate' && surge !== 0 && surge !== '0%'
}

/** With surge a node may have an old pod that is ready beside a new one that is not yet. */
const surplus = (input: DaemonInput, running: readonly Pod[]): Pod[] => {
  const { daemonSet, hash, nowMs } = input
  if (!allowsSurge(daemonSet)) return running.slice(1)
  const fresh = running.filter(pod => isUpdated(daemonSet, pod, hash))
  const old = running.filter(pod => !fresh.includes(pod))
  const doomed = [...fresh.slice(1), ...old.slice(1)]
  const [newest, oldest] = [fresh[0], old[0]]
  if (newest === undefined || oldest === undefined) return doomed
  const replaced = !isPodReady(oldest) || isPodAvailable(newest, daemonSet.spec?.minReadySeconds ?? 0, nowMs)
  return replaced ? [...doomed, oldest] : doomed
}

const finished = (input: DaemonInput, node: NodeView, plan: DaemonPlan): void => {
  for (const pod of node.pods) {
    if (isDeleting(pod) || !isPodTerminal(pod)) continue
    const what = `daemon pod ${pod.metadata?.namespace}/${pod.metadata?.name} on node ${node.name}`
    if (pod.status?.phase === 'Succeeded') {
      plan.events.push(['Normal', 'SucceededDaemonPod', `Found succeeded ${what}, will try to delete it`])
      plan.delete.push(pod)
      continue
    }
    const wait = input.failedWait(node.name)
    if (wait > 0) {
      plan.againMs = Math.min(plan.againMs ?? Infinity, wait)
      continue
    }
    plan.events.push(['Warning', 'FailedDaemonPod', `Found failed ${what}, will try to kill it`])
    plan.delete.push(pod)
    plan.failedOn.push(node.name)
  }
}

const manageNode = (input: DaemonInput, node: NodeView, plan: DaemonPlan): void => {
  const { verdict, pods, name } = node
  const running = pods.filter(pod => !isDeleting(pod) && !isPodTerminal(pod))
  if (!verdict.mayStay) plan.delete.push(...pods.filter(pod => !isDeleting(pod)))
  else if (pods.length === 0) {
    if (verdict.shouldRun) plan.create.push(name)
  } else {
    finished(input, node, plan)
    plan.delete.push(...surplus(input, running))
    // Without surge a node waits until the last pod has gone.
    if (allowsSurge(input.daemonSet) && running.length === 0 && verdict.shouldRun) plan.create.push(name)
  }
}

/** Pods that wait for a node that is gone: neither the scheduler nor the clearing of pods will ever end them. */
const waitingForNothing = ({ pods, nodes }: DaemonInput): Pod[] => {
  const known = new Set(nodes.map(node => node.metadata?.name))
  return pods.filter(pod => (pod.spec?.nodeName ?? '') === '' && !known.has(targetNode(pod)) && !isDeleting(pod))
}

/** One pod for every node that is to have one; and once that stands, the next step of a rollout. */
export const planDaemonSet = (input: DaemonInput, nodes: readonly NodeView[]): DaemonPlan => {
  const plan: DaemonPlan = { create: [], delete: [], failedOn: [], events: [], againMs: undefined }
  for (const node of nodes) manageNode(input, node, plan)
  plan.delete.push(...waitingForNothing(input))
  if (plan.create.length + plan.delete.length > 0) return plan
  if (input.daemonSet.spec?.updateStrategy?.type !== 'RollingUpdate') return plan
  return { ...plan, ...planRollout(input, nodes) }
}
