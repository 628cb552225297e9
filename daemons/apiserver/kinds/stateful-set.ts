import type { StatefulSet } from 'kubernetes-types/apps/v1.js'
import { isDeepStrictEqual } from 'node:util'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid, nonNegative, notSupported, required } from './field-error.ts'
import { isZero, percentOf, validateIntOrPercent } from './int-or-percent.ts'
import type { FieldError, Kind } from './kind.ts'
import { defaultClaimSpec } from './persistent-volume-claim.ts'
import { defaultPodTemplate } from './pod-defaults.ts'
import { validatePodTemplate, validateRunsForever } from './pod-template-validation.ts'
import { templateWarnings } from './pod-warnings.ts'
import { validateLabelSelector } from './selector-validation.ts'
import { validateAtMost, validateCollisions, validateCounts } from './status-counts.ts'
import { templateColumns, validateChosen, validateSelector, workloadScale } from './workload.ts'

type Row = Draft<StatefulSet>
type Spec = NonNullable<Row['spec']>

const defaultStrategy = (spec: Spec): void => {
  const strategy = (spec.updateStrategy ??= {})
  // Who names the type says all there is to say.
  if (!strategy.type) {
    strategy.type = 'RollingUpdate'
    strategy.rollingUpdate ??= {}
  }
  if (strategy.type === 'RollingUpdate' && strategy.rollingUpdate) strategy.rollingUpdate.partition ??= 0
}

const setDefaults = (set: Row): void => {
  const spec = (set.spec ??= {})
  spec.podManagementPolicy ||= 'OrderedReady'
  defaultStrategy(spec)
  const retention = (spec.persistentVolumeClaimRetentionPolicy ??= {})
  retention.whenDeleted ||= 'Retain'
  retention.whenScaled ||= 'Retain'
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= 10
  for (const claim of spec.volumeClaimTemplates ?? []) {
    // A template is served as the whole object that it is a template of.
    claim.kind = 'PersistentVolumeClaim'
    claim.apiVersion = 'v1'
    defaultClaimSpec((claim.spec ??= {}))
    ;(claim.status ??= {}).phase ||= 'Pending'
  }
  defaultPodTemplate(spec)
}

const validateStrategy = ({ updateStrategy: strategy }: Spec): FieldError[] => {
  const path = 'spec.updateStrategy'
  const rolling = strategy?.rollingUpdate
  switch (strategy?.type) {
    case 'OnDelete':
      return rolling
        ? [invalid(`${path}.rollingUpdate`, rolling, "only allowed for updateStrategy 'RollingUpdate'")]
        : []
    case 'RollingUpdate': {
      const { partition, maxUnavailable } = rolling ?? {}
      const errors = nonNegative(`${path}.rollingUpdate.partition`, partition)
      const at = `${path}.rollingUpdate.maxUnavailable`
      errors.push(...validateIntOrPercent(at, maxUnavailable))
      if (isZero(maxUnavailable)) errors.push(invalid(at, maxUnavailable, 'cannot be 0'))
      if ((percentOf(maxUnavailable) ?? 0) > 100)
        errors.push(invalid(at, maxUnavailable, 'must not be greater than 100%'))
      return errors
    }
    default:
      return strategy?.type ? [invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")] : [required(path)]
  }
}

const validateRetention = ({ persistentVolumeClaimRetentionPolicy: policy }: Spec): FieldError[] =>
  (['whenDeleted', 'whenScaled'] as const)
    .filter(field => policy !== undefined && !['Retain', 'Delete'].includes(policy[field] ?? ''))
    .map(field =>
      notSupported(`spec.persistentVolumeClaimRetentionPolicy.${field}`, policy?.[field], ['Retain', 'Delete']),
    )

/** The template with the volumes that each pod gets by its claims: containers may mount them. */
const withClaims = ({ template = {}, volumeClaimTemplates = [] }: Spec): NonNullable<Spec['template']> => {
  const claims = volumeClaimTemplates ?? []
  if (claims.length === 0) return template
  const names = new Set(claims.map(claim => claim.metadata?.name))
  const volumes = (template.spec?.volumes ?? []).filter(volume => !names.has(volume.name))
  const claimed = [...names].map(name => ({ name, persistentVolumeClaim: { claimName: name } }))
  return { ...template, spec: { ...template.spec, volumes: [...volumes, ...claimed] } }
}

const validate = (set: Row): FieldError[] => {
  const spec = set.spec ?? {}
  const policy = spec.podManagementPolicy
  const errors: FieldError[] = []
  if (!policy) errors.push(required('spec.podManagementPolicy'))
  else if (!['OrderedReady', 'Parallel'].includes(policy))
    errors.push(invalid('spec.podManagementPolicy', policy, "must be 'OrderedReady' or 'Parallel'"))
  errors.push(
    ...validateStrategy(spec),
    ...validateRetention(spec),
    ...nonNegative('spec.replicas', spec.replicas),
    ...nonNegative('spec.minReadySeconds', spec.minReadySeconds),
    ...nonNegative('spec.ordinals.start', spec.ordinals?.start),
    ...nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit),
    ...validateSelector(spec.selector, 'statefulset'),
  )
  const readable = validateLabelSelector(spec.selector, '').length === 0
  if (readable) errors.push(...validateChosen(spec.selector, spec.template ?? {}))
  else errors.push(invalid('spec.selector', spec.selector, ''))
  return [
    ...errors,
    ...validatePodTemplate(withClaims(spec), 'spec.template'),
    ...validateRunsForever(spec.template ?? {}, 'spec.template', 'StatefulSet'),
  ]
}

