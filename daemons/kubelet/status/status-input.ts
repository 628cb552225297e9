import type { ProbeKind, ProbeResult } from '../probes/probe-manager.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import type { ContainerRecord, PodRuntime } from '../sync/pod-runtime.ts'

/** What a pod's status is computed from. */
/** Why the kubelet itself ends a pod. `rejected`: nothing was ever made for it, and its status says no more than that. */
export interface Verdict {
  reason: string
  message: string
  rejected?: true
}

export interface StatusInput {
  pod: LocalPod
  runtime: PodRuntime
  nowMs: number
  hostIP: string
  /** '' until the network is there. */
  podIP: string
  /** Why containers wait, by name: ErrImagePull, CrashLoopBackOff, CreateContainerConfigError, … */
  waiting: ReadonlyMap<string, { reason: string; message?: string }>
  /** Ids of containers whose postStart hook still runs: not yet running, for all who look. */
  starting: ReadonlySet<string>
  probe(containerId: string, kind: ProbeKind): ProbeResult | undefined
  /** What a container that ended left as its last words. */
  terminationMessage(record: ContainerRecord): string | undefined
  /** `docker-pullable://…` for images with a repository digest. */
  imageId(record: ContainerRecord): string | undefined
  networkReady: boolean
  /** Nothing of the pod will run again: it is being deleted and has been ended, or it finished. */
  podEnded: boolean
  /** Set when the kubelet itself ends the pod: DeadlineExceeded, Evicted. */
  failed?: Verdict
}
