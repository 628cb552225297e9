import type { Container, Pod, Probe } from 'kubernetes-types/core/v1.js'
import type { Clock } from '../../../kube/clock.ts'
import { ProbeWorker, type ProbeKind, type ProbeResult } from './probe-worker.ts'
import {
  runHandler,
  type ExecInContainer,
  type Handler,
  type HandlerContext,
  type HandlerOutcome,
} from './run-handler.ts'

export type { ProbeKind, ProbeResult }

/** A container that runs now. */
export interface ProbedContainer {
  name: string
  id: string
  startedAtMs: number
}

export interface ProbeManagerOptions {
  clock: Clock
  /** Ends every worker. */
  signal: AbortSignal
  exec: ExecInContainer
  /** The result of a probe changed (its thresholds counted in); the first one counts as a change. */
  onResult(podUid: string, containerName: string, probe: ProbeKind, result: ProbeResult, message: string): void
  /** Every single run that failed, whether or not its threshold is reached: upstream's `Unhealthy` events. */
  onFailedRun?(podUid: string, containerName: string, probe: ProbeKind, message: string): void
  /** For tests; runHandler when left out. */
  run?(handler: Handler, context: HandlerContext): Promise<HandlerOutcome>
}

const probesOf = (container: Container): [ProbeKind, Probe][] => {
  const rows: [ProbeKind, Probe | undefined][] = [
    ['startup', container.startupProbe],
    ['readiness', container.readinessProbe],
    ['liveness', container.livenessProbe],
  ]
  return rows.filter((row): row is [ProbeKind, Probe] => row[1] !== undefined)
}

/** The containers of a pod that may carry probes: its own, and init containers that stay up (sidecars). */
const probedSpecs = (pod: Pod): Container[] => [
  ...(pod.spec?.containers ?? []),
  ...(pod.spec?.initContainers ?? []).filter(c => c.restartPolicy === 'Always'),
]

/**
 * Runs the probes of this node's containers, one worker a probe. Results belong to a container id: a restarted
 * container begins anew. The semantics of delays, thresholds and gating are upstream's (core/v1 Probe).
 */
export class ProbeManager {
  readonly #options: ProbeManagerOptions
  /** By pod uid, then `id/kind`. */
  readonly #pods = new Map<string, Map<string, ProbeWorker>>()
  constructor(options: ProbeManagerOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => {
      for (const uid of this.#pods.keys()) this.remove(uid)
    })
  }

  /**
   * Starts workers for the containers given (those that run now) and stops the others'. Idempotent: call it after
   * every sync. A pod that is being deleted keeps its readiness probes only.
   */
  update(pod: Pod, podIP: string, containers: readonly ProbedContainer[]): void {
    const uid = pod.metadata?.uid
    if (uid === undefined || this.#options.signal.aborted) return
    const workers = this.#pods.get(uid) ?? new Map<string, ProbeWorker>()
    const wanted = new Set<string>()
    const deleting = pod.metadata?.deletionTimestamp !== undefined
    for (const spec of probedSpecs(pod)) {
      const running = containers.find(c => c.name === spec.name)
      if (running === undefined) continue
      for (const [kind, probe] of probesOf(spec)) {
        if (deleting && kind !== 'readiness') continue
        const key = `${running.id}/${kind}`
        wanted.add(key)
        const worker = workers.get(key)
        if (worker === undefined) workers.set(key, this.#start(uid, podIP, spec, running, kind, probe))
        else worker.podIP = podIP
      }
    }
    for (const [key, worker] of workers) {
      if (wanted.has(key)) continue
      worker.stop()
      workers.delete(key)
    }
    if (workers.size === 0) this.#pods.delete(uid)
    else this.#pods.set(uid, workers)
    this.#openGates(workers)
  }

  /** The probe's result so far; undefined while it has none (or there is no such probe). */
  result(containerId: string, probe: ProbeKind): ProbeResult | undefined {
    for (const workers of this.#pods.values()) {
      const worker = workers.get(`${containerId}/${probe}`)
      if (worker !== undefined) return worker.result
    }
    return undefined
  }

  /** Stops every probe of a pod and forgets its results. */
  remove(podUid: string): void {
    for (const worker of this.#pods.get(podUid)?.values() ?? []) worker.stop()
    this.#pods.delete(podUid)
  }

  /** Liveness and readiness wait for the startup probe of the same container, where there is one. */
  #openGates(workers: Map<string, ProbeWorker>): void {
    for (const worker of workers.values()) {
      const startup = workers.get(`${worker.containerId}/startup`)
      if (worker.kind === 'startup' || startup === undefined || startup.result === 'success') worker.open()
    }
  }

  #start(
    uid: string,
    podIP: string,
    spec: Container,
    running: ProbedContainer,
    kind: ProbeKind,
    probe: Probe,
  ): ProbeWorker {
    const { clock, exec, onResult, onFailedRun } = this.#options
    const run = this.#options.run ?? runHandler
    const worker: ProbeWorker = new ProbeWorker({
      kind,
      probe,
      clock,
      podIP,
      containerId: running.id,
      startedAtMs: running.startedAtMs,
      run: (signal, timeoutMs) =>
        run(probe, {
          podIP: worker.podIP,
          containerId: running.id,
          exec,
          signal,
          timeoutMs,
          ports: spec.ports ?? [],
          clock,
        }),
      onResult: (result, message) => {
        const workers = this.#pods.get(uid)
        if (workers !== undefined) this.#openGates(workers)
        onResult(uid, spec.name, kind, result, message)
      },
      onFailedRun: message => onFailedRun?.(uid, spec.name, kind, message),
    })
    return worker
  }
}
