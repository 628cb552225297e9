import type {
  Affinity,
  NodeAffinity,
  NodeSelector,
  NodeSelectorTerm,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'
import { duplicate, invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from './name-syntax.ts'
import { validateLabelSelector, validateNodeSelectorOperator } from './selector-validation.ts'

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute']

export const validateTolerations = (
  tolerations: readonly Draft<Toleration>[] | undefined,
  path: string,
): FieldError[] => {
  const errors: FieldError[] = []
  for (const [i, { key, operator, value, effect, tolerationSeconds }] of (tolerations ?? []).entries()) {
    const at = `${path}[${i}]`
    if (key) errors.push(...invalidEach(`${at}.key`, key, qualifiedNameErrors(key)))
    else if (operator !== 'Exists')
      errors.push(
        invalid(
          `${at}.operator`,
          operator ?? '',
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      )
    if (tolerationSeconds !== undefined && tolerationSeconds !== null && effect !== 'NoExecute')
      errors.push(invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"))
    if (operator === 'Exists') {
      if (value) errors.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"))
    } else if (!operator || operator === 'Equal')
      errors.push(...invalidEach(`${at}.operator`, value ?? '', labelValueErrors(value ?? '')))
    else errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']))
    if (effect && !effects.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, effects))
  }
  return errors
}

type Requirement = NonNullable<Draft<NodeSelectorTerm>['matchFields']>[number]

const eachValue = (values: readonly string[] | undefined, path: string, rule: (text: string) => string[]) =>
  (values ?? []).flatMap((value, i) => invalidEach(`${path}.values[${i}]`, value, rule(value)))

/** Of a node's fields there is its name. */
const validateFieldTerm = ({ key = '', operator = '', values }: Requirement, at: string): FieldError[] => {
  const errors: FieldError[] = []
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
  else if (values?.length !== 1)
    errors.push(
      required(`${at}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"),
    )
  if (key !== 'metadata.name') errors.push(invalid(`${at}.key`, key, 'not a valid field selector key'))
  else errors.push(...eachValue(values, at, dns1123SubdomainErrors))
  return errors
}

/** `hard`: no node will do that does not match, so that values no label can have are refused. */
const validateTerm = (term: Draft<NodeSelectorTerm>, path: string, hard: boolean): FieldError[] => {
  const errors: FieldError[] = []
  for (const [i, { key = '', operator = '', values }] of (term.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${i}]`
    errors.push(...validateNodeSelectorOperator(operator, values ?? [], at))
    errors.push(...invalidEach(`${at}.key`, key, qualifiedNameErrors(key)))
    if (hard) errors.push(...eachValue(values, at, labelValueErrors))
  }
  for (const [i, row] of (term.matchFields ?? []).entries())
    errors.push(...validateFieldTerm(row, `${path}.matchFields[${i}]`))
  return errors
}

const weightErrors = (weight: number | undefined, path: string): FieldError[] =>
  weight === undefined || weight < 1 || weight > 100
    ? [invalid(`${path}.weight`, weight ?? 0, 'must be in the range 1-100')]
    : []

/** Terms of which a node must meet one. */
export const validateNodeSelector = (selector: Draft<NodeSelector>, path: string): FieldError[] => {
  const at = `${path}.nodeSelectorTerms`
  const terms = selector.nodeSelectorTerms ?? []
  if (terms.length === 0) return [required(at, 'must have at least one node selector term')]
  return terms.flatMap((term, i) => validateTerm(term, `${at}[${i}]`, true))
}

const validateNodeAffinity = (affinity: Draft<NodeAffinity> | undefined, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const hard = affinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (hard) errors.push(...validateNodeSelector(hard, `${path}.requiredDuringSchedulingIgnoredDuringExecution`))
  for (const [i, soft] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
    errors.push(...weightErrors(soft.weight, at))
    errors.push(...validateTerm(soft.preference ?? {}, `${at}.preference`, false))
  }
  return errors
}

const validatePodTerm = (term: Draft<PodAffinityTerm> | undefined, path: string): FieldError[] => {
  const errors = validateLabelSelector(term?.labelSelector, `${path}.labelSelector`)
  errors.push(...validateLabelSelector(term?.namespaceSelector, `${path}.namespaceSelector`))
  for (const name of term?.namespaces ?? [])
    errors.push(...invalidEach(`${path}.namespace`, name, dns1123LabelErrors(name)))
  const { topologyKey = '' } = term ?? {}
  if (topologyKey === '') errors.push(required(`${path}.topologyKey`, 'can not be empty'))
  return [...errors, ...invalidEach(`${path}.topologyKey`, topologyKey, qualifiedNameErrors(topologyKey))]
}

export const validateAffinity = (affinity: Draft<Affinity> | undefined, path: string): FieldError[] => {
  if (!affinity) return []
  const errors = validateNodeAffinity(affinity.nodeAffinity, `${path}.nodeAffinity`)
  for (const side of ['podAffinity', 'podAntiAffinity'] as const) {
    const rules = affinity[side]
    for (const [i, term] of (rules?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries())
      errors.push(...validatePodTerm(term, `${path}.${side}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`))
    for (const [i, soft] of (rules?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const at = `${path}.${side}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
      errors.push(...weightErrors(soft.weight, at))
      errors.push(...validatePodTerm(soft.podAffinityTerm, `${at}.podAffinityTerm`))
    }
  }
  return errors
}

const unsatisfiable = ['DoNotSchedule', 'ScheduleAnyway']
const inclusion = ['Honor', 'Ignore']

export const validateSpreading = (
  constraints: readonly Draft<TopologySpreadConstraint>[] | undefined,
  path: string,
): FieldError[] => {
  const errors: FieldError[] = []
  const identities = (constraints ?? []).map(row => `{${row.topologyKey ?? ''}, ${row.whenUnsatisfiable ?? ''}}`)
  for (const [i, row] of (constraints ?? []).entries()) {
    const at = `${path}[${i}]`
    if ((row.maxSkew ?? 0) <= 0) errors.push(invalid(`${at}.maxSkew`, row.maxSkew ?? 0, 'must be greater than zero'))
    if (!row.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'))
    if (!unsatisfiable.includes(row.whenUnsatisfiable ?? ''))
      errors.push(notSupported(`${at}.whenUnsatisfiable`, row.whenUnsatisfiable ?? '', unsatisfiable))
    errors.push(...validateLabelSelector(row.labelSelector, `${at}.labelSelector`))
    if (row.minDomains !== undefined && row.minDomains <= 0)
      errors.push(invalid(`${at}.minDomains`, row.minDomains, 'must be greater than zero'))
    if (row.minDomains !== undefined && row.whenUnsatisfiable !== 'DoNotSchedule')
      errors.push(
        invalid(
          `${at}.minDomains`,
          row.minDomains,
          `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${row.whenUnsatisfiable ?? ''}`,
        ),
      )
    for (const field of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const)
      if (row[field] !== undefined && !inclusion.includes(row[field]))
        errors.push(notSupported(`${at}.${field}`, row[field], inclusion))
    // Two bounds of one sort on one key: which of them would hold? The first is told.
    const identity = identities[i] ?? ''
    if (identities.includes(identity, i + 1)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, identity))
  }
  return errors
}
