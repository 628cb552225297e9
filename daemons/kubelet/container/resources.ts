import type { Container } from 'kubernetes-types/core/v1.js'
import type { EngineResources } from '../../../host/container-engine.ts'
import { quantityToBytes, quantityToMilli } from '../../../kube/quantity.ts'
import { qosClassOf } from '../status/qos-class.ts'
import type { LocalPod } from '../sync/local-pod.ts'

/** Priority from which pods are critical to the node. */
const criticalPriority = 2_000_000_000
/** The sandbox goes last: without it the whole pod is gone. */
export const sandboxOomScoreAdj = -998

/** Upstream's oom_score_adj: the bigger the part of the node's memory a pod asked for, the later it is killed. Pure. */
export const oomScoreAdj = (pod: LocalPod, container: Container, nodeMemoryBytes: number): number => {
  const qos = qosClassOf(pod.spec)
  if ((pod.spec.priority ?? 0) >= criticalPriority || qos === 'Guaranteed') return -997
  if (qos === 'BestEffort') return 1000
  const request = container.resources?.requests?.['memory']
  const share = request === undefined ? 0 : quantityToBytes(request) / nodeMemoryBytes
  // 2 and less are kept for critical ones, 1000 for those that asked for nothing.
  return Math.min(999, Math.max(3, 1000 - Math.floor(1000 * share)))
}

/** A container's limits as the engine takes them. `negativeOomScore` false: the host refuses negative values. Pure. */
export const engineResources = (
  pod: LocalPod,
  container: Container,
  node: { memoryBytes: number; negativeOomScore: boolean },
): EngineResources => {
  const { limits, requests } = container.resources ?? {}
  const cpuLimit = limits?.['cpu'] === undefined ? 0 : quantityToMilli(limits['cpu'])
  const cpuRequest = requests?.['cpu'] === undefined ? cpuLimit : quantityToMilli(requests['cpu'])
  const score = oomScoreAdj(pod, container, node.memoryBytes)
  return {
    // The kernel's least weight is 2.
    cpuShares: Math.max(2, Math.floor((cpuRequest * 1024) / 1000)),
    // A quota below 1 ms per period is refused by the kernel.
    ...(cpuLimit === 0 ? {} : { cpuQuotaUs: Math.max(1000, cpuLimit * 100) }),
    ...(limits?.['memory'] === undefined ? {} : { memoryBytes: quantityToBytes(limits['memory']) }),
    ...(score < 0 && !node.negativeOomScore ? {} : { oomScoreAdj: score }),
  }
}
