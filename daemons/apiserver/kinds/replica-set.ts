import type { ReplicaSet } from 'kubernetes-types/apps/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import { nonNegative } from './field-error.ts'
import type { Kind } from './kind.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { templateWarnings } from './pod-warnings.ts'
import { validateReplicaStatus } from './status-counts.ts'
import { templateColumns, validateSelectorAndTemplate, validateSelectorUpdate, workloadScale } from './workload.ts'

const count = { type: 'integer' } as const

export const replicaSetKind: Kind = {
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  singular: 'replicaset',
  shortNames: ['rs'],
  categories: ['all'],
  namespaced: true,
  schema: 'io.k8s.api.apps.v1.ReplicaSet',
  hasStatus: true,
  scale: workloadScale,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => {
    const replicaSet = draftOf<ReplicaSet>(object)
    const spec = (replicaSet.spec ??= {})
    spec.replicas ??= 1
    defaultPodTemplate(spec)
  },
  prepareForCreate: object => {
    object['status'] = { replicas: 0 }
  },
  validate: object => {
    const spec = draftOf<ReplicaSet>(object).spec ?? {}
    return [
      ...nonNegative('spec.replicas', spec.replicas),
      ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
      // So it is called upstream too.
      ...validateSelectorAndTemplate(spec, 'deployment'),
    ]
  },
  validateUpdate: (object, old, subresource) =>
    subresource === 'status'
      ? validateReplicaStatus(draftOf<ReplicaSet>(object).status)
      : validateSelectorUpdate(draftOf<ReplicaSet>(object), draftOf<ReplicaSet>(old)),
  warnings: object => templateWarnings(draftOf<ReplicaSet>(object).spec?.template),
  selectableFields: { 'status.replicas': object => String(draftOf<ReplicaSet>(object).status?.replicas ?? 0) },
  columns: [
    nameColumn,
    column<ReplicaSet>('Desired', 'How many pods it should have.', o => o.spec?.replicas ?? 0, count),
    column<ReplicaSet>('Current', 'How many it has.', o => o.status?.replicas ?? 0, count),
    column<ReplicaSet>('Ready', 'How many of them are ready.', o => o.status?.readyReplicas ?? 0, count),
    ageColumn,
    ...templateColumns,
  ],
}
