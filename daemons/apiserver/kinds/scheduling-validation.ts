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
import { duplicate, invalid, invalidEach, notSupported, oneOf, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { dns1123LabelErrors, labelValueErrors, qualifiedNameErrors } from './name-syntax.ts'
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

const validateTerm = (term: Draft<NodeSelectorTerm>, path: string): FieldError[] => {
  const errors: FieldError[] = []
  for (const list of ['matchExpressions', 'matchFields'] as const)
    for (const [i, { key = '', operator = '', values }] of (term[list] ?? []).entries()) {
      const at = `${path}.${list}[${i}]`
      errors.push(...validateNodeSelectorOperator(operator, values ?? [], at))
      if (list === 'matchExpressions') errors.push(...invalidEach(`${at}.key`, key, qualifiedNameErrors(key)))
      else if (key !== 'metadata.name') errors.push(invalid(`${at}.key`, key, 'not a valid field selector key'))
    }
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
  return terms.flatMap((term, i) => validateTerm(term, `${at}[${i}]`))
}

const validateNodeAffinity = (affinity: Draft<NodeAffinity> | undefined, path: string): FieldError[] => {
  const errors: FieldError[] = []
  const hard = affinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (hard) errors.push(...validateNodeSelector(hard, `${path}.requiredDuringSchedulingIgnoredDuringExecution`))
  for (const [i, soft] of (affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
    const at = `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`
    errors.push(...weightErrors(soft.weight, at))
    errors.push(...validateTerm(soft.preference ?? {}, `${at}.preference`))
  }
  return errors
}

const validatePodTerm = (term: Draft<PodAffinityTerm> | undefined, path: string): FieldError[] => {
  const errors = validateLabelSelector(term?.labelSelector, `${path}.labelSelector`)
  errors.push(...validateLabelSelector(term?.namespaceSelector, `${path}.namespaceSelector`))
  for (const [i, name] of (term?.namespaces ?? []).entries())
    errors.push(...invalidEach(`${path}.namespaces[${i}]`, name, dns1123LabelErrors(name)))
  if (!term?.topologyKey) errors.push(required(`${path}.topologyKey`, 'can not be empty'))
  else errors.push(...invalidEach(`${path}.topologyKey`, term.topologyKey, qualifiedNameErrors(term.topologyKey)))
  return errors
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

const inclusion = ['Honor', 'Ignore']

export const validateSpreading = (
  constraints: readonly Draft<TopologySpreadConstraint>[] | undefined,
  path: string,
): FieldError[] => {
  const seen = new Set<string>()
  const errors: FieldError[] = []
  for (const [i, row] of (constraints ?? []).entries()) {
    const at = `${path}[${i}]`
    if ((row.maxSkew ?? 0) <= 0) errors.push(invalid(`${at}.maxSkew`, row.maxSkew ?? 0, 'must be greater than zero'))
    if (!row.topologyKey) errors.push(required(`${at}.topologyKey`, 'can not be empty'))
    errors.push(...oneOf(`${at}.whenUnsatisfiable`, row.whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']))
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
    // Two bounds of one sort on one key: which of them would hold?
    const identity = `{${row.topologyKey ?? ''}, ${row.whenUnsatisfiable ?? ''}}`
    if (seen.has(identity)) errors.push(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, identity))
    seen.add(identity)
  }
  return errors
}
