import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, nonNegative, notSupported } from './field-error.ts'
import { percentOf, validateIntOrPercent } from './int-or-percent.ts'
import type { FieldError, Kind } from './kind.ts'
import { validateLabelSelector } from './selector-validation.ts'

const unhealthyPolicies = ['AlwaysAllow', 'IfHealthyBudget']

const validateShare = (path: string, value: number | string | undefined): FieldError[] => {
  if (value === undefined) return []
  const errors = validateIntOrPercent(path, value)
  if ((percentOf(value) ?? 0) > 100) errors.push(invalid(path, value, 'must not be greater than 100%'))
  return errors
}

const validate = ({ spec = {} }: Draft<PodDisruptionBudget>): FieldError[] => {
  const { minAvailable, maxUnavailable, selector, unhealthyPodEvictionPolicy: policy } = spec
  const errors: FieldError[] = []
  if (minAvailable !== undefined && maxUnavailable !== undefined)
    errors.push(invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set'))
  errors.push(...validateShare('spec.minAvailable', minAvailable))
  errors.push(...validateShare('spec.maxUnavailable', maxUnavailable))
  errors.push(...validateLabelSelector(selector, 'spec.selector'))
  if (policy !== undefined && !unhealthyPolicies.includes(policy))
    errors.push(notSupported('spec.unhealthyPodEvictionPolicy', policy, unhealthyPolicies))
  return errors
}

const validateStatus = ({ status = {} }: Draft<PodDisruptionBudget>): FieldError[] =>
  (['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).flatMap(field =>
    nonNegative(`status.${field}`, status[field]),
  )

export const podDisruptionBudgetKind: Kind = {
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  singular: 'poddisruptionbudget',
  shortNames: ['pdb'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  hasStatus: true,
  subresources: [],
  generationFields: ['spec'],
  prepareForCreate: object => {
    // Nothing may be disrupted before the controller has counted.
    object['status'] = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }
  },
  validate: object => validate(draftOf<PodDisruptionBudget>(object)),
  validateUpdate: (object, _, subresource) =>
    subresource === 'status' ? validateStatus(draftOf<PodDisruptionBudget>(object)) : [],
  columns: [
    nameColumn,
    column<PodDisruptionBudget>('Min Available', 'How many must be available.', o => o.spec?.minAvailable ?? 'N/A'),
    column<PodDisruptionBudget>('Max Unavailable', 'How many may be missing.', o => o.spec?.maxUnavailable ?? 'N/A'),
    column<PodDisruptionBudget>(
      'Allowed Disruptions',
      'How many may be evicted now.',
      o => o.status?.disruptionsAllowed ?? 0,
      { type: 'integer' },
    ),
    ageColumn,
  ],
}
