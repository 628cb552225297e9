import type { Container } from 'kubernetes-types/core/v1.js'
import type { ProbeKind, ProbeResult } from '../probes/probe-manager.ts'
import { containerHash } from './container-labels.ts'
import { deadlineOf, isSidecar, isTerminalPhase, type LocalPod } from './local-pod.ts'
import {
  allContainers,
  latest,
  runningContainers,
  type ContainerRecord,
  type PodRuntime,
  type SandboxRecord,
} from './pod-runtime.ts'

export type Action =
  /** Every container, then the sandbox. */
  | { kind: 'kill-pod'; reason: 'SandboxChanged' | 'Finished' | 'DeadlineExceeded' }
  | { kind: 'create-sandbox'; attempt: number }
  | { kind: 'kill-container'; id: string; name: string; probe?: 'liveness' | 'startup'; message: string }
  /** `failedAtMs`: when the one before it ended, for the back-off. */
  | { kind: 'start-container'; name: string; attempt: number; failedAtMs?: number }
  /** An old, ended one that no `logs --previous` can reach any more, or one that was made and never started. */
  | { kind: 'remove-container'; id: string; name: string }
  | { kind: 'back-off'; name: string; untilMs: number; delayMs: number }

export interface PlanInput {
  pod: LocalPod
  runtime: PodRuntime
  nowMs: number
  /** The sandbox's network was made (or is the node's). */
  networkReady(sandboxId: string): boolean
  probe(containerId: string, kind: ProbeKind): ProbeResult | undefined
  /** When a container that ended at `failedAtMs` may start again. */
  backOff(name: string, failedAtMs: number): { untilMs: number; delayMs: number } | undefined
}

export interface PodActions {
  actions: Action[]
  /** Something is due then although nothing happens before. */
  wakeAtMs?: number
}

/** The restart policy lets a container that ended so run again. */
export const mayRestart = (pod: LocalPod, record: ContainerRecord, container: Container): boolean => {
  if (isSidecar(container)) return true
  const policy = pod.spec.restartPolicy ?? 'Always'
  return policy === 'Always' || (policy === 'OnFailure' && record.exitCode !== 0)
}

/** Starts a container unless the back-off still holds it. */
const start = (input: PlanInput, name: string, record: ContainerRecord | undefined): Action[] => {
  if (record === undefined) return [{ kind: 'start-container', name, attempt: 0 }]
  // Made and never started, by a kubelet that died in between: it is made anew under its own number.
  if (record.state === 'created')
    return [
      { kind: 'remove-container', id: record.id, name },
      { kind: 'start-container', name, attempt: record.attempt },
    ]
  const held = input.backOff(name, record.finishedAtMs)
  if (held !== undefined && held.untilMs > input.nowMs) return [{ kind: 'back-off', name, ...held }]
  return [{ kind: 'start-container', name, attempt: record.attempt + 1, failedAtMs: record.finishedAtMs }]
}

/** Why a running container must end and start again; undefined when it need not. */
const unfit = (
  input: PlanInput,
  container: Container,
  record: ContainerRecord,
): Omit<Extract<Action, { kind: 'kill-container' }>, 'kind' | 'id' | 'name'> | undefined => {
  const { name } = container
  if (record.hash !== '' && record.hash !== containerHash(container))
    return { message: `Container ${name} definition changed, will be restarted` }
  if (input.probe(record.id, 'liveness') === 'failure')
    return { probe: 'liveness', message: `Container ${name} failed liveness probe, will be restarted` }
  if (input.probe(record.id, 'startup') === 'failure')
    return { probe: 'startup', message: `Container ${name} failed startup probe, will be restarted` }
  return undefined
}

/** What a container that should be up needs. Kill and restart come together, unless the back-off holds. */
const keepUp = (input: PlanInput, container: Container): Action[] => {
  const { name } = container
  const record = latest(input.runtime, name)
  if (record?.state === 'running') {
    const why = unfit(input, container, record)
    if (why === undefined) return []
    const kill: Action = { kind: 'kill-container', id: record.id, name, ...why }
    const stays = input.pod.spec.restartPolicy === 'Never' && !isSidecar(container)
    if (stays) return [{ ...kill, message: why.message.replace(', will be restarted', '') }]
    // The first restart is at once; after that the run before this one counts, as it does upstream.
    const before = input.runtime.containers.get(name)?.find(r => r.state === 'exited')
    const attempt = record.attempt + 1
    if (before === undefined) return [kill, { kind: 'start-container', name, attempt }]
    const held = input.backOff(name, before.finishedAtMs)
    if (held !== undefined && held.untilMs > input.nowMs) return [kill]
    return [kill, { kind: 'start-container', name, attempt, failedAtMs: before.finishedAtMs }]
  }
  if (record?.state === 'exited' && !mayRestart(input.pod, record, container)) return []
  return start(input, name, record)
}

type InitStep = { kind: 'done' | 'waiting' | 'failed'; actions: Action[] }

