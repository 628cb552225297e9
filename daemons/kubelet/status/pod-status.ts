import type { ContainerStatus, PodCondition, PodStatus } from 'kubernetes-types/core/v1.js'
import { isSidecar, isTerminalPhase } from '../sync/local-pod.ts'
import { containerStatuses, incompleteInit, timeText } from './container-status.ts'
import { qosClassOf } from './qos-class.ts'
import type { StatusInput } from './status-input.ts'

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'

/** Upstream's getPhase. */
const phaseOf = (input: StatusInput, init: readonly ContainerStatus[], app: readonly ContainerStatus[]): Phase => {
  const old = input.pod.object.status?.phase
  if (old === 'Succeeded' || old === 'Failed') return old
  if (input.failed !== undefined) return 'Failed'
  const policy = input.pod.spec.restartPolicy ?? 'Always'
  const specs = input.pod.spec.initContainers ?? []
  const failedInit = init.some(
    (s, i) => specs[i] !== undefined && !isSidecar(specs[i]) && (s.state?.terminated?.exitCode ?? 0) !== 0,
  )
  if (failedInit && policy === 'Never') return 'Failed'
  const running = app.filter(s => s.state?.running !== undefined).length
  const ended = app.flatMap(s => s.state?.terminated ?? s.lastState?.terminated ?? []).length
  const stopped = app.filter(s => s.state?.running === undefined && (s.state?.terminated ?? s.lastState?.terminated))
  const succeeded = app.filter(s => s.state?.terminated?.exitCode === 0).length
  const waiting = app.length - running - stopped.length
  if (input.podEnded && running === 0 && ended > 0) return succeeded === app.length ? 'Succeeded' : 'Failed'
  if (waiting > 0 || incompleteInit(input, init).length > 0) return 'Pending'
  if (running > 0) return 'Running'
  const sidecarUp = init.some((s, i) => specs[i] !== undefined && isSidecar(specs[i]) && s.state?.running !== undefined)
  if (policy === 'Always' || sidecarUp) return 'Running'
  if (succeeded === app.length) return 'Succeeded'
  return policy === 'Never' ? 'Failed' : 'Running'
}

type Draft = Pick<PodCondition, 'type' | 'status'> & { reason?: string; message?: string }

const readinessDrafts = (
  input: StatusInput,
  phase: Phase,
  statuses: { init: ContainerStatus[]; app: ContainerStatus[] },
): Draft[] => {
  const { pod } = input
  const gates = pod.spec.readinessGates ?? []
  const ended = (type: string): Draft | undefined => {
    if (phase === 'Succeeded') return { type, status: 'False', reason: 'PodCompleted' }
    if (phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' }
    return undefined
  }
  const sidecars = statuses.init.filter((_, i) => pod.spec.initContainers?.[i]?.restartPolicy === 'Always')
  const unready = [...sidecars, ...statuses.app].filter(s => !s.ready).map(s => s.name)
  const containers: Draft =
    ended('ContainersReady') ??
    (unready.length === 0
      ? { type: 'ContainersReady', status: 'True' }
      : {
          type: 'ContainersReady',
          status: 'False',
          reason: 'ContainersNotReady',
          message: `containers with unready status: [${unready.join(' ')}]`,
        })
  const open = gates.flatMap(({ conditionType }) => {
    const condition = pod.object.status?.conditions?.find(c => c.type === conditionType)
    if (condition === undefined)
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`]
    if (condition.status === 'True') return []
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`]
  })
  const gated: Draft = { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: open.join(', ') }
  const ready: Draft =
    containers.status === 'True' && open.length > 0 ? gated : (ended('Ready') ?? { ...containers, type: 'Ready' })
  return [ready, containers]
}

const conditionsOf = (
  input: StatusInput,
  phase: Phase,
  statuses: { init: ContainerStatus[]; app: ContainerStatus[] },
): PodCondition[] => {
  const old = input.pod.object.status?.conditions ?? []
  const incomplete = incompleteInit(input, statuses.init)
  const initialized: Draft =
    incomplete.length === 0 || phase === 'Succeeded'
      ? { type: 'Initialized', status: 'True', ...(phase === 'Succeeded' ? { reason: 'PodCompleted' } : {}) }
      : {
          type: 'Initialized',
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incomplete.join(' ')}]`,
        }
  const drafts: Draft[] = [
    { type: 'PodReadyToStartContainers', status: input.networkReady ? 'True' : 'False' },
    initialized,
    ...readinessDrafts(input, phase, statuses),
    { type: 'PodScheduled', status: 'True' },
  ]
  const ours = drafts.map((draft): PodCondition => {
    const before = old.find(c => c.type === draft.type)
    const since = before?.status === draft.status ? before.lastTransitionTime : undefined
    return { ...draft, lastTransitionTime: since ?? timeText(input.nowMs) }
  })
  // Conditions that others wrote (readiness gates, disruption) stay as they are.
  return [...ours, ...old.filter(c => !drafts.some(d => d.type === c.type))]
}

/** The status of a pod as the API should show it. Pure; the rules and texts are upstream's. */
export const computePodStatus = (input: StatusInput): PodStatus => {
  const { pod, podIP, hostIP, failed } = input
  const old = pod.object.status
  if (failed?.rejected === true) {
    const { reason, message } = failed
    const conditions = old?.conditions ?? []
    return { phase: 'Failed', reason, message, conditions, startTime: old?.startTime ?? timeText(input.nowMs) }
  }
  const statuses = containerStatuses(input)
  const phase = phaseOf(input, statuses.init, statuses.app)
  const verdict =
    failed ??
    (isTerminalPhase(old?.phase) && old?.reason !== undefined
      ? { reason: old.reason, message: old.message ?? '' }
      : undefined)
  return {
    phase,
    ...(verdict === undefined ? {} : verdict),
    conditions: conditionsOf(input, phase, statuses),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP === '' ? {} : { podIP, podIPs: [{ ip: podIP }] }),
    startTime: old?.startTime ?? timeText(input.nowMs),
    ...(statuses.init.length === 0 ? {} : { initContainerStatuses: statuses.init }),
    containerStatuses: statuses.app,
    qosClass: old?.qosClass ?? qosClassOf(pod.spec),
  }
}
