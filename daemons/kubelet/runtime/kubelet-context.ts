import type { Service } from 'kubernetes-types/core/v1.js'
import type { Logger } from 'pino'
import type { ContainerEngine, ContainerStreams } from '../../../host/container-engine.ts'
import type { KubeClient } from '../../../kube/client/client.ts'
import type { Clock } from '../../../kube/clock.ts'
import type { CniRuntime } from '../cni/cni-runtime.ts'
import type { NetworkConfig } from '../cni/network-config.ts'
import type { ConfigSource } from '../container/env.ts'
import type { DownwardFacts } from '../container/downward.ts'
import type { ResolvConf } from '../container/resolv-conf.ts'
import type { ImagePuller } from '../images/image-puller.ts'
import type { ProbeManager } from '../probes/probe-manager.ts'
import type { ExecInContainer } from '../probes/run-handler.ts'
import type { StatusWriter } from '../status/status-writer.ts'
import type { LocalPod } from '../sync/local-pod.ts'
import type { VolumeManager } from '../volumes/volume-manager.ts'
import type { ContainerFacts } from './container-facts.ts'
import type { RuntimeCache } from './runtime-cache.ts'

export type EventType = 'Normal' | 'Warning'

/** What does not change while the kubelet runs. */
export interface NodeFacts {
  nodeName: string
  hostIP: string
  rootDir: string
  pauseImage: string
  cgroupParent: string
  clusterDns: readonly string[]
  clusterDomain: string
  allowedUnsafeSysctls: readonly string[]
  memoryBytes: number
  /** The host lets us set an oom_score_adj below zero. */
  negativeOomScore: boolean
  allocatable: DownwardFacts['allocatable']
}

/** Everything that carrying out a plan needs. */
export interface KubeletContext {
  node: NodeFacts
  engine: ContainerEngine
  streams: ContainerStreams
  cache: RuntimeCache
  puller: ImagePuller
  volumes: VolumeManager
  cni: CniRuntime
  /** The network in force; undefined while there is none. */
  network(): NetworkConfig | undefined
  /** Why there is none. */
  networkProblem(): string
  probes: ProbeManager
  source: ConfigSource
  services(): readonly Service[]
  /** Resolves when `services` is complete for the first time. */
  servicesSynced: Promise<void>
  nodeResolvConf(): ResolvConf
  nodeHosts(): string
  exec: ExecInContainer
  status: StatusWriter
  records: ContainerFacts
  client: KubeClient
  event(pod: LocalPod, type: EventType, reason: string, message: string, container?: string): void
  clock: Clock
  signal: AbortSignal
  log: Logger
}

export const downwardFacts = (context: KubeletContext, podIP: string): DownwardFacts => ({
  nodeName: context.node.nodeName,
  hostIP: context.node.hostIP,
  podIP,
  allocatable: context.node.allocatable,
})
