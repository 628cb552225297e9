import type { StatefulSet } from 'kubernetes-types/apps/v1.js'
import type { Pod, PodTemplateSpec, Volume } from 'kubernetes-types/core/v1.js'
import { statefulSets } from '../../../kube/resources.ts'
import { revisionHashLabel } from '../history/controller-revision.ts'
import { controllerReference } from '../owner.ts'
import { podFromTemplate } from '../pod-state.ts'

export const podNameLabel = 'statefulset.kubernetes.io/pod-name'
export const podIndexLabel = 'apps.kubernetes.io/pod-index'

/** -1 for a pod that is not named as one of the set's: such a pod is left alone. */
export const ordinalOf = (set: StatefulSet, pod: Pod): number => {
  const prefix = `${set.metadata?.name}-`
  const name = pod.metadata?.name ?? ''
  const rest = name.startsWith(prefix) ? name.slice(prefix.length) : ''
  return /^(0|[1-9]\d{0,9})$/.test(rest) ? Number(rest) : -1
}

export const startOrdinal = (set: StatefulSet): number => set.spec?.ordinals?.start ?? 0

export const replicasOf = (set: StatefulSet): number => set.spec?.replicas ?? 1

export const isInRange = (set: StatefulSet, ordinal: number): boolean =>
  ordinal >= startOrdinal(set) && ordinal < startOrdinal(set) + replicasOf(set)

export const revisionOf = (pod: Pod): string => pod.metadata?.labels?.[revisionHashLabel] ?? ''

export const claimName = (set: StatefulSet, template: string, ordinal: number): string =>
  `${template}-${set.metadata?.name}-${ordinal}`

/** The set's volumes by its claims, each in place of one of the same name. */
const volumesOf = (set: StatefulSet, ordinal: number, others: readonly Volume[]): Volume[] => {
  const names = (set.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => metadata?.name ?? '')
  const claimed = names.map(name => ({ name, persistentVolumeClaim: { claimName: claimName(set, name, ordinal) } }))
  return [...claimed, ...others.filter(({ name }) => !names.includes(name))]
}

/** The pod that stands for an ordinal: its name, host name and claims are the same whenever it is made. */
export const statefulPod = (
  set: StatefulSet,
  ordinal: number,
  { template, revision }: { template: PodTemplateSpec | undefined; revision: string },
): Pod => {
  const name = `${set.metadata?.name}-${ordinal}`
  const pod = podFromTemplate(template, {
    namespace: set.metadata?.namespace ?? '',
    generateName: '',
    owner: controllerReference(set, statefulSets),
  })
  const { generateName: _, ...metadata } = pod.metadata ?? {}
  const { serviceName } = set.spec ?? {}
  const volumes = volumesOf(set, ordinal, pod.spec?.volumes ?? [])
  return {
    ...pod,
    metadata: {
      ...metadata,
      name,
      labels: {
        ...metadata.labels,
        [podNameLabel]: name,
        [podIndexLabel]: String(ordinal),
        [revisionHashLabel]: revision,
      },
    },
    spec: {
      ...pod.spec,
      containers: pod.spec?.containers ?? [],
      hostname: name,
      ...(serviceName === undefined || serviceName === '' ? {} : { subdomain: serviceName }),
      ...(volumes.length === 0 ? {} : { volumes }),
    },
  }
}

/** Has the pod the labels of its ordinal? One that was taken in may not. */
export const identityMatches = (set: StatefulSet, pod: Pod): boolean => {
  const labels = pod.metadata?.labels ?? {}
  return labels[podNameLabel] === pod.metadata?.name && labels[podIndexLabel] === String(ordinalOf(set, pod))
}
