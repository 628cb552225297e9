import type { Pod } from 'kubernetes-types/core/v1.js'
import { draftOf } from './draft.ts'
import type { Kind } from './kind.ts'
import { podColumns } from './pod-columns.ts'
import { defaultPod } from './pod-defaults.ts'
import { ephemeralContainersPart } from './pod-ephemeral.ts'
import { resizePart } from './pod-resize.ts'
import { podWarnings } from './pod-warnings.ts'
import { qosClass } from './pod-qos.ts'
import { validatePodUpdate } from './pod-update-validation.ts'
import { validateNewPod, validatePod } from './pod-validation.ts'

const field = (read: (pod: ReturnType<typeof draftOf<Pod>>) => unknown) => (object: Parameters<typeof draftOf>[0]) => {
  const value = read(draftOf<Pod>(object))
  return value === undefined || value === null ? '' : String(value)
}

export const podKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'Pod',
  plural: 'pods',
  singular: 'pod',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.Pod',
  hasStatus: true,
  subresources: [
    'attach',
    'binding',
    'ephemeralcontainers',
    'eviction',
    'exec',
    'log',
    'portforward',
    'proxy',
    'resize',
  ],
  parts: { ephemeralcontainers: ephemeralContainersPart, resize: resizePart },
  generationFields: ['spec'],
  gracePeriodSeconds: object => {
    const { spec, status } = draftOf<Pod>(object)
    // No kubelet will report back for a pod without a node, and nothing is left to wait for in a finished one.
    if (!spec?.nodeName || status?.phase === 'Succeeded' || status?.phase === 'Failed') return 0
    const seconds = spec.terminationGracePeriodSeconds ?? 30
    return seconds < 0 ? 1 : seconds
  },
  setDefaults: object => defaultPod(draftOf<Pod>(object)),
  prepareForCreate: object => {
    const pod = draftOf<Pod>(object)
    const gated = (pod.spec?.schedulingGates ?? []).length > 0
    pod.status = {
      phase: 'Pending',
      qosClass: qosClass(pod.spec ?? {}),
      ...(gated && {
        conditions: [
          {
            type: 'PodScheduled',
            status: 'False',
            reason: 'SchedulingGated',
            message: 'Scheduling is blocked due to non-empty scheduling gates',
          },
        ],
      }),
    }
  },
  validate: object => validatePod(draftOf<Pod>(object)),
  validateCreate: object => validateNewPod(draftOf<Pod>(object)),
  warnings: object => podWarnings(draftOf<Pod>(object)),
  validateUpdate: (object, old, subresource) =>
    subresource === '' ? validatePodUpdate(draftOf<Pod>(object), draftOf<Pod>(old)) : [],
  selectableFields: {
    'spec.nodeName': field(p => p.spec?.nodeName),
    'spec.restartPolicy': field(p => p.spec?.restartPolicy),
    'spec.schedulerName': field(p => p.spec?.schedulerName),
    'spec.serviceAccountName': field(p => p.spec?.serviceAccountName),
    'spec.hostNetwork': field(p => p.spec?.hostNetwork ?? false),
    'status.phase': field(p => p.status?.phase),
    'status.podIP': field(p => p.status?.podIP),
    'status.podIPs': field(p => p.status?.podIPs?.[0]?.ip),
    'status.nominatedNodeName': field(p => p.status?.nominatedNodeName),
  },
  columns: podColumns,
}
