import type { DaemonSet } from 'kubernetes-types/apps/v1.js'
import type { Node, Pod, PodSpec, Toleration } from 'kubernetes-types/core/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { matchesNodeAffinity } from '../../../kube/node-affinity.ts'
import { daemonSets } from '../../../kube/resources.ts'
import { tolerated } from '../../../kube/tolerations.ts'
import { revisionHashLabel } from '../history/controller-revision.ts'
import { controllerReference } from '../owner.ts'
import { podFromTemplate } from '../pod-state.ts'

const generationLabel = 'pod-template-generation'
const generationAnnotation = 'deprecated.daemonset.template.generation'

const condition = (name: string, effect: string): Toleration => ({
  key: `node.kubernetes.io/${name}`,
  operator: 'Exists',
  effect,
})

/** Daemons stay where others are driven away: often it is they that a node needs to become well again. */
const daemonTolerations = (spec: PodSpec | undefined): Toleration[] => {
  const wanted = [
    condition('not-ready', 'NoExecute'),
    condition('unreachable', 'NoExecute'),
    condition('disk-pressure', 'NoSchedule'),
    condition('memory-pressure', 'NoSchedule'),
    condition('pid-pressure', 'NoSchedule'),
    condition('unschedulable', 'NoSchedule'),
    ...(spec?.hostNetwork === true ? [condition('network-unavailable', 'NoSchedule')] : []),
  ]
  const own = spec?.tolerations ?? []
  return [...own, ...wanted.filter(toleration => !own.some(other => isDeepStrictEqual(other, toleration)))]
}

/** Whether a node is to have the daemon's pod, and whether one that is there may stay. */
export interface NodeVerdict {
  shouldRun: boolean
  mayStay: boolean
}

export const judgeNode = ({ spec }: DaemonSet, node: Node): NodeVerdict => {
  const template = spec?.template?.spec
  const name = node.metadata?.name ?? ''
  const refused = { shouldRun: false, mayStay: false }
  if (template?.nodeName !== undefined && template.nodeName !== '' && template.nodeName !== name) return refused
  if (template !== undefined && !matchesNodeAffinity(template, { name, labels: node.metadata?.labels ?? {} }))
    return refused
  const tolerations = daemonTolerations(template)
  const against = (node.spec?.taints ?? []).filter(
    taint => taint.effect !== 'PreferNoSchedule' && !tolerated(tolerations, taint),
  )
  return { shouldRun: against.length === 0, mayStay: !against.some(({ effect }) => effect === 'NoExecute') }
}

/** The node that a pod is on, or is bound for by its affinity; '' when it says none. */
export const targetNode = ({ spec }: Pod): string => {
  if (spec?.nodeName !== undefined && spec.nodeName !== '') return spec.nodeName
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  for (const { matchFields = [] } of terms)
    for (const { key, operator, values = [] } of matchFields)
      if (key === 'metadata.name' && operator === 'In' && values.length === 1) return values[0] ?? ''
  return ''
}

/** Made of the present template. */
export const isUpdated = (daemonSet: DaemonSet, pod: Pod, hash: string): boolean => {
  const generation = daemonSet.metadata?.annotations?.[generationAnnotation]
  const labels = pod.metadata?.labels ?? {}
  return labels[revisionHashLabel] === hash || (generation !== undefined && labels[generationLabel] === generation)
}

/** The scheduler places it; the affinity leaves it one node to choose. */
export const daemonPod = (daemonSet: DaemonSet, node: string, hash: string): Pod => {
  const { name = '', namespace = '', annotations } = daemonSet.metadata ?? {}
  const pod = podFromTemplate(daemonSet.spec?.template, {
    namespace,
    generateName: `${name}-`,
    owner: controllerReference(daemonSet, daemonSets),
  })
  const generation = annotations?.[generationAnnotation]
  const { affinity, containers = [] } = pod.spec ?? {}
  const field = { key: 'metadata.name', operator: 'In', values: [node] }
  const only = { nodeSelectorTerms: [{ matchFields: [field] }] }
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      labels: {
        ...pod.metadata?.labels,
        ...(generation === undefined ? {} : { [generationLabel]: generation }),
        [revisionHashLabel]: hash,
      },
    },
    spec: {
      ...pod.spec,
      containers,
      tolerations: daemonTolerations(pod.spec),
      affinity: {
        ...affinity,
        nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: only },
      },
    },
  }
}
