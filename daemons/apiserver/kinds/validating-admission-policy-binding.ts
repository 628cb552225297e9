import type { ParamRef, ValidatingAdmissionPolicyBinding } from 'kubernetes-types/admissionregistration/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, invalid, invalidEach, notSupported, oneOf, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { defaultMatchRules, validateMatchRules } from './match-resources.ts'
import type { MatchRules } from './match-resources.ts'
import { dns1123SubdomainErrors } from './name-syntax.ts'
import { validateLabelSelector } from './selector-validation.ts'

const actions = ['Audit', 'Deny', 'Warn']

const validateParamRef = (ref: Draft<ParamRef>, path: string): FieldError[] => {
  const { name, selector } = ref
  const errors: FieldError[] = []
  if (name) {
    errors.push(...invalidEach(`${path}.name`, name, dns1123SubdomainErrors(name)))
    if (selector) errors.push(forbidden(`${path}.name`, 'name and selector are mutually exclusive'))
  } else if (!selector) errors.push(required(path, 'one of name or selector must be specified'))
  if (selector) errors.push(...validateLabelSelector(selector, `${path}.selector`))
  if (selector && name) errors.push(forbidden(`${path}.selector`, 'name and selector are mutually exclusive'))
  return [...errors, ...oneOf(`${path}.parameterNotFoundAction`, ref.parameterNotFoundAction, ['Allow', 'Deny'])]
}

const validateActions = (list: string[], path: string): FieldError[] => {
  const errors = list.flatMap((action, i) => {
    if (!actions.includes(action)) return [notSupported(`${path}[${i}]`, action, actions)]
    return list.indexOf(action) < i ? [duplicate(`${path}[${i}]`, action)] : []
  })
  if (list.includes('Deny') && list.includes('Warn'))
    errors.push(
      invalid(
        path,
        list,
        'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
      ),
    )
  if (list.length === 0) errors.push(required(path, 'at least one validation action is required'))
  return errors
}

const validate = ({ spec = {} }: Draft<ValidatingAdmissionPolicyBinding>): FieldError[] => {
  const { policyName, paramRef, matchResources } = spec
  return [
    ...(policyName
      ? invalidEach('spec.policyName', policyName, dns1123SubdomainErrors(policyName))
      : [required('spec.policyName')]),
    ...(paramRef ? validateParamRef(paramRef, 'spec.paramRef') : []),
    ...(matchResources ? validateMatchRules(matchResources as MatchRules, 'spec.matchResources') : []),
    ...validateActions(spec.validationActions ?? [], 'spec.validationActions'),
  ]
}

const paramRefCell = ({ spec }: Draft<ValidatingAdmissionPolicyBinding>): string => {
  const ref = spec?.paramRef
  if (!ref) return '<unset>'
  if (!ref.name) return ref.selector ? `${ref.namespace ?? ''}/*` : '<unset>'
  return ref.namespace ? `${ref.namespace}/${ref.name}` : `*/${ref.name}`
}

export const validatingAdmissionPolicyBindingKind: Kind = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicyBinding',
  plural: 'validatingadmissionpolicybindings',
  singular: 'validatingadmissionpolicybinding',
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicyBinding',
  hasStatus: false,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => {
    const matchResources = draftOf<ValidatingAdmissionPolicyBinding>(object).spec?.matchResources
    if (matchResources) defaultMatchRules(matchResources as MatchRules)
  },
  validate: object => validate(draftOf<ValidatingAdmissionPolicyBinding>(object)),
  columns: [
    nameColumn,
    column<ValidatingAdmissionPolicyBinding>('PolicyName', 'The policy.', o => o.spec?.policyName ?? ''),
    column<ValidatingAdmissionPolicyBinding>('ParamRef', 'Where its parameters are.', paramRefCell),
    ageColumn,
  ],
}
