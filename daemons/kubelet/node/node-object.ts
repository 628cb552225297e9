import type { Node, NodeCondition, NodeStatus } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import type { EngineImage } from '../../../host/container-engine.ts'
import type { MachineFacts, Pressure } from './node-facts.ts'

export const kubeletVersion = 'v1.34.0+skiff.0.1.0'

export interface NodeInput {
  name: string
  nodeIp: string
  port: number
  maxPods: number
  machine: MachineFacts
  pressure: Pressure
  /** `docker://20.10.24` */
  runtimeVersion: string
  images: readonly EngineImage[]
  /** Why the node is not ready; '' when it is. */
  notReady: string
  nowMs: number
}

/** Upstream's default eviction thresholds. */
const leastMemoryBytes = 100 * 1024 * 1024
const leastStorageShare = 0.1
const maxImages = 50

const labelsOf = (input: NodeInput): Record<string, string> => ({
  'kubernetes.io/hostname': input.name,
  'kubernetes.io/os': 'linux',
  'kubernetes.io/arch': input.machine.architecture,
  'beta.kubernetes.io/os': 'linux',
  'beta.kubernetes.io/arch': input.machine.architecture,
})

const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`

type Draft = Pick<NodeCondition, 'type' | 'status' | 'reason' | 'message'>

const drafts = ({ pressure, notReady }: NodeInput): Draft[] => {
  const memory = pressure.memoryAvailableBytes < leastMemoryBytes
  const disk = pressure.storageAvailableBytes < pressure.storageBytes * leastStorageShare
  return [
    memory
      ? {
          type: 'MemoryPressure',
          status: 'True',
          reason: 'KubeletHasInsufficientMemory',
          message: 'kubelet has insufficient memory available',
        }
      : {
          type: 'MemoryPressure',
          status: 'False',
          reason: 'KubeletHasSufficientMemory',
          message: 'kubelet has sufficient memory available',
        },
    disk
      ? { type: 'DiskPressure', status: 'True', reason: 'KubeletHasDiskPressure', message: 'kubelet has disk pressure' }
      : {
          type: 'DiskPressure',
          status: 'False',
          reason: 'KubeletHasNoDiskPressure',
          message: 'kubelet has no disk pressure',
        },
    {
      type: 'PIDPressure',
      status: 'False',
      reason: 'KubeletHasSufficientPID',
      message: 'kubelet has sufficient PID available',
    },
    notReady === ''
      ? { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' }
      : { type: 'Ready', status: 'False', reason: 'KubeletNotReady', message: notReady },
  ]
}

const conditionsOf = (input: NodeInput, before: readonly NodeCondition[]): NodeCondition[] => {
  const now = timeText(input.nowMs)
  const ours = drafts(input).map((draft): NodeCondition => {
    const old = before.find(c => c.type === draft.type)
    const since = old?.status === draft.status ? old.lastTransitionTime : undefined
    return { ...draft, lastHeartbeatTime: now, lastTransitionTime: since ?? now }
  })
  return [...before.filter(c => !ours.some(o => o.type === c.type)), ...ours]
}

const amounts = ({ machine, maxPods }: NodeInput) => ({
  cpu: String(machine.cpus),
  memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
  'ephemeral-storage': `${Math.floor(machine.storageBytes / 1024)}Ki`,
  pods: String(maxPods),
})

/** The status of the node as it is now; what others wrote into `before` stays. Pure. */
export const nodeStatus = (input: NodeInput, before: NodeStatus = {}): NodeStatus => {
  const { machine } = input
  return {
    ...before,
    addresses: [
      { type: 'InternalIP', address: input.nodeIp },
      { type: 'Hostname', address: input.name },
    ],
    capacity: amounts(input),
    allocatable: amounts(input),
    conditions: conditionsOf(input, before.conditions ?? []),
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    images: input.images
      .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
      .slice(0, maxImages)
      .map(image => ({ names: [...image.digests, ...image.tags], sizeBytes: image.sizeBytes })),
    nodeInfo: {
      architecture: machine.architecture,
      bootID: machine.bootId,
      containerRuntimeVersion: input.runtimeVersion,
      kernelVersion: machine.kernelVersion,
      kubeProxyVersion: kubeletVersion,
      kubeletVersion,
      machineID: machine.machineId,
      operatingSystem: 'linux',
      osImage: machine.osImage,
      systemUUID: machine.systemUuid,
    },
  }
}

/** The Node a kubelet registers. Pure. */
export const nodeObject = (input: NodeInput): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: input.name,
    labels: labelsOf(input),
    annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
  },
  spec: {},
  status: nodeStatus(input),
})

/** Labels that a node registered before lacks. Pure. */
export const missingLabels = (input: NodeInput, node: Node): Record<string, string> =>
  Object.fromEntries(Object.entries(labelsOf(input)).filter(([key, value]) => node.metadata?.labels?.[key] !== value))

/** True when two statuses differ in more than their heartbeats: then it is written at once. Pure. */
export const differs = (a: NodeStatus, b: NodeStatus): boolean => {
  const calm = (status: NodeStatus) => ({
    ...status,
    conditions: (status.conditions ?? []).map(condition => ({ ...condition, lastHeartbeatTime: '' })),
  })
  return !isDeepStrictEqual(calm(a), calm(b))
}
