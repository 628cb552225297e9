import { isDeepStrictEqual } from 'node:util'
import type { PodStatus } from 'kubernetes-types/core/v1.js'

/** Fields of a pod's status that the kubelet writes; others (nominatedNodeName, resize, …) belong to others. */
const owned = [
  'phase',
  'reason',
  'message',
  'conditions',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'qosClass',
] as const

/** Drops what JSON would drop, so that two equal statuses compare equal. */
const plain = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)))

/** The merge patch that turns one status into the other, or undefined when nothing changed. Pure. */
export const statusPatch = (before: PodStatus | undefined, after: PodStatus): Record<string, unknown> | undefined => {
  const patch: Record<string, unknown> = {}
  for (const field of owned) {
    const [old, now] = [plain(before?.[field]), plain(after[field])]
    if (!isDeepStrictEqual(old, now)) patch[field] = now ?? null
  }
  return Object.keys(patch).length === 0 ? undefined : patch
}