const initStep = (input: PlanInput, sandbox: SandboxRecord): InitStep => {
  const { pod, runtime } = input
  const here = (name: string) => latest(runtime, name)?.sandboxId === sandbox.id
  // An app container of this sandbox proves that initialisation ended; init containers may have been removed since.
  const over = pod.spec.containers.some(c => here(c.name))
  const actions: Action[] = []
  for (const container of pod.spec.initContainers ?? []) {
    const record = latest(runtime, container.name)
    if (isSidecar(container)) {
      actions.push(...keepUp(input, container))
      const up = record?.state === 'running' && here(container.name)
      const started = container.startupProbe === undefined || input.probe(record?.id ?? '', 'startup') === 'success'
      if (!over && !(up && started)) return { kind: 'waiting', actions }
      continue
    }
    if (over) continue
    if (record === undefined || !here(container.name) || record.state === 'created') {
      const again = record?.state === 'exited' ? record.attempt + 1 : (record?.attempt ?? 0)
      if (record?.state === 'created') actions.push({ kind: 'remove-container', id: record.id, name: container.name })
      actions.push({ kind: 'start-container', name: container.name, attempt: again })
      return { kind: 'waiting', actions }
    }
    if (record.state === 'running') return { kind: 'waiting', actions }
    if (record.exitCode === 0) continue
    if (pod.spec.restartPolicy === 'Never') return { kind: 'failed', actions: [] }
    actions.push(...start(input, container.name, record))
    return { kind: 'waiting', actions }
  }
  return { kind: 'done', actions }
}

/** Ended containers beyond the newest ended one of each name. */
const leftovers = (runtime: PodRuntime): Action[] =>
  [...runtime.containers.values()].flatMap(records =>
    records
      .filter((record, index) => index > 0 && record.state !== 'running')
      .slice(1)
      .map((record): Action => ({ kind: 'remove-container', id: record.id, name: record.containerName })),
  )

const newSandbox = (input: PlanInput, last: SandboxRecord | undefined): Action[] => {
  const { pod, runtime } = input
  const attempt = (last?.attempt ?? -1) + 1
  const kill: Action[] =
    last !== undefined || runningContainers(runtime).length > 0 ? [{ kind: 'kill-pod', reason: 'SandboxChanged' }] : []
  const ranBefore = allContainers(runtime).some(c => c.state !== 'created')
  if (pod.spec.restartPolicy === 'Never' && ranBefore) return kill
  const due = pod.spec.containers.filter(c => {
    const record = latest(runtime, c.name)
    return record === undefined || record.state !== 'exited' || mayRestart(pod, record, c)
  })
  if (due.length === 0) return kill
  // What starts in it is decided once it stands, when its network is known.
  return [...kill, { kind: 'create-sandbox', attempt }]
}

/** True when nothing of the pod's own containers runs or may run again. */
const finished = (input: PlanInput): boolean =>
  input.pod.spec.containers.every(container => {
    const record = latest(input.runtime, container.name)
    return record?.state === 'exited' && !mayRestart(input.pod, record, container)
  })

const isEmpty = (runtime: PodRuntime): boolean =>
  runtime.sandboxes.length === 0 && runningContainers(runtime).length === 0

/**
 * What brings a pod that should run from what there is to what should be: kills first, then the sandbox, then starts.
 * Pure. The rules are upstream's computePodActions; a pod that is being deleted is not planned here but ended.
 */
export const computePodActions = (input: PlanInput): PodActions => {
  const { pod, runtime, nowMs } = input
  const deadline = deadlineOf(pod)
  if (isTerminalPhase(pod.object.status?.phase))
    return { actions: isEmpty(runtime) ? [] : [{ kind: 'kill-pod', reason: 'Finished' }] }
  if (deadline !== undefined && deadline <= nowMs)
    return { actions: isEmpty(runtime) ? [] : [{ kind: 'kill-pod', reason: 'DeadlineExceeded' }] }

  const wake = deadline === undefined ? {} : { wakeAtMs: deadline }
  const sandbox = runtime.sandboxes[0]
  if (finished(input)) return { actions: isEmpty(runtime) ? [] : [{ kind: 'kill-pod', reason: 'Finished' }] }
  if (sandbox === undefined || sandbox.state !== 'running' || !input.networkReady(sandbox.id))
    return { actions: newSandbox(input, sandbox), ...wake }

  const init = initStep(input, sandbox)
  if (init.kind === 'failed') return { actions: [{ kind: 'kill-pod', reason: 'Finished' }] }
  const apps = init.kind === 'done' ? pod.spec.containers.flatMap(c => keepUp(input, c)) : []
  const actions = [...init.actions, ...apps, ...leftovers(runtime)]
  const dueAt = [
    ...actions.flatMap(a => (a.kind === 'back-off' ? [a.untilMs] : [])),
    ...(deadline === undefined ? [] : [deadline]),
  ]
  return dueAt.length === 0 ? { actions } : { actions, wakeAtMs: Math.min(...dueAt) }
}
