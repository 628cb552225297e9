import type { Container, ContainerState, ContainerStateTerminated, ContainerStatus } from 'kubernetes-types/core/v1.js'
import { isSidecar, type LocalPod } from '../sync/local-pod.ts'
import { latest, type ContainerRecord } from '../sync/pod-runtime.ts'
import { mayRestart } from '../sync/plan.ts'
import type { StatusInput } from './status-input.ts'

/** metav1.Time: whole seconds. */
export const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

const containerId = (record: ContainerRecord): string => `docker://${record.id}`

const terminatedReason = (record: ContainerRecord): string => {
  if (record.oomKilled) return 'OOMKilled'
  if (record.error !== '' && record.startedAtMs === 0) return 'ContainerCannotRun'
  return record.exitCode === 0 ? 'Completed' : 'Error'
}

export const terminatedState = (record: ContainerRecord, message: string | undefined): ContainerStateTerminated => ({
  exitCode: record.exitCode,
  reason: terminatedReason(record),
  ...(message === undefined || message === '' ? (record.error === '' ? {} : { message: record.error }) : { message }),
  ...(record.startedAtMs === 0
    ? { startedAt: timeText(record.finishedAtMs) }
    : { startedAt: timeText(record.startedAtMs) }),
  finishedAt: timeText(record.finishedAtMs),
  containerID: containerId(record),
})

interface Found {
  state: ContainerState
  lastState: ContainerState
}

const stateOf = (input: StatusInput, container: Container, records: readonly ContainerRecord[]): Found => {
  const record = records[0]
  const reason = input.waiting.get(container.name)
  const terminated = (of: ContainerRecord): ContainerState => ({
    terminated: terminatedState(of, input.terminationMessage(of)),
  })
  const before = records.find((r, i) => i > 0 && r.state === 'exited')
  if (record?.state === 'running' && !input.starting.has(record.id))
    return {
      state: { running: { startedAt: timeText(record.startedAtMs) } },
      lastState: before === undefined ? {} : terminated(before),
    }
  if (record?.state === 'exited') {
    // Waiting for the next try: what ended is the last state. Where there is none (a start that failed), it is the state.
    if (reason !== undefined && !input.podEnded && mayRestart(input.pod, record, container))
      return { state: { waiting: reason }, lastState: terminated(record) }
    return { state: terminated(record), lastState: before === undefined ? {} : terminated(before) }
  }
  const initialising = (input.pod.spec.initContainers?.length ?? 0) > 0
  const waiting = reason ?? { reason: initialising ? 'PodInitializing' : 'ContainerCreating' }
  return { state: { waiting }, lastState: before === undefined ? {} : terminated(before) }
}

const readyOf = (
  input: StatusInput,
  container: Container,
  record: ContainerRecord | undefined,
  isInit: boolean,
): boolean => {
  // An init container is "ready" once it has done its work; a sidecar and an app container while they serve.
  if (isInit && !isSidecar(container)) return record?.state === 'exited' && record.exitCode === 0
  if (record?.state !== 'running' || input.starting.has(record.id)) return false
  if (!startedOf(input, container, record)) return false
  return container.readinessProbe === undefined || input.probe(record.id, 'readiness') === 'success'
}

const startedOf = (input: StatusInput, container: Container, record: ContainerRecord | undefined): boolean =>
  record?.state === 'running' &&
  !input.starting.has(record.id) &&
  (container.startupProbe === undefined || input.probe(record.id, 'startup') === 'success')

const statusOf = (input: StatusInput, pod: LocalPod, container: Container, isInit: boolean): ContainerStatus => {
  const records = (input.runtime.containers.get(container.name) ?? []).filter(r => r.state !== 'created')
  const record = records[0]
  const { state, lastState } = stateOf(input, container, records)
  const old = (isInit ? pod.object.status?.initContainerStatuses : pod.object.status?.containerStatuses)?.find(
    s => s.name === container.name,
  )
  // The engine forgot it (a pruned container): the API still remembers what was last reported.
  if (record === undefined && old !== undefined && (input.podEnded || old.state?.terminated !== undefined)) return old
  return {
    name: container.name,
    state,
    lastState: Object.keys(lastState).length === 0 && record === undefined ? (old?.lastState ?? {}) : lastState,
    ready: readyOf(input, container, record, isInit),
    restartCount: record?.attempt ?? old?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: record === undefined ? '' : (input.imageId(record) ?? `docker://${record.imageId}`),
    ...(record === undefined ? {} : { containerID: containerId(record) }),
    started: startedOf(input, container, record),
  }
}

/** The statuses of a pod's containers, in the order of the spec. Pure. */
export const containerStatuses = (input: StatusInput): { init: ContainerStatus[]; app: ContainerStatus[] } => ({
  init: (input.pod.spec.initContainers ?? []).map(c => statusOf(input, input.pod, c, true)),
  app: input.pod.spec.containers.map(c => statusOf(input, input.pod, c, false)),
})

/** Init containers that still hold the app containers back. */
export const incompleteInit = (input: StatusInput, statuses: readonly ContainerStatus[]): string[] =>
  (input.pod.spec.initContainers ?? []).flatMap((container, index) => {
    const status = statuses[index]
    const done = isSidecar(container) ? status?.started === true : status?.state?.terminated?.exitCode === 0
    // Once an app container was made, what came before it is done, whatever the engine remembers; a sidecar may be
    // starting again, or have ended after them.
    const passed = input.pod.spec.containers.some(c => latest(input.runtime, c.name) !== undefined)
    return done || passed ? [] : [container.name]
  })
