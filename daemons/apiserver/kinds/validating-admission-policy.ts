import type {
  AuditAnnotation,
  ParamKind,
  ValidatingAdmissionPolicy,
  Validation,
  Variable,
} from 'kubernetes-types/admissionregistration/v1.js'
import { ageColumn, column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, invalid, invalidEach, notSupported, oneOf, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { defaultMatchRules, validateMatchConditions, validateMatchRules } from './match-resources.ts'
import type { MatchRules } from './match-resources.ts'
import { dns1035LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from './name-syntax.ts'

const failurePolicies = ['Fail', 'Ignore']
const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized']
const identifier = /^[_a-zA-Z][_a-zA-Z0-9]*$/
const isBlank = (text: string | undefined): boolean => (text ?? '').trim() === ''

const validateParamKind = ({ apiVersion = '', kind = '' }: Draft<ParamKind>, path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (apiVersion === '') errors.push(required(`${path}.apiVersion`))
  else {
    const parts = apiVersion.split('/')
    const [group, version = ''] = parts.length === 1 ? [undefined, parts[0]] : parts
    if (parts.length > 2)
      errors.push(invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
    else {
      if (group !== undefined) errors.push(...invalidEach(`${path}.apiVersion`, group, dns1123SubdomainErrors(group)))
      errors.push(...invalidEach(`${path}.apiVersion`, version, dns1035LabelErrors(version)))
    }
  }
  if (kind === '') return [...errors, required(`${path}.kind`)]
  return [...errors, ...invalidEach(`${path}.kind`, kind, dns1035LabelErrors(kind.toLowerCase()))]
}

const validateValidation = (row: Draft<Validation>, path: string): FieldError[] => {
  const { expression = '', message, messageExpression, reason } = row
  const errors: FieldError[] = []
  if (isBlank(expression)) errors.push(required(`${path}.expression`, 'expression is not specified'))
  if (messageExpression !== undefined && messageExpression !== '' && isBlank(messageExpression))
    errors.push(invalid(`${path}.messageExpression`, messageExpression, 'must be non-empty if specified'))
  if (message !== undefined && message !== '') {
    if (isBlank(message)) errors.push(invalid(`${path}.message`, message, 'message must be non-empty if specified'))
    else if (message.trim().includes('\n'))
      errors.push(invalid(`${path}.message`, message, 'message must not contain line breaks'))
  } else if (expression.trim().includes('\n'))
    errors.push(required(`${path}.message`, 'message must be specified if expression contains line breaks'))
  if (reason !== undefined && !reasons.includes(reason)) errors.push(notSupported(`${path}.reason`, reason, reasons))
  return errors
}

const validateVariables = (variables: Draft<Variable>[], path: string): FieldError[] => {
  const seen = new Set<string>()
  return variables.flatMap(({ name = '', expression }, i) => {
    const at = `${path}[${i}]`
    const errors: FieldError[] = []
    if (name === '') errors.push(required(`${at}.name`, 'name is not specified'))
    else if (!identifier.test(name)) errors.push(invalid(`${at}.name`, name, 'name is not a valid CEL identifier'))
    if (isBlank(expression)) errors.push(required(`${at}.expression`, 'expression is not specified'))
    if (seen.has(name)) errors.push(duplicate(`${at}.name`, name))
    seen.add(name)
    return errors
  })
}

const validateAnnotations = (annotations: Draft<AuditAnnotation>[], path: string): FieldError[] => {
  const seen = new Set<string>()
  return annotations.flatMap(({ key = '', valueExpression }, i) => {
    const at = `${path}[${i}]`
    const errors = invalidEach(`${at}.key`, key, qualifiedNameErrors(key))
    if (isBlank(valueExpression)) errors.push(required(`${at}.valueExpression`, 'valueExpression is not specified'))
    if (seen.has(key)) errors.push(duplicate(`${at}.key`, key))
    seen.add(key)
    return errors
  })
}

const validate = ({ spec = {} }: Draft<ValidatingAdmissionPolicy>): FieldError[] => {
  const { validations = [], auditAnnotations = [], matchConstraints, paramKind } = spec
  const errors = oneOf('spec.failurePolicy', spec.failurePolicy, failurePolicies)
  if (paramKind) errors.push(...validateParamKind(paramKind, 'spec.paramKind'))
  if (!matchConstraints) errors.push(required('spec.matchConstraints'))
  else {
    errors.push(...validateMatchRules(matchConstraints as MatchRules, 'spec.matchConstraints'))
    // Without a rule nobody knows the types of what the expressions speak of.
    if (!matchConstraints.resourceRules?.length) errors.push(required('spec.matchConstraints.resourceRules'))
  }
  errors.push(...validateMatchConditions(spec.matchConditions, 'spec.matchConditions'))
  errors.push(...validateVariables(spec.variables ?? [], 'spec.variables'))
  if (validations.length === 0 && auditAnnotations.length === 0)
    for (const field of ['validations', 'auditAnnotations'])
      errors.push(required(`spec.${field}`, 'validations or auditAnnotations must be non-empty'))
  return [
    ...errors,
    ...validations.flatMap((row, i) => validateValidation(row, `spec.validations[${i}]`)),
    ...validateAnnotations(auditAnnotations, 'spec.auditAnnotations'),
  ]
}

const paramKindCell = ({ spec }: Draft<ValidatingAdmissionPolicy>): string =>
  spec?.paramKind ? `${spec.paramKind.apiVersion ?? ''}/${spec.paramKind.kind ?? ''}` : '<unset>'

export const validatingAdmissionPolicyKind: Kind = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  singular: 'validatingadmissionpolicy',
  shortNames: [],
  categories: ['api-extensions'],
  namespaced: false,
  schema: 'io.k8s.api.admissionregistration.v1.ValidatingAdmissionPolicy',
  hasStatus: true,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => {
    const { spec } = draftOf<ValidatingAdmissionPolicy>(object)
    if (!spec) return
    spec.failurePolicy ??= 'Fail'
    if (spec.matchConstraints) defaultMatchRules(spec.matchConstraints as MatchRules)
  },
  prepareForCreate: object => {
    object['status'] = {}
  },
  validate: object => validate(draftOf<ValidatingAdmissionPolicy>(object)),
  columns: [
    nameColumn,
    column<ValidatingAdmissionPolicy>('Validations', 'How many there are.', o => (o.spec?.validations ?? []).length, {
      type: 'integer',
    }),
    column<ValidatingAdmissionPolicy>('ParamKind', 'What it takes its parameters from.', paramKindCell),
    ageColumn,
  ],
}
