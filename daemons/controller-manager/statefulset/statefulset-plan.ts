import type { ControllerRevision, StatefulSet } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { templateOf } from '../history/controller-revision.ts'
import { isDeleting } from '../owner.ts'
import { isPodAvailable, isPodReady, isPodTerminal } from '../pod-state.ts'
import {
  identityMatches,
  isInRange,
  ordinalOf,
  replicasOf,
  revisionOf,
  startOrdinal,
  statefulPod,
} from './stateful-pod.ts'

export interface StatefulInput {
  set: StatefulSet
  /** Those it controls. */
  pods: readonly Pod[]
  /** The revision that the pods had before a rollout, and the one they are to have. */
  current: ControllerRevision
  update: ControllerRevision
  nowMs: number
}

export type StatefulAction =
  /** With its claims, those that are missing. */
  | { kind: 'create'; pod: Pod }
  | { kind: 'delete'; pod: Pod }
  /** Its labels are to be as its ordinal says. */
  | { kind: 'label'; pod: Pod }
  /** Its claims are to belong to whom the retention policy says; `make`: those that are missing are to be made. */
  | { kind: 'claims'; pod: Pod; make: boolean }

const isRunningAndReady = (pod: Pod): boolean => pod.status?.phase === 'Running' && isPodReady(pod)

const isHealthy = ({ set, nowMs }: StatefulInput, pod: Pod): boolean =>
  isRunningAndReady(pod) && !isDeleting(pod) && isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs)

export const isParallel = ({ spec }: StatefulSet): boolean => spec?.podManagementPolicy === 'Parallel'

const partitionOf = ({ spec }: StatefulSet): number => spec?.updateStrategy?.rollingUpdate?.partition ?? 0

/** A missing pod comes back as it was where the rollout has not got to its ordinal, and as the new one elsewhere. */
const missingPod = ({ set, current, update }: StatefulInput, ordinal: number): Pod => {
  const { type = 'RollingUpdate', rollingUpdate } = set.spec?.updateStrategy ?? {}
  const limit = rollingUpdate === undefined ? (set.status?.currentReplicas ?? 0) : partitionOf(set)
  const old = type === 'RollingUpdate' && ordinal < startOrdinal(set) + limit
  const revision = old ? current : update
  const name = revision.metadata?.name ?? ''
  return statefulPod(set, ordinal, { template: templateOf(revision) ?? set.spec?.template, revision: name })
}

/** What one ordinal needs; `blocked`: in order, nothing after it is done before it is well. */
const replicaActions = (
  input: StatefulInput,
  ordinal: number,
  pod: Pod | undefined,
): { actions: StatefulAction[]; blocked: boolean } => {
  if (pod === undefined) return { actions: [{ kind: 'create', pod: missingPod(input, ordinal) }], blocked: true }
  // Also one that has succeeded: a set's pods run for ever, and a reboot ends them with any code.
  if (isPodTerminal(pod)) return { actions: isDeleting(pod) ? [] : [{ kind: 'delete', pod }], blocked: true }
  if (pod.status?.phase === 'Pending') return { actions: [{ kind: 'claims', pod, make: true }], blocked: true }
  if (!isHealthy(input, pod)) return { actions: [], blocked: true }
  const label: StatefulAction[] = identityMatches(input.set, pod) ? [] : [{ kind: 'label', pod }]
  return { actions: [...label, { kind: 'claims', pod, make: false }], blocked: false }
}

interface Ranks {
  /** By ordinal, from the first on. */
  replicas: (Pod | undefined)[]
  /** Out of range, the highest first. */
  condemned: Pod[]
}

export const rankPods = ({ set, pods }: StatefulInput): Ranks => {
  const replicas: (Pod | undefined)[] = Array.from({ length: replicasOf(set) })
  const condemned: Pod[] = []
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod)
    if (isInRange(set, ordinal)) replicas[ordinal - startOrdinal(set)] = pod
    else if (ordinal >= 0) condemned.push(pod)
  }
  return { replicas, condemned: condemned.sort((a, b) => ordinalOf(set, b) - ordinalOf(set, a)) }
}

/** The highest go first; in order, one that is unwell holds up the others, unless it is the first such itself. */
const scaleDown = (input: StatefulInput, { condemned }: Ranks): { actions: StatefulAction[]; blocked: boolean } => {
  const ordered = !isParallel(input.set)
  const firstUnwell = condemned.findLast(pod => !isHealthy(input, pod))
  const actions: StatefulAction[] = condemned.map(pod => ({ kind: 'claims', pod, make: false }))
  for (const pod of condemned) {
    if (isDeleting(pod)) {
      if (ordered) return { actions, blocked: true }
      continue
    }
    if (ordered && !isHealthy(input, pod) && pod !== firstUnwell) return { actions, blocked: true }
    actions.push({ kind: 'delete', pod })
    if (ordered) return { actions, blocked: true }
  }
  return { actions, blocked: false }
}

/** From the highest ordinal down to the partition, one after the other. */
const rollout = (input: StatefulInput, { replicas }: Ranks): StatefulAction[] => {
  const { set, update } = input
  if (set.spec?.updateStrategy?.type === 'OnDelete') return []
  // As upstream: the partition counts from the first pod, whatever its ordinal.
  for (let i = replicas.length - 1; i >= partitionOf(set); i--) {
    const pod = replicas[i]
    if (pod === undefined || isPodTerminal(pod)) return []
    if (revisionOf(pod) !== update.metadata?.name && !isDeleting(pod)) return [{ kind: 'delete', pod }]
    if (!isHealthy(input, pod)) return []
  }
  return []
}

/** The next writes: missing pods, then what is too much, then the next step of a rollout. */
export const planStatefulSet = (input: StatefulInput): StatefulAction[] => {
  const { set } = input
  if (isDeleting(set)) return []
  const ranks = rankPods(input)
  const actions: StatefulAction[] = []
  for (const [i, pod] of ranks.replicas.entries()) {
    const { actions: some, blocked } = replicaActions(input, startOrdinal(set) + i, pod)
    actions.push(...some)
    if (blocked && !isParallel(set)) return actions
  }
  const down = scaleDown(input, ranks)
  actions.push(...down.actions)
  return down.blocked ? actions : [...actions, ...rollout(input, ranks)]
}
