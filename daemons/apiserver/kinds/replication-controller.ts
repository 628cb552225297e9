import type { ReplicationController } from 'kubernetes-types/core/v1.js'
import { ageColumn, column, containerImages, containerNames, formatLabels, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, nonNegative, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { validatePodTemplate, validateRunsForever } from './pod-template-validation.ts'
import { templateWarnings } from './pod-warnings.ts'
import { validateReplicaStatus } from './status-counts.ts'

type Row = Draft<ReplicationController>

const isEmpty = (labels: object | undefined): boolean => Object.keys(labels ?? {}).length === 0

/** What the template says of labels holds for the controller where it says nothing itself. */
const setDefaults = (controller: Row): void => {
  const spec = (controller.spec ??= {})
  const labels = spec.template?.metadata?.labels
  if (labels && !isEmpty(labels)) {
    if (isEmpty(spec.selector)) spec.selector = { ...labels }
    if (isEmpty(controller.metadata?.labels)) (controller.metadata ??= {}).labels = { ...labels }
  }
  spec.replicas ??= 1
  if (spec.template) defaultPodTemplate(spec)
}

const validate = (controller: Row): FieldError[] => {
  const { minReadySeconds, selector, replicas, template } = controller.spec ?? {}
  const errors = nonNegative('spec.minReadySeconds', minReadySeconds)
  if (isEmpty(selector)) errors.push(required('spec.selector'))
  errors.push(...nonNegative('spec.replicas', replicas))
  if (!template) return [...errors, required('spec.template')]
  const labels = template.metadata?.labels
  if (Object.entries(selector ?? {}).some(([key, value]) => labels?.[key] !== value))
    errors.push(invalid('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'))
  return [
    ...errors,
    ...validatePodTemplate(template, 'spec.template'),
    ...validateRunsForever(template, 'spec.template', 'ReplicationController'),
  ]
}

const count = { type: 'integer' } as const
const wide = { wide: true }
const containersOf = (o: Row) => o.spec?.template?.spec?.containers

export const replicationControllerKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  singular: 'replicationcontroller',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.ReplicationController',
  hasStatus: true,
  scale: {
    replicas: object => draftOf<ReplicationController>(object).spec?.replicas ?? 0,
    setReplicas: (object, replicas) => {
      ;(draftOf<ReplicationController>(object).spec ??= {}).replicas = replicas
    },
    statusReplicas: object => draftOf<ReplicationController>(object).status?.replicas ?? 0,
    selector: object => {
      const { selector } = draftOf<ReplicationController>(object).spec ?? {}
      return isEmpty(selector) ? '' : formatLabels(selector)
    },
  },
  subresources: [],
  garbageCollection: 'OrphanDependents',
  generationFields: ['spec'],
  setDefaults: object => setDefaults(draftOf<ReplicationController>(object)),
  prepareForCreate: object => {
    object['status'] = { replicas: 0 }
  },
  validate: object => validate(draftOf<ReplicationController>(object)),
  validateUpdate: (object, _old, subresource) =>
    subresource === 'status' ? validateReplicaStatus(draftOf<ReplicationController>(object).status) : [],
  warnings: object => templateWarnings(draftOf<ReplicationController>(object).spec?.template),
  selectableFields: {
    'status.replicas': object => String(draftOf<ReplicationController>(object).status?.replicas ?? 0),
  },
  columns: [
    nameColumn,
    column<ReplicationController>('Desired', 'How many pods it should have.', o => o.spec?.replicas ?? 0, count),
    column<ReplicationController>('Current', 'How many it has.', o => o.status?.replicas ?? 0, count),
    column<ReplicationController>('Ready', 'How many of them are ready.', o => o.status?.readyReplicas ?? 0, count),
    ageColumn,
    column<ReplicationController>(
      'Containers',
      'The names of its containers.',
      o => containerNames(containersOf(o)),
      wide,
    ),
    column<ReplicationController>(
      'Images',
      'The images of its containers.',
      o => containerImages(containersOf(o)),
      wide,
    ),
    column<ReplicationController>('Selector', 'The labels of its pods.', o => formatLabels(o.spec?.selector), wide),
  ],
}
