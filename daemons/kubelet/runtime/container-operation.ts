import type { Container } from 'kubernetes-types/core/v1.js'
import { runHandler } from '../probes/run-handler.ts'
import type { Action } from '../sync/plan.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import { latest } from '../sync/pod-runtime.ts'
import { killContainer } from './container-killer.ts'
import { makeContainer, startContainer, type MadeContainer, type StartFailure } from './container-starter.ts'
import type { KubeletContext } from './kubelet-context.ts'

/** What the operations on a pod's containers share with the pod's worker. */
export interface OperationState {
  pod: LocalPod
  sandboxId: string
  podIP: string
  /** Made while the network was being made; taken by the first start. */
  prepared: Map<string, Promise<MadeContainer>>
  /** Ids of containers whose postStart hook runs. */
  starting: Set<string>
  volumes(): Promise<ReadonlyMap<string, string>>
  signal: AbortSignal
  /** Something that shows in the status changed. */
  changed(): void
}

export const containerOf = (pod: LocalPod, name: string): Container | undefined =>
  [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(c => c.name === name)

/** How long a postStart hook may run: upstream sets no bound but the pod's life; this one keeps a stuck program from staying for ever. */
const postStartTimeoutMs = 10 * 60_000

const postStart = async (
  context: KubeletContext,
  state: OperationState,
  container: Container,
  id: string,
): Promise<StartFailure | undefined> => {
  const hook = container.lifecycle?.postStart
  if (hook === undefined) return undefined
  const outcome = await runHandler(hook, {
    podIP: state.podIP,
    containerId: id,
    exec: context.exec,
    signal: state.signal,
    timeoutMs: postStartTimeoutMs,
    ports: container.ports ?? [],
    clock: context.clock,
  })
  if (outcome.result === 'success' || state.signal.aborted) return undefined
  const { pod } = state
  context.event(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', container.name)
  const record = latest(await context.cache.refresh(pod.uid), container.name)
  if (record?.id === id && record.state === 'running')
    await killContainer(context, pod, record, { message: 'FailedPostStartHook' })
  return { kind: 'failed', reason: 'PostStartHookError', message: outcome.message }
}

const startOne = async (
  context: KubeletContext,
  state: OperationState,
  action: Extract<Action, { kind: 'start-container' }>,
): Promise<StartFailure | undefined> => {
  const { pod, signal, podIP, sandboxId } = state
  const container = containerOf(pod, action.name)
  if (container === undefined) return undefined
  const prepared = state.prepared.get(action.name)
  const made =
    prepared === undefined
      ? await makeContainer(context, {
          pod,
          container,
          attempt: action.attempt,
          sandboxId,
          podIP,
          volumes: await state.volumes(),
          signal,
        })
      : await prepared
  state.prepared.delete(action.name)
  if (made.kind === 'failed') return made
  context.cache.markDirty(pod.uid, made.id)
  if (container.lifecycle?.postStart !== undefined) state.starting.add(made.id)
  try {
    const failure = await startContainer(context, pod, container, { id: made.id, signal })
    if (failure !== undefined) return failure
    state.changed()
    return await postStart(context, state, container, made.id)
  } finally {
    state.starting.delete(made.id)
  }
}

/** Carries out the actions of one container, in order. Resolves with why it waits, when it does. */
export const operate = async (
  context: KubeletContext,
  state: OperationState,
  actions: readonly Action[],
): Promise<StartFailure | undefined> => {
  for (const action of actions) {
    if (action.kind === 'kill-container') {
      const record = (await context.cache.refresh(state.pod.uid)).containers
        .get(action.name)
        ?.find(c => c.id === action.id && c.state === 'running')
      if (record !== undefined) await killContainer(context, state.pod, record, action)
    } else if (action.kind === 'remove-container') {
      await context.engine.remove(action.id, state.signal)
      context.cache.markDirty(state.pod.uid, action.id)
    } else if (action.kind === 'start-container') {
      const failure = await startOne(context, state, action)
      if (failure !== undefined) return failure
    }
  }
  return undefined
}
