import type { Deployment } from 'kubernetes-types/apps/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid, nonNegative, oneOf } from './field-error.ts'
import { isZero, percentOf, validateIntOrPercent } from './int-or-percent.ts'
import type { FieldError, Kind } from './kind.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { templateWarnings } from './pod-warnings.ts'
import { validateAtMost, validateCollisions, validateCounts } from './status-counts.ts'
import { templateColumns, validateSelectorAndTemplate, validateSelectorUpdate, workloadScale } from './workload.ts'

type Spec = NonNullable<Draft<Deployment>['spec']>

const setDefaults = (deployment: Draft<Deployment>): void => {
  const spec = (deployment.spec ??= {})
  spec.replicas ??= 1
  const strategy = (spec.strategy ??= {})
  strategy.type ||= 'RollingUpdate'
  if (strategy.type === 'RollingUpdate') {
    const rolling = (strategy.rollingUpdate ??= {})
    rolling.maxUnavailable ??= '25%'
    rolling.maxSurge ??= '25%'
  }
  spec.revisionHistoryLimit ??= 10
  spec.progressDeadlineSeconds ??= 600
  defaultPodTemplate(spec)
}

const validateStrategy = ({ strategy }: Spec): FieldError[] => {
  const path = 'spec.strategy'
  const errors = oneOf(`${path}.type`, strategy?.type, ['Recreate', 'RollingUpdate'])
  const rolling = strategy?.rollingUpdate
  if (strategy?.type === 'Recreate' && rolling)
    errors.push(forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"))
  if (strategy?.type !== 'RollingUpdate' || !rolling) return errors
  const { maxUnavailable, maxSurge } = rolling
  errors.push(...validateIntOrPercent(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable))
  errors.push(...validateIntOrPercent(`${path}.rollingUpdate.maxSurge`, maxSurge))
  if (isZero(maxUnavailable) && isZero(maxSurge))
    errors.push(invalid(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0'))
  if ((percentOf(maxUnavailable) ?? 0) > 100)
    errors.push(invalid(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable, 'must not be greater than 100%'))
  return errors
}

const validate = (deployment: Draft<Deployment>): FieldError[] => {
  const spec = deployment.spec ?? {}
  const { minReadySeconds = 0, progressDeadlineSeconds: deadline } = spec
  const errors = [
    ...nonNegative('spec.replicas', spec.replicas),
    ...validateSelectorAndTemplate(spec, 'deployment'),
    ...validateStrategy(spec),
    ...nonNegative('spec.minReadySeconds', minReadySeconds),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...nonNegative('spec.progressDeadlineSeconds', deadline),
  ]
  if (deadline !== undefined && deadline <= minReadySeconds)
    errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'))
  return errors
}

const counts = ['replicas', 'updatedReplicas', 'readyReplicas', 'availableReplicas']

const validateStatus = ({ status }: Draft<Deployment>, old: Draft<Deployment>): FieldError[] => [
  ...validateCounts(status, [...counts, 'observedGeneration', 'unavailableReplicas', 'collisionCount']),
  ...validateAtMost(status, counts.slice(1), 'replicas'),
  ...validateAtMost(status, ['availableReplicas'], 'readyReplicas'),
  ...validateCollisions(status, old.status),
]

export const deploymentKind: Kind = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  singular: 'deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  namespaced: true,
  schema: 'io.k8s.api.apps.v1.Deployment',
  hasStatus: true,
  scale: workloadScale,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => setDefaults(draftOf<Deployment>(object)),
  prepareForCreate: object => {
    object['status'] = {}
  },
  validate: object => validate(draftOf<Deployment>(object)),
  validateUpdate: (object, old, subresource) =>
    subresource === 'status'
      ? validateStatus(draftOf<Deployment>(object), draftOf<Deployment>(old))
      : validateSelectorUpdate(draftOf<Deployment>(object), draftOf<Deployment>(old)),
  warnings: object => templateWarnings(draftOf<Deployment>(object).spec?.template),
  columns: [
    nameColumn,
    column<Deployment>(
      'Ready',
      'How many of its pods are ready.',
      o => `${o.status?.readyReplicas ?? 0}/${o.spec?.replicas ?? 0}`,
    ),
    column<Deployment>('Up-to-date', 'How many run its newest template.', o => o.status?.updatedReplicas ?? 0, {
      type: 'integer',
    }),
    column<Deployment>('Available', 'How many are ready for long enough.', o => o.status?.availableReplicas ?? 0, {
      type: 'integer',
    }),
    ageColumn,
    ...templateColumns,
  ],
}