const mutable = [
  'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy', 'minReadySeconds',
] // prettier-ignore

const rest = (row: Row): unknown =>
  Object.fromEntries(Object.entries(row.spec ?? {}).filter(([field]) => !mutable.includes(field)))

const counts = ['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas']

const validateUpdate = (next: Row, old: Row, subresource: string): FieldError[] => {
  if (subresource === 'status') {
    const { status } = next
    return [
      ...validateCounts(status, [...counts, 'observedGeneration', 'collisionCount']),
      ...validateAtMost(status, counts.slice(1), 'replicas'),
      ...validateAtMost(status, ['availableReplicas'], 'readyReplicas'),
      ...validateCollisions(status, old.status),
    ]
  }
  if (isDeepStrictEqual(rest(next), rest(old))) return []
  const words = mutable.map(field => `'${field}'`)
  const list = `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
  return [forbidden('spec', `updates to statefulset spec for fields other than ${list} are forbidden`)]
}

export const statefulSetKind: Kind = {
  group: 'apps',
  version: 'v1',
  kind: 'StatefulSet',
  plural: 'statefulsets',
  singular: 'statefulset',
  shortNames: ['sts'],
  categories: ['all'],
  namespaced: true,
  schema: 'io.k8s.api.apps.v1.StatefulSet',
  hasStatus: true,
  scale: workloadScale,
  subresources: [],
  generationFields: ['spec'],
  nameRule: 'dns-label',
  setDefaults: object => setDefaults(draftOf<StatefulSet>(object)),
  prepareForCreate: object => {
    const rolling = draftOf<StatefulSet>(object).spec?.updateStrategy?.rollingUpdate
    // Behind an alpha feature gate that is off upstream: such a field is dropped, not refused.
    if (rolling) delete rolling.maxUnavailable
    object['status'] = { replicas: 0, availableReplicas: 0 }
  },
  prepareForUpdate: (object, old) => {
    const rolling = draftOf<StatefulSet>(object).spec?.updateStrategy?.rollingUpdate
    const before = draftOf<StatefulSet>(old).spec?.updateStrategy?.rollingUpdate
    if (rolling && before?.maxUnavailable === undefined) delete rolling.maxUnavailable
  },
  validate: object => validate(draftOf<StatefulSet>(object)),
  validateUpdate: (object, old, subresource) =>
    validateUpdate(draftOf<StatefulSet>(object), draftOf<StatefulSet>(old), subresource),
  warnings: object => templateWarnings(draftOf<StatefulSet>(object).spec?.template),
  columns: [
    nameColumn,
    column<StatefulSet>(
      'Ready',
      'How many of its pods are ready.',
      o => `${o.status?.readyReplicas ?? 0}/${o.spec?.replicas ?? 0}`,
    ),
    ageColumn,
    ...templateColumns.slice(0, 2),
  ],
}
