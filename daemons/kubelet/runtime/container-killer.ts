import type { Container } from 'kubernetes-types/core/v1.js'
import { messageOf } from '../../../kube/errors.ts'
import { runHandler } from '../probes/run-handler.ts'
import { graceSecondsOf, isDeleting, isSidecar, podText, type LocalPod } from '../sync/local-pod.ts'
import { runningContainers, type ContainerRecord, type PodRuntime } from '../sync/pod-runtime.ts'
import type { KubeletContext } from './kubelet-context.ts'

const specOf = (pod: LocalPod, name: string): Container | undefined =>
  [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(c => c.name === name)

export interface KillReason {
  message?: string
  /** The probe that failed may set a grace period of its own. */
  probe?: 'liveness' | 'startup'
}

const graceOf = (pod: LocalPod, container: Container | undefined, reason: KillReason): number => {
  const probe = reason.probe === 'liveness' ? container?.livenessProbe : container?.startupProbe
  const own = reason.probe === undefined || isDeleting(pod) ? undefined : probe?.terminationGracePeriodSeconds
  // Even a forced deletion lets a process see its signal.
  return Math.max(1, own ?? graceSecondsOf(pod))
}

/** After a preStop hook that used the whole grace period, a process still gets this long: upstream's minimum. */
const leastAfterHook = 2

/** preStop, then the stop signal, then the kill; all of it within the grace period. */
export const killContainer = async (
  context: KubeletContext,
  pod: LocalPod,
  record: ContainerRecord,
  reason: KillReason = {},
): Promise<void> => {
  const { clock, engine, cache } = context
  const { containerName: name } = record
  const container = specOf(pod, name)
  const grace = graceOf(pod, container, reason)
  const startedAt = clock.now()
  context.event(pod, 'Normal', 'Killing', reason.message ?? `Stopping container ${name}`, name)
  const preStop = container?.lifecycle?.preStop
  let left = grace
  if (preStop !== undefined && grace > 0) {
    const outcome = await runHandler(preStop, {
      podIP: pod.object.status?.podIP ?? '',
      containerId: record.id,
      exec: context.exec,
      signal: AbortSignal.any([context.signal, AbortSignal.timeout(grace * 1000)]),
      timeoutMs: grace * 1000,
      ports: container?.ports ?? [],
      clock,
    })
    if (outcome.result === 'failure') context.event(pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', name)
    left = Math.max(Math.min(leastAfterHook, grace), grace - Math.ceil((clock.now() - startedAt) / 1000))
  }
  await engine.stop(record.id, left)
  cache.markDirty(pod.uid, record.id)
}

/** Ends every container: the pod's own together, then its sidecars, last started first (KEP-753). */
export const killContainers = async (
  context: KubeletContext,
  pod: LocalPod,
  runtime: PodRuntime,
  reason: KillReason = {},
): Promise<void> => {
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map(c => c.name)
  const running = runningContainers(runtime)
  await Promise.all(
    running.filter(c => !sidecars.includes(c.containerName)).map(c => killContainer(context, pod, c, reason)),
  )
  for (const name of sidecars.toReversed())
    for (const record of running.filter(c => c.containerName === name))
      await killContainer(context, pod, record, reason)
}

/** A deletion with a shorter grace period came while the pod is ending. */
export const hurryContainers = (context: KubeletContext, pod: LocalPod): void => {
  const { engine, cache, log } = context
  for (const record of runningContainers(cache.peek(pod.uid)))
    engine
      .stop(record.id, Math.max(1, graceSecondsOf(pod)))
      .catch((error: unknown) => log.warn({ pod: podText(pod) }, `stop at once: ${messageOf(error)}`))
}
