import type { ResourceQuota } from 'kubernetes-types/core/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { immutableMessage, invalid, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { isStandardQuotaResource, validateQuotaResource } from './quota-resources.ts'
import { canonicalizeQuantities } from './storage-rules.ts'

type Row = Draft<ResourceQuota>
type Spec = NonNullable<Row['spec']>

const podResources = new Set([
  'pods', 'cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory',
]) // prettier-ignore
const claimResources = new Set(['persistentvolumeclaims', 'requests.storage'])

/** What each scope can be applied to. */
const scopeResources: Readonly<Record<string, ReadonlySet<string>>> = {
  BestEffort: new Set(['pods']),
  NotBestEffort: podResources,
  Terminating: podResources,
  NotTerminating: podResources,
  PriorityClass: podResources,
  CrossNamespacePodAffinity: podResources,
  VolumeAttributesClass: claimResources,
}
/** They hold or do not: there is nothing to compare. */
const plainScopes = new Set([
  'BestEffort',
  'NotBestEffort',
  'Terminating',
  'NotTerminating',
  'CrossNamespacePodAffinity',
])
const opposites = [
  ['BestEffort', 'NotBestEffort'],
  ['Terminating', 'NotTerminating'],
] as const

const unfitting = (scope: string, { hard = {} }: Spec): string[] =>
  Object.keys(hard).filter(name => isStandardQuotaResource(name) && scopeResources[scope]?.has(name) !== true)

const conflicts = (scopes: readonly string[], spec: Spec, path: string): FieldError[] =>
  opposites
    .filter(pair => pair.every(scope => scopes.includes(scope)))
    .map(() => invalid(path, spec.scopes, 'conflicting scopes'))

const validateScopes = (spec: Spec): FieldError[] => {
  const path = 'spec.scopes'
  const scopes = spec.scopes ?? []
  const errors: FieldError[] = []
  for (const scope of scopes) {
    if (!Object.hasOwn(scopeResources, scope)) errors.push(invalid(path, scopes, 'unsupported scope'))
    errors.push(...unfitting(scope, spec).map(() => invalid(path, scopes, 'unsupported scope applied to resource')))
  }
  return [...errors, ...conflicts(scopes, spec, path)]
}

const validateSelector = (spec: Spec): FieldError[] => {
  const path = 'spec.scopeSelector.matchExpressions'
  const rules = spec.scopeSelector?.matchExpressions ?? []
  const errors: FieldError[] = []
  for (const { scopeName: scope = '', operator = '', values = [] } of rules) {
    if (!Object.hasOwn(scopeResources, scope)) errors.push(invalid(`${path}.scopeName`, scope, 'unsupported scope'))
    errors.push(
      ...unfitting(scope, spec).map(() => invalid(path, spec.scopeSelector, 'unsupported scope applied to resource')),
    )
    if (plainScopes.has(scope) && operator !== 'Exists')
      errors.push(
        invalid(
          `${path}.operator`,
          operator,
          "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity",
        ),
      )
    if (operator === 'In' || operator === 'NotIn') {
      if (values.length === 0)
        errors.push(
          required(
            `${path}.values`,
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
          ),
        )
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values.length > 0)
        errors.push(
          invalid(
            `${path}.values`,
            values,
            "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
          ),
        )
    } else errors.push(invalid(`${path}.operator`, operator, 'not a valid selector operator'))
  }
  return [...errors, ...conflicts(rules.map(rule => rule.scopeName ?? ''), spec, path)] // prettier-ignore
}

const validateAmounts = (amounts: Readonly<Record<string, string | undefined>> | undefined, path: string) =>
  Object.entries(amounts ?? {}).flatMap(([name, text]) => validateQuotaResource(name, text ?? '', `${path}[${name}]`))

const validate = ({ spec = {} }: Row): FieldError[] => [
  ...validateAmounts(spec.hard, 'spec.hard'),
  ...validateScopes(spec),
  ...validateSelector(spec),
]

const validateUpdate = (next: Row, old: Row, subresource: string): FieldError[] => {
  if (subresource === 'status')
    return [...validateAmounts(next.status?.hard, 'status.hard'), ...validateAmounts(next.status?.used, 'status.used')]
  const sorted = (row: Row) => [...(row.spec?.scopes ?? [])].sort().join()
  return sorted(next) === sorted(old) ? [] : [invalid('spec.scopes', next.spec?.scopes ?? null, immutableMessage)]
}

/** `cpu: 1/2, pods: 3/4`, of the limits or of everything else. */
const amountsCell =
  (ofLimits: boolean) =>
  ({ status }: Row): string =>
    Object.keys(status?.hard ?? {})
      .filter(name => name.startsWith('limits.') === ofLimits)
      .sort()
      .map(name => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name] ?? '0'}`)
      .join(', ')

export const resourceQuotaKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'ResourceQuota',
  plural: 'resourcequotas',
  singular: 'resourcequota',
  shortNames: ['quota'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.ResourceQuota',
  hasStatus: true,
  subresources: [],
  generationFields: [],
  setDefaults: object => {
    const { spec, status } = draftOf<ResourceQuota>(object)
    canonicalizeQuantities(spec?.hard)
    canonicalizeQuantities(status?.hard)
    canonicalizeQuantities(status?.used)
  },
  prepareForCreate: object => {
    object['status'] = {}
  },
  validate: object => validate(draftOf<ResourceQuota>(object)),
  validateUpdate: (object, old, subresource) =>
    validateUpdate(draftOf<ResourceQuota>(object), draftOf<ResourceQuota>(old), subresource),
  columns: [
    nameColumn,
    column<ResourceQuota>('Request', 'What is used, of how much.', amountsCell(false)),
    column<ResourceQuota>('Limit', 'What is used of the limits, of how much.', amountsCell(true)),
    ageColumn,
  ],
}
