import type { ContainerStatus, Pod, PodStatus } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'

/** What `kubectl get pods` says of a pod in a word. */
export interface PodSummary {
  status: string
  ready: number
  total: number
  restarts: number
  /** When the last restart was, as far as it is known. */
  lastRestart: string | undefined
}

type Status = Draft<ContainerStatus>

const conditionIsTrue = (status: Draft<PodStatus> | undefined, type: string): boolean =>
  (status?.conditions ?? []).some(c => c.type === type && c.status === 'True')

const exitWord = (terminated: NonNullable<NonNullable<Status['state']>['terminated']>): string =>
  terminated.reason || (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode ?? 0}`)

class Restarts {
  count = 0
  last: string | undefined
  add(status: Status): void {
    this.count += status.restartCount ?? 0
    const finished = status.lastState?.terminated?.finishedAt
    if (finished && (this.last === undefined || Date.parse(finished) > Date.parse(this.last))) this.last = finished
  }
}

interface InitOutcome {
  /** `Init:1/3` and so on; undefined when initialization is over. */
  word: string | undefined
  ready: number
  all: Restarts
  /** Of the sidecars alone: they go on counting when the pod runs. */
  sidecars: Restarts
}

const summarizeInit = (pod: Draft<Pod>): InitOutcome => {
  const specs = pod.spec?.initContainers ?? []
  const sidecarNames = new Set(specs.filter(c => c.restartPolicy === 'Always').map(c => c.name))
  const outcome: InitOutcome = { word: undefined, ready: 0, all: new Restarts(), sidecars: new Restarts() }
  for (const [i, status] of (pod.status?.initContainerStatuses ?? []).entries()) {
    const sidecar = sidecarNames.has(status.name)
    outcome.all.add(status)
    if (sidecar) outcome.sidecars.add(status)
    const { terminated, waiting } = status.state ?? {}
    if (terminated && (terminated.exitCode ?? 0) === 0) continue
    if (sidecar && status.started === true) {
      if (status.ready === true) outcome.ready++
      continue
    }
    if (terminated) outcome.word = `Init:${exitWord(terminated)}`
    else if (waiting?.reason && waiting.reason !== 'PodInitializing') outcome.word = `Init:${waiting.reason}`
    else outcome.word = `Init:${i}/${specs.length}`
    break
  }
  return outcome
}

const summarizeContainers = (pod: Draft<Pod>, start: PodSummary, restarts: Restarts): PodSummary => {
  const summary = { ...start }
  let running = false
  // From the last to the first: the first container's trouble is what is shown.
  for (const status of (pod.status?.containerStatuses ?? []).toReversed()) {
    restarts.add(status)
    const { waiting, terminated, running: isRunning } = status.state ?? {}
    if (waiting?.reason) summary.status = waiting.reason
    else if (terminated) summary.status = exitWord(terminated)
    else if (status.ready === true && isRunning) {
      running = true
      summary.ready++
    }
  }
  if (summary.status === 'Completed' && running)
    summary.status = conditionIsTrue(pod.status, 'Ready') ? 'Running' : 'NotReady'
  return { ...summary, restarts: restarts.count, lastRestart: restarts.last }
}

const wordWhenDeleted = (pod: Draft<Pod>, word: string): string => {
  if (!pod.metadata?.deletionTimestamp) return word
  if (pod.status?.reason === 'NodeLost') return 'Unknown'
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed' ? word : 'Terminating'
}

/** Upstream's rules for READY, STATUS and RESTARTS (pkg/printers/internalversion). */
export const summarizePod = (pod: Draft<Pod>): PodSummary => {
  const { status, spec } = pod
  const gated = (status?.conditions ?? []).some(c => c.type === 'PodScheduled' && c.reason === 'SchedulingGated')
  const init = summarizeInit(pod)
  const sidecars = (spec?.initContainers ?? []).filter(c => c.restartPolicy === 'Always').length
  let summary: PodSummary = {
    status: init.word ?? (gated ? 'SchedulingGated' : status?.reason || (status?.phase ?? '')),
    ready: init.ready,
    total: (spec?.containers ?? []).length + sidecars,
    restarts: init.all.count,
    lastRestart: init.all.last,
  }
  // A restarted sidecar makes a pod that runs look uninitialized: its condition says otherwise.
  if (init.word === undefined || conditionIsTrue(status, 'Initialized'))
    summary = summarizeContainers(pod, summary, init.sidecars)
  return { ...summary, status: wordWhenDeleted(pod, summary.status) }
}
