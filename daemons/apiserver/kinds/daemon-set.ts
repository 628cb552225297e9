import type { DaemonSet } from 'kubernetes-types/apps/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { formatLabelSelector } from '../../../kube/selectors.ts'
import type { MetaLabelSelector } from '../../../kube/selectors.ts'
import { ageColumn, column, formatLabels, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, nonNegative, notSupported, required } from './field-error.ts'
import { isZero, percentOf, validateIntOrPercent } from './int-or-percent.ts'
import type { FieldError, Kind } from './kind.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { validatePodTemplate, validateRunsForever } from './pod-template-validation.ts'
import { templateWarnings } from './pod-warnings.ts'
import { isEmptySelector, validateLabelSelector } from './selector-validation.ts'
import { immutable, validateCollisions, validateCounts } from './status-counts.ts'
import { templateColumns, validateChosen } from './workload.ts'

type Row = Draft<DaemonSet>
type Spec = NonNullable<Row['spec']>

/** apps/v1 has no field for it: how often the template has changed. */
const templateGeneration = 'deprecated.daemonset.template.generation'

const setDefaults = (daemonSet: Row): void => {
  const spec = (daemonSet.spec ??= {})
  const strategy = (spec.updateStrategy ??= {})
  strategy.type ||= 'RollingUpdate'
  if (strategy.type === 'RollingUpdate') {
    const rolling = (strategy.rollingUpdate ??= {})
    rolling.maxUnavailable ??= 1
    rolling.maxSurge ??= 0
  }
  spec.revisionHistoryLimit ??= 10
  defaultPodTemplate(spec)
  // Upstream makes it out of a field that only its internal type has: whoever writes the object writes it too.
  ;((daemonSet.metadata ??= {}).annotations ??= {})[templateGeneration] ??= '0'
}

const validateStrategy = ({ updateStrategy: strategy }: Spec): FieldError[] => {
  const path = 'spec.updateStrategy'
  if (strategy?.type === 'OnDelete') return []
  if (strategy?.type !== 'RollingUpdate') return [notSupported(path, strategy, ['RollingUpdate', 'OnDelete'])]
  const rolling = strategy.rollingUpdate
  if (!rolling) return [required(`${path}.rollingUpdate`)]
  const at = `${path}.rollingUpdate`
  const errors: FieldError[] = []
  for (const field of ['maxUnavailable', 'maxSurge'] as const)
    errors.push(...validateIntOrPercent(`${at}.${field}`, rolling[field]))
  for (const field of ['maxUnavailable', 'maxSurge'] as const)
    if ((percentOf(rolling[field]) ?? 0) > 100)
      errors.push(invalid(`${at}.${field}`, rolling[field], 'must not be greater than 100%'))
  const unavailable = !isZero(rolling.maxUnavailable)
  const surge = !isZero(rolling.maxSurge)
  if (unavailable && surge)
    errors.push(invalid(`${at}.maxSurge`, rolling.maxSurge, 'may not be set when maxUnavailable is non-zero'))
  if (!unavailable && !surge) errors.push(required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
  return errors
}

const validate = (daemonSet: Row): FieldError[] => {
  const spec = daemonSet.spec ?? {}
  const { selector, template = {} } = spec
  const errors = validateLabelSelector(selector, 'spec.selector')
  if (errors.length === 0) errors.push(...validateChosen(selector, template))
  if (selector && isEmptySelector(selector))
    errors.push(invalid('spec.selector', selector, 'empty selector is invalid for daemonset'))
  return [
    ...errors,
    ...validatePodTemplate(template, 'spec.template'),
    ...validateRunsForever(template, 'spec.template', 'DaemonSet'),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...validateStrategy(spec),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
  ]
}

const scheduled = ['currentNumberScheduled', 'numberMisscheduled', 'desiredNumberScheduled', 'numberReady'] as const
const statusCounts = [
  ...scheduled, 'observedGeneration', 'updatedNumberScheduled', 'numberAvailable', 'numberUnavailable',
  'collisionCount',
] // prettier-ignore

const validateUpdate = (next: Row, old: Row, subresource: string): FieldError[] =>
  subresource === 'status'
    ? [...validateCounts(next.status, statusCounts), ...validateCollisions(next.status, old.status)]
    : immutable('spec.selector', next.spec?.selector, isDeepStrictEqual(next.spec?.selector, old.spec?.selector))

const generationOf = (row: Row): number => Number(row.metadata?.annotations?.[templateGeneration] ?? 0) || 0

const setGeneration = (row: Row, generation: number): void => {
  ;((row.metadata ??= {}).annotations ??= {})[templateGeneration] = String(generation)
}

const count = { type: 'integer' } as const

export const daemonSetKind: Kind = {
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  plural: 'daemonsets',
  singular: 'daemonset',
  shortNames: ['ds'],
  categories: ['all'],
  namespaced: true,
  schema: 'io.k8s.api.apps.v1.DaemonSet',
  hasStatus: true,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => setDefaults(draftOf<DaemonSet>(object)),
  prepareForCreate: object => {
    const row = draftOf<DaemonSet>(object)
    object['status'] = Object.fromEntries(scheduled.map(field => [field, 0]))
    setGeneration(row, Math.max(1, generationOf(row)))
  },
  prepareForUpdate: (object, before) => {
    const [next, old] = [draftOf<DaemonSet>(object), draftOf<DaemonSet>(before)]
    const changed = !isDeepStrictEqual(next.spec?.template, old.spec?.template)
    setGeneration(next, generationOf(old) + (changed ? 1 : 0))
  },
  validate: object => validate(draftOf<DaemonSet>(object)),
  validateUpdate: (object, old, subresource) =>
    validateUpdate(draftOf<DaemonSet>(object), draftOf<DaemonSet>(old), subresource),
  warnings: object => templateWarnings(draftOf<DaemonSet>(object).spec?.template),
  columns: [
    nameColumn,
    column<DaemonSet>(
      'Desired',
      'How many nodes should run its pod.',
      o => o.status?.desiredNumberScheduled ?? 0,
      count,
    ),
    column<DaemonSet>('Current', 'How many of them have it.', o => o.status?.currentNumberScheduled ?? 0, count),
    column<DaemonSet>('Ready', 'On how many it is ready.', o => o.status?.numberReady ?? 0, count),
    column<DaemonSet>(
      'Up-to-date',
      'How many run its newest template.',
      o => o.status?.updatedNumberScheduled ?? 0,
      count,
    ),
    column<DaemonSet>(
      'Available',
      'On how many it is ready for long enough.',
      o => o.status?.numberAvailable ?? 0,
      count,
    ),
    column<DaemonSet>('Node Selector', 'Which nodes it runs on.', o =>
      formatLabels(o.spec?.template?.spec?.nodeSelector),
    ),
    ageColumn,
    ...templateColumns.slice(0, 2),
    column<DaemonSet>(
      'Selector',
      'The labels of its pods.',
      o => formatLabelSelector(o.spec?.selector as MetaLabelSelector | undefined),
      { wide: true },
    ),
  ],
}
