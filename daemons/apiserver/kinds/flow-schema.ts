import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from 'kubernetes-types/flowcontrol/v1.js'
import { ageColumn, column, nameColumn, orNone } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { forbidden, invalid, invalidEach, notSupported, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { dns1123LabelErrors, dns1123SubdomainErrors, qualifiedNameErrors } from './name-syntax.ts'

const maxPrecedence = 10_000
const verbs = [
  '*', 'connect', 'create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch',
] // prettier-ignore
const pathVerbs = ['*', 'delete', 'get', 'head', 'options', 'patch', 'post', 'put']

const kindOf: Readonly<Record<string, string>> = { user: 'User', group: 'Group', serviceAccount: 'ServiceAccount' }

const validateSubject = (subject: Draft<Subject>, path: string): FieldError[] => {
  const { kind = '', user, group, serviceAccount } = subject
  const fields = { User: { user }, Group: { group }, ServiceAccount: { serviceAccount } } as const
  if (!(kind in fields)) return [notSupported(`${path}.kind`, kind, ['Group', 'ServiceAccount', 'User'])]
  const own = kind === 'User' ? 'user' : kind === 'Group' ? 'group' : 'serviceAccount'
  const errors: FieldError[] = []
  const parts = { serviceAccount, user, group }
  for (const [name, part] of Object.entries(parts)) {
    if (name === own && !part)
      errors.push(required(`${path}.${name}`, `${name} is required when subject kind is '${kind}'`))
    if (name !== own && part)
      errors.push(forbidden(`${path}.${name}`, `${name} is forbidden when subject kind is not '${kindOf[name] ?? ''}'`))
  }
  if (own === 'user' && user && !user.name) errors.push(required(`${path}.user.name`))
  if (own === 'group' && group && !group.name) errors.push(required(`${path}.group.name`))
  if (own !== 'serviceAccount' || !serviceAccount) return errors
  const { name = '', namespace = '' } = serviceAccount
  if (name === '') errors.push(required(`${path}.serviceAccount.name`))
  else if (name !== '*') errors.push(...invalidEach(`${path}.serviceAccount.name`, name, dns1123SubdomainErrors(name)))
  if (namespace === '')
    return [...errors, required(`${path}.serviceAccount.namespace`, 'must specify namespace for service account')]
  return [...errors, ...invalidEach(`${path}.serviceAccount.namespace`, namespace, dns1123LabelErrors(namespace))]
}

/** What the words are, and what is said when there are none. */
interface Words {
  what: string
  none: string
}

/** Words in which `*` stands alone. */
const validateWords = (list: string[] | undefined, path: string, { what, none }: Words): FieldError[] => {
  const words = list ?? []
  if (words.length === 0) return [required(path, none)]
  return words.length > 1 && words.includes('*')
    ? [invalid(path, words, `if '*' is present, must not specify other ${what}`)]
    : []
}

const validateVerbs = (list: string[] | undefined, path: string, known: readonly string[]): FieldError[] => {
  const errors = validateWords(list, path, { what: 'verbs', none: 'verbs must contain at least one value' })
  const strange = (list ?? []).filter(verb => !known.includes(verb))
  if (strange.length > 0) errors.push(notSupported(path, list, known))
  return errors
}

const validateResourceRule = (rule: Draft<ResourcePolicyRule>, path: string): FieldError[] => {
  const { namespaces = [], clusterScope } = rule
  const errors = validateVerbs(rule.verbs, `${path}.verbs`, verbs)
  const groups = { what: 'api groups', none: 'resource rules must supply at least one api group' }
  const resources = { what: 'resources', none: 'resource rules must supply at least one resource' }
  errors.push(...validateWords(rule.apiGroups, `${path}.apiGroups`, groups))
  errors.push(...validateWords(rule.resources, `${path}.resources`, resources))
  if (namespaces.length === 0 && !clusterScope)
    errors.push(
      required(`${path}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace'),
    )
  else if (namespaces.length > 1 && namespaces.includes('*'))
    errors.push(invalid(`${path}.namespaces`, namespaces, 'may not contain values other than "*" when "*" is present'))
  else
    for (const [i, namespace] of namespaces.entries())
      if (namespace !== '*')
        errors.push(...invalidEach(`${path}.namespaces[${i}]`, namespace, dns1123LabelErrors(namespace)))
  return errors
}

const validatePathRule = (rule: Draft<NonResourcePolicyRule>, path: string): FieldError[] => {
  const urls = rule.nonResourceURLs ?? []
  const errors = validateVerbs(rule.verbs, `${path}.verbs`, pathVerbs)
  const words = { what: 'non-resource URLs', none: 'nonResourceURLs must contain at least one value' }
  errors.push(...validateWords(urls, `${path}.nonResourceURLs`, words))
  for (const [i, url] of urls.entries()) {
    const at = `${path}.nonResourceURLs[${i}]`
    if (url === '*') continue
    if (url === '') errors.push(invalid(at, url, 'must not be empty'))
    else if (!url.startsWith('/')) errors.push(invalid(at, url, "must start with slash '/'"))
    else if (url.slice(0, -1).includes('*') || (url.endsWith('*') && !url.endsWith('/*')))
      errors.push(invalid(at, url, "wildcard can only do suffix matching and must follow a slash '/'"))
  }
  return errors
}

const validateRules = (rules: Draft<PolicyRulesWithSubjects>, path: string): FieldError[] => {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rules
  const errors = subjects.flatMap((subject, i) => validateSubject(subject, `${path}.subjects[${i}]`))
  if (subjects.length === 0) errors.push(required(`${path}.subjects`, 'subjects must contain at least one value'))
  if (resourceRules.length + nonResourceRules.length === 0)
    errors.push(required(path, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
  return [
    ...errors,
    ...resourceRules.flatMap((rule, i) => validateResourceRule(rule, `${path}.resourceRules[${i}]`)),
    ...nonResourceRules.flatMap((rule, i) => validatePathRule(rule, `${path}.nonResourceRules[${i}]`)),
  ]
}

const validate = ({ metadata, spec = {} }: Draft<FlowSchema>): FieldError[] => {
  const { matchingPrecedence = 0, distinguisherMethod, priorityLevelConfiguration, rules = [] } = spec
  const path = 'spec.matchingPrecedence'
  const errors: FieldError[] = []
  if (matchingPrecedence <= 0) errors.push(invalid(path, matchingPrecedence, 'must be a positive value'))
  if (matchingPrecedence > maxPrecedence)
    errors.push(invalid(path, matchingPrecedence, `must not be greater than ${maxPrecedence}`))
  if (matchingPrecedence === 1 && metadata?.name !== 'exempt')
    errors.push(invalid(path, matchingPrecedence, "only the schema named 'exempt' may have matchingPrecedence 1"))
  if (distinguisherMethod && !['ByNamespace', 'ByUser'].includes(distinguisherMethod.type ?? ''))
    errors.push(notSupported('spec.distinguisherMethod', distinguisherMethod, ['ByNamespace', 'ByUser']))
  const level = priorityLevelConfiguration?.name ?? ''
  if (level === '') errors.push(required('spec.priorityLevelConfiguration.name', 'must reference a priority level'))
  else errors.push(...invalidEach('spec.priorityLevelConfiguration.name', level, dns1123SubdomainErrors(level)))
  return [...errors, ...rules.flatMap((rule, i) => validateRules(rule, `spec.rules[${i}]`))]
}

const missingLevelCell = ({ status }: Draft<FlowSchema>): string => {
  const dangling = (status?.conditions ?? []).find(({ type }) => type === 'Dangling')
  return dangling?.status ? dangling.status : '?'
}

export const flowSchemaKind: Kind = {
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind: 'FlowSchema',
  plural: 'flowschemas',
  singular: 'flowschema',
  shortNames: [],
  categories: [],
  namespaced: false,
  schema: 'io.k8s.api.flowcontrol.v1.FlowSchema',
  hasStatus: true,
  subresources: [],
  generationFields: ['spec'],
  setDefaults: object => {
    const { spec } = draftOf<FlowSchema>(object)
    if (spec) spec.matchingPrecedence ||= 1000
  },
  prepareForCreate: object => {
    object['status'] = {}
  },
  validate: object => validate(draftOf<FlowSchema>(object)),
  validateUpdate: (object, _, subresource) =>
    subresource === 'status'
      ? (draftOf<FlowSchema>(object).status?.conditions ?? []).flatMap(({ type = '' }, i) =>
          type === ''
            ? [required(`status.conditions[${i}].type`)]
            : invalidEach(`status.conditions[${i}].type`, type, qualifiedNameErrors(type)),
        )
      : [],
  columns: [
    nameColumn,
    column<FlowSchema>(
      'PriorityLevel',
      'Where its requests queue.',
      o => o.spec?.priorityLevelConfiguration?.name ?? '',
    ),
    column<FlowSchema>(
      'MatchingPrecedence',
      'The lowest that matches is heeded.',
      o => o.spec?.matchingPrecedence ?? 0,
    ),
    column<FlowSchema>('DistinguisherMethod', 'What makes a flow.', o => orNone(o.spec?.distinguisherMethod?.type)),
    ageColumn,
    column<FlowSchema>('MissingPL', 'Whether its priority level is missing.', missingLevelCell),
  ],
}
