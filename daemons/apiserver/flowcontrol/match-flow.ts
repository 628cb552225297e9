import type {
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from 'kubernetes-types/flowcontrol/v1.js'
import { type Attributes, resourceText } from '../auth/attributes.ts'
import { parseServiceAccountName, type UserInfo } from '../auth/user-info.ts'
import type { Draft } from '../kinds/draft.ts'

/** `*` stands for everything. */
const has = (list: readonly string[] | undefined, wanted: string): boolean =>
  list !== undefined && (list.includes(wanted) || list.includes('*'))

const matchesSubject = ({ kind, user, group, serviceAccount }: Draft<Subject>, who: UserInfo): boolean => {
  switch (kind) {
    case 'User':
      return user?.name === '*' || user?.name === who.name
    case 'Group':
      return group?.name === '*' || who.groups.includes(group?.name ?? '')
    case 'ServiceAccount': {
      const account = parseServiceAccountName(who.name)
      if (account === undefined || account.namespace !== serviceAccount?.namespace) return false
      return serviceAccount.name === '*' || serviceAccount.name === account.name
    }
    default:
      return false
  }
}

const matchesResource = (
  { verbs, apiGroups, resources, namespaces, clusterScope }: Draft<ResourcePolicyRule>,
  wanted: Attributes & { kind: 'resource' },
): boolean =>
  has(verbs, wanted.verb) &&
  has(apiGroups, wanted.group) &&
  has(resources, resourceText(wanted)) &&
  (wanted.namespace === '' ? clusterScope === true : has(namespaces, wanted.namespace))

/** `/healthz`, or `/debug/*`: everything below. */
const matchesUrl = (pattern: string, path: string): boolean =>
  pattern === '*' || pattern === path || (pattern.endsWith('/*') && path.startsWith(pattern.slice(0, -1)))

const matchesPath = (
  { verbs, nonResourceURLs = [] }: Draft<NonResourcePolicyRule>,
  { verb, path }: Attributes & { kind: 'path' },
): boolean => has(verbs, verb) && nonResourceURLs.some(pattern => matchesUrl(pattern, path))

const matchesRules = (rules: Draft<PolicyRulesWithSubjects>, user: UserInfo, wanted: Attributes): boolean => {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rules
  if (!subjects.some(subject => matchesSubject(subject, user))) return false
  return wanted.kind === 'path'
    ? nonResourceRules.some(rule => matchesPath(rule, wanted))
    : resourceRules.some(rule => matchesResource(rule, wanted))
}

/** Whether a request is of this flow schema: by who makes it, and what it wants. */
export const matchesFlow = ({ spec }: Draft<FlowSchema>, user: UserInfo, wanted: Attributes): boolean =>
  (spec?.rules ?? []).some(rules => matchesRules(rules, user, wanted))

/** Schemas in the order in which they are asked: by precedence, then by name. */
export const byPrecedence = (a: Draft<FlowSchema>, b: Draft<FlowSchema>): number =>
  (a.spec?.matchingPrecedence ?? 0) - (b.spec?.matchingPrecedence ?? 0) ||
  ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1)

/** Whether the namespace of a request, besides its having one, can make a difference. */
export const namesNamespaces = ({ spec }: Draft<FlowSchema>): boolean =>
  (spec?.rules ?? []).some(({ resourceRules = [] }) =>
    resourceRules.some(({ namespaces = [] }) => namespaces.some(namespace => namespace !== '*')),
  )
