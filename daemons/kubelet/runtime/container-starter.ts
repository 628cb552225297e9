import type { Container } from 'kubernetes-types/core/v1.js'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { containerSpec } from '../container/container-spec.ts'
import { containerEnv } from '../container/env.ts'
import { engineResources } from '../container/resources.ts'
import { serviceEnv } from '../container/service-env.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import { podDirectory } from '../volumes/pod-directory.ts'
import { containerMounts } from './container-mounts.ts'
import { downwardFacts, type KubeletContext } from './kubelet-context.ts'
import { createAfresh } from './sandbox.ts'

/** Why a container could not be made or started: a waiting reason, and when to try again. */
export interface StartFailure {
  kind: 'failed'
  reason: string
  message: string
  retryAtMs?: number
}

export type MadeContainer = { kind: 'made'; id: string } | StartFailure

export interface MakeInput {
  pod: LocalPod
  container: Container
  attempt: number
  sandboxId: string
  podIP: string
  volumes: ReadonlyMap<string, string>
  signal: AbortSignal
}

/** Errors of the pod's own making are tried again at this pace: a config map may appear. */
const retryMs = 10_000

/** The value of the pod's address is needed before the container can be made. */
export const needsPodIP = (container: Container): boolean =>
  (container.env ?? []).some(({ valueFrom }) => /^status\.podIPs?$/.test(valueFrom?.fieldRef?.fieldPath ?? ''))

/** Image, environment, mounts, container: everything but the start. Failures come back as waiting reasons. */
export const makeContainer = async (context: KubeletContext, input: MakeInput): Promise<MadeContainer> => {
  const { pod, container, signal } = input
  const { name } = container
  const report = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    context.event(pod, type, reason, message, name)
  const failed = (reason: string, error: unknown): StartFailure => {
    signal.throwIfAborted()
    // No engine: nothing is wrong with the pod, and the worker tries again when it is back.
    if (error instanceof SkiffError && error.code === 'UNAVAILABLE') throw error
    const message = messageOf(error)
    report('Warning', 'Failed', `Error: ${message}`)
    return { kind: 'failed', reason, message, retryAtMs: context.clock.now() + retryMs }
  }

  const image = await context.puller.ensure(pod, container, report, signal)
  if (image.kind === 'failed') return image
  let spec
  try {
    const { env, skipped } = await containerEnv({
      pod,
      container,
      facts: downwardFacts(context, input.podIP),
      serviceEnv: serviceEnv(context.services(), pod.namespace, pod.spec.enableServiceLinks ?? true),
      source: context.source,
    })
    if (skipped.length > 0)
      report(
        'Warning',
        'InvalidEnvironmentVariableNames',
        `Keys [${skipped.join(', ')}] were skipped: not names of environment variables`,
      )
    const { rootDir, nodeName, memoryBytes, negativeOomScore, cgroupParent } = context.node
    const mounts = await containerMounts(pod, container, {
      directory: podDirectory(rootDir, pod.uid),
      attempt: input.attempt,
      volumes: input.volumes,
      env,
    })
    spec = containerSpec(pod, container, {
      nodeName,
      attempt: input.attempt,
      sandboxId: input.sandboxId,
      env,
      mounts,
      image: image.image,
      resources: engineResources(pod, container, { memoryBytes, negativeOomScore }),
      profileRoot: rootDir,
      cgroupParent,
    })
  } catch (error) {
    return failed('CreateContainerConfigError', error)
  }
  try {
    const id = await createAfresh(context, spec, signal)
    report('Normal', 'Created', `Created container: ${name}`)
    return { kind: 'made', id }
  } catch (error) {
    return failed('CreateContainerError', error)
  }
}

/** Starts a container that was made. A start that fails leaves an ended container, which the restart policy then governs. */
export const startContainer = async (
  context: KubeletContext,
  pod: LocalPod,
  container: Container,
  made: { id: string; signal: AbortSignal },
): Promise<StartFailure | undefined> => {
  try {
    await context.engine.start(made.id, made.signal)
  } catch (error) {
    made.signal.throwIfAborted()
    if (error instanceof SkiffError && error.code === 'UNAVAILABLE') throw error
    context.event(pod, 'Warning', 'Failed', `Error: ${messageOf(error)}`, container.name)
    return { kind: 'failed', reason: 'RunContainerError', message: messageOf(error) }
  } finally {
    context.cache.markDirty(pod.uid, made.id)
  }
  context.event(pod, 'Normal', 'Started', `Started container ${container.name}`, container.name)
  return undefined
}
