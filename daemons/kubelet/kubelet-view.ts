import type { Pod } from 'kubernetes-types/core/v1.js'

/** A container of a pod, as the kubelet's HTTPS API needs it. */
export interface ContainerView {
  /** The engine's id. */
  id: string
  running: boolean
  tty: boolean
  stdin: boolean
}

/** What the kubelet's HTTPS API may see of the kubelet. Everything is answered from memory. */
export interface KubeletView {
  readonly nodeName: string
  /** The pods bound to this node, with the status the kubelet itself computed last. */
  pods(): readonly Pod[]
  /** The newest container of that name, running or not; undefined when there is none (or the uid is another pod's). */
  container(namespace: string, pod: string, uid: string | undefined, name: string): ContainerView | undefined
  /** The one before it: `logs --previous`. */
  previousContainer(namespace: string, pod: string, uid: string | undefined, name: string): ContainerView | undefined
  /** The engine's id of the pause container that holds the pod's network namespace. */
  sandboxId(namespace: string, pod: string): string | undefined
  /** The engine answers and pods are being synced. */
  ready(): boolean
}
