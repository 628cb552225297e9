import type { LabelSelector } from 'kubernetes-types/meta/v1.js'
import type { Draft } from './draft.ts'
import { duplicate, invalid, invalidEach, notSupported, oneOf, required, tooMany } from './field-error.ts'
import type { FieldError } from './kind.ts'
import { qualifiedNameErrors } from './name-syntax.ts'
import { validateLabelSelector } from './selector-validation.ts'

/** What the rules of webhooks and of policies have in common. */
export interface OperationRule {
  operations?: string[] | undefined
  apiGroups?: string[] | undefined
  apiVersions?: string[] | undefined
  resources?: string[] | undefined
  scope?: string | undefined
}

export interface MatchRules {
  resourceRules?: (OperationRule & { resourceNames?: string[] | undefined })[] | undefined
  excludeResourceRules?: (OperationRule & { resourceNames?: string[] | undefined })[] | undefined
  matchPolicy?: string | undefined
  namespaceSelector?: Draft<LabelSelector> | undefined
  objectSelector?: Draft<LabelSelector> | undefined
}

export interface Condition {
  name?: string | undefined
  expression?: string | undefined
}

const operations = ['*', 'CONNECT', 'CREATE', 'DELETE', 'UPDATE']
const scopes = ['*', 'Cluster', 'Namespaced']
export const matchPolicies = ['Equivalent', 'Exact']
const maxConditions = 64

/** A list in which `*` stands alone. */
const validateWords = (words: string[] | undefined, path: string, others: string): FieldError[] => {
  const list = words ?? []
  if (list.length === 0) return [required(path)]
  return list.length > 1 && list.includes('*')
    ? [invalid(path, list, `if '*' is present, must not specify other ${others}`)]
    : []
}

const validateResourceNames = (resources: string[] | undefined, path: string): FieldError[] => {
  const list = resources ?? []
  if (list.length === 0) return [required(path)]
  const errors: FieldError[] = []
  const plain = new Set<string>()
  const allSubresources = new Set<string>()
  const ofAllResources = new Set<string>()
  for (const [i, text] of list.entries()) {
    const at = `${path}[${i}]`
    if (text === '') errors.push(required(at))
    else if (text === '*/*' || text === '*') continue
    else if (!text.includes('/')) plain.add(text)
    else {
      const slash = text.indexOf('/')
      const [resource, subresource] = [text.slice(0, slash), text.slice(slash + 1)]
      if (allSubresources.has(resource))
        errors.push(invalid(at, text, `if '${resource}/*' is present, must not specify ${text}`))
      if (ofAllResources.has(subresource))
        errors.push(invalid(at, text, `if '*/${subresource}' is present, must not specify ${text}`))
      if (subresource === '*') allSubresources.add(resource)
      if (resource === '*') ofAllResources.add(subresource)
    }
  }
  if (list.length > 1 && list.includes('*/*'))
    errors.push(invalid(path, list, "if '*/*' is present, must not specify other resources"))
  if (list.includes('*') && plain.size > 0)
    errors.push(invalid(path, list, "if '*' is present, must not specify other resources without subresources"))
  return errors
}

export const validateOperationRule = (rule: OperationRule, path: string): FieldError[] => {
  const errors = validateWords(rule.operations, `${path}.operations`, 'operations')
  for (const [i, operation] of (rule.operations ?? []).entries())
    if (!operations.includes(operation)) errors.push(notSupported(`${path}.operations[${i}]`, operation, operations))
  errors.push(...validateWords(rule.apiGroups, `${path}.apiGroups`, 'API groups'))
  errors.push(...validateWords(rule.apiVersions, `${path}.apiVersions`, 'API versions'))
  for (const [i, version] of (rule.apiVersions ?? []).entries())
    if (version === '') errors.push(required(`${path}.apiVersions[${i}]`))
  errors.push(...validateResourceNames(rule.resources, `${path}.resources`))
  if (rule.scope !== undefined && !scopes.includes(rule.scope))
    errors.push(notSupported(`${path}.scope`, rule.scope, scopes))
  return errors
}

export const defaultMatchRules = (rules: MatchRules): void => {
  rules.matchPolicy ??= 'Equivalent'
  rules.namespaceSelector ??= {}
  rules.objectSelector ??= {}
  for (const rule of [...(rules.resourceRules ?? []), ...(rules.excludeResourceRules ?? [])]) rule.scope ??= '*'
}

const validateNamed = (rules: MatchRules['resourceRules'], path: string): FieldError[] =>
  (rules ?? []).flatMap((rule, i) => {
    const at = `${path}[${i}]`
    const names = rule.resourceNames ?? []
    return [
      ...validateOperationRule(rule, at),
      ...names.flatMap((name, j) => (names.indexOf(name) < j ? [duplicate(`${at}.resourceNames[${j}]`, name)] : [])),
    ]
  })

/** What a policy is asked about. */
export const validateMatchRules = (rules: MatchRules, path: string): FieldError[] => [
  ...oneOf(`${path}.matchPolicy`, rules.matchPolicy, matchPolicies),
  ...(rules.namespaceSelector
    ? validateLabelSelector(rules.namespaceSelector, `${path}.namespaceSelector`)
    : [required(`${path}.namespaceSelector`)]),
  ...(rules.objectSelector
    ? validateLabelSelector(rules.objectSelector, `${path}.objectSelector`)
    : [required(`${path}.objectSelector`)]),
  ...validateNamed(rules.resourceRules, `${path}.resourceRules`),
  ...validateNamed(rules.excludeResourceRules, `${path}.excludeResourceRules`),
]

/** Names and presence; whether the expressions mean anything is another matter. */
export const validateMatchConditions = (conditions: Condition[] | undefined, path: string): FieldError[] => {
  const list = conditions ?? []
  const errors = list.length > maxConditions ? [tooMany(path, list.length, maxConditions)] : []
  const seen = new Set<string>()
  for (const [i, { name = '', expression = '' }] of list.entries()) {
    const at = `${path}[${i}]`
    if (expression.trim() === '') errors.push(required(`${at}.expression`))
    if (name === '') errors.push(required(`${at}.name`))
    else errors.push(...invalidEach(`${at}.name`, name, qualifiedNameErrors(name)))
    if (name !== '' && seen.has(name)) errors.push(duplicate(`${at}.name`, name))
    seen.add(name)
  }
  return errors
}
