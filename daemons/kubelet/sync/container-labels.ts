import { createHash } from 'node:crypto'
import type { Container } from 'kubernetes-types/core/v1.js'
import type { EngineContainer } from '../../../host/container-engine.ts'
import { graceSecondsOf, type LocalPod } from './local-pod.ts'
import type { ContainerRecord, PodRuntime, SandboxRecord } from './pod-runtime.ts'

/** Labels and names as dockershim wrote them, so that what reads those (log shippers, cAdvisor) reads ours. */
export const labels = {
  podName: 'io.kubernetes.pod.name',
  podNamespace: 'io.kubernetes.pod.namespace',
  podUid: 'io.kubernetes.pod.uid',
  containerName: 'io.kubernetes.container.name',
  type: 'io.kubernetes.docker.type',
  sandboxId: 'io.kubernetes.sandbox.id',
  node: 'io.skiff.node',
  hash: 'annotation.io.kubernetes.container.hash',
  restartCount: 'annotation.io.kubernetes.container.restartCount',
  messagePath: 'annotation.io.kubernetes.container.terminationMessagePath',
  messagePolicy: 'annotation.io.kubernetes.container.terminationMessagePolicy',
  gracePeriod: 'annotation.io.kubernetes.pod.terminationGracePeriod',
  attempt: 'annotation.io.kubernetes.sandbox.attempt',
} as const

export const sandboxContainerName = 'POD'

/** `k8s_web_web-0_default_<uid>_0`. The parts hold no underscore (DNS names), so the name can be taken apart. */
export const engineName = (container: string, pod: LocalPod, attempt: number): string =>
  ['k8s', container, pod.name, pod.namespace, pod.uid, attempt].join('_')

/** What restarts a running container when it changes: its image (the only mutable field that needs it). */
export const containerHash = (container: Container): string =>
  createHash('sha256')
    .update(JSON.stringify([container.name, container.image]))
    .digest('hex')
    .slice(0, 8)

const podLabels = (pod: LocalPod, nodeName: string): Record<string, string> => ({
  [labels.podName]: pod.name,
  [labels.podNamespace]: pod.namespace,
  [labels.podUid]: pod.uid,
  [labels.node]: nodeName,
})

export const sandboxLabels = (pod: LocalPod, nodeName: string, attempt: number): Record<string, string> => ({
  ...pod.object.metadata?.labels,
  ...podLabels(pod, nodeName),
  [labels.containerName]: sandboxContainerName,
  [labels.type]: 'podsandbox',
  [labels.attempt]: String(attempt),
})

export const containerLabels = (
  pod: LocalPod,
  container: Container,
  made: { nodeName: string; attempt: number; sandboxId: string },
): Record<string, string> => ({
  ...podLabels(pod, made.nodeName),
  [labels.containerName]: container.name,
  [labels.type]: 'container',
  [labels.sandboxId]: made.sandboxId,
  [labels.hash]: containerHash(container),
  [labels.restartCount]: String(made.attempt),
  [labels.messagePath]: container.terminationMessagePath ?? '/dev/termination-log',
  [labels.messagePolicy]: container.terminationMessagePolicy ?? 'File',
  [labels.gracePeriod]: String(graceSecondsOf(pod)),
})

const count = (text: string | undefined): number => (text !== undefined && /^\d+$/.test(text) ? Number(text) : 0)

/** The pod's state as its containers' labels and records tell it; newest first. Pure. */
export const podRuntimeOf = (containers: readonly EngineContainer[]): PodRuntime => {
  const sandboxes: SandboxRecord[] = []
  const byName = new Map<string, ContainerRecord[]>()
  for (const container of containers) {
    const name = container.labels[labels.containerName]
    if (container.labels[labels.type] === 'podsandbox')
      sandboxes.push({ ...container, attempt: count(container.labels[labels.attempt]) })
    else if (name !== undefined)
      byName.set(name, [
        ...(byName.get(name) ?? []),
        {
          ...container,
          containerName: name,
          attempt: count(container.labels[labels.restartCount]),
          hash: container.labels[labels.hash] ?? '',
          sandboxId: container.labels[labels.sandboxId] ?? '',
        },
      ])
  }
  const newestFirst = (a: { attempt: number; createdAtMs: number }, b: typeof a) =>
    b.attempt - a.attempt || b.createdAtMs - a.createdAtMs
  for (const records of byName.values()) records.sort(newestFirst)
  return { sandboxes: sandboxes.sort(newestFirst), containers: byName }
}
