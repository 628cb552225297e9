import type { LabelSelector } from 'kubernetes-types/meta/v1.js'
import { matchLabelSelector } from '../../../kube/selectors.ts'
import type { MetaLabelSelector } from '../../../kube/selectors.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid, invalidEach, required } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { validateLabels } from './metadata-validation.ts'
import { labelValueErrors, qualifiedNameErrors } from './name-syntax.ts'

type Selector = Draft<LabelSelector>

export const isEmptySelector = (selector: Selector): boolean =>
  Object.keys(selector.matchLabels ?? {}).length === 0 && (selector.matchExpressions ?? []).length === 0

export const validateLabelSelector = (selector: Selector | undefined, path: string): FieldError[] => {
  if (!selector) return []
  const errors = validateLabels(selector.matchLabels, `${path}.matchLabels`)
  for (const [i, { key = '', operator = '', values }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${path}.matchExpressions[${i}]`
    if (operator === 'In' || operator === 'NotIn') {
      if (!values?.length) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
    } else if (operator === 'Exists' || operator === 'DoesNotExist') {
      if (values?.length)
        errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"))
    } else errors.push(invalid(`${at}.operator`, operator, 'not a valid selector operator'))
    errors.push(...invalidEach(`${at}.key`, key, qualifiedNameErrors(key)))
    for (const [j, value] of (values ?? []).entries())
      errors.push(...invalidEach(`${at}.values[${j}]`, value, labelValueErrors(value)))
  }
  return errors
}

/** As kube/selectors sees it; only to be asked of a selector without errors. */
export const selectorMatches = (selector: Selector, labels: Readonly<Record<string, string | undefined>>): boolean =>
  matchLabelSelector(selector as MetaLabelSelector, labels as Record<string, string>)

/** Node selectors and node affinity know `Gt` and `Lt` besides. */
export const validateNodeSelectorOperator = (operator: string, values: readonly string[], at: string): FieldError[] => {
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length === 0
        ? [required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
        : []
    case 'Exists':
    case 'DoesNotExist':
      return values.length > 0
        ? [forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
        : []
    case 'Gt':
    case 'Lt':
      return values.length === 1
        ? []
        : [required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'")]
    default:
      return [invalid(`${at}.operator`, operator, 'not a valid selector operator')]
  }
}
