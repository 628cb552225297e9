import type { Container, Pod, PodSpec } from 'kubernetes-types/core/v1.js'
import { SkiffError } from '../../../kube/errors.ts'

/** A pod of this node, with what every pod must have in its place. */
export interface LocalPod {
  readonly uid: string
  readonly name: string
  readonly namespace: string
  readonly spec: PodSpec
  /** The object as the API has it, with kind and apiVersion (list items come without). */
  readonly object: Pod
}

/** Throws CORRUPT when the object lacks what the API server puts into every pod. */
export const localPod = (object: Pod): LocalPod => {
  const { uid, name, namespace } = object.metadata ?? {}
  if (uid === undefined || name === undefined || namespace === undefined || object.spec === undefined)
    throw new SkiffError('CORRUPT', `pod ${namespace}/${name}: without uid, name, namespace or spec`)
  return { uid, name, namespace, spec: object.spec, object: { ...object, kind: 'Pod', apiVersion: 'v1' } }
}

/** `web_default(uid)`: how upstream writes a pod in messages. */
export const podText = (pod: LocalPod): string => `${pod.name}_${pod.namespace}(${pod.uid})`

/** An init container that stays up beside the others (KEP-753). */
export const isSidecar = (container: Container): boolean => container.restartPolicy === 'Always'

export const isTerminalPhase = (phase: string | undefined): boolean => phase === 'Succeeded' || phase === 'Failed'

export const isDeleting = (pod: LocalPod): boolean => pod.object.metadata?.deletionTimestamp !== undefined

/** Seconds the pod gets to end: what its deletion says, else what its spec says (30 by default). */
export const graceSecondsOf = (pod: LocalPod): number =>
  pod.object.metadata?.deletionGracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30

/** When activeDeadlineSeconds ends the pod, in milliseconds since the epoch. */
export const deadlineOf = (pod: LocalPod): number | undefined => {
  const { activeDeadlineSeconds } = pod.spec
  const started = pod.object.status?.startTime
  if (activeDeadlineSeconds === undefined || started === undefined) return undefined
  return Date.parse(started) + activeDeadlineSeconds * 1000
}

export const fieldPathOf = (pod: LocalPod, container: string): string =>
  pod.spec.initContainers?.some(c => c.name === container)
    ? `spec.initContainers{${container}}`
    : `spec.containers{${container}}`
