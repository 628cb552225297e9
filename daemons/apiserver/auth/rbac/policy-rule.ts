import type { PolicyRule as ApiPolicyRule } from 'kubernetes-types/rbac/v1.js'
import { type Attributes, resourceText } from '../attributes.ts'

/** rbac.authorization.k8s.io's PolicyRule with every list there, empty or not. */
export interface PolicyRule {
  verbs: readonly string[]
  apiGroups: readonly string[]
  resources: readonly string[]
  /** Empty: any name. */
  resourceNames: readonly string[]
  nonResourceURLs: readonly string[]
}

type Loose = { readonly [K in keyof ApiPolicyRule]?: readonly (string | undefined)[] | undefined }

const texts = (list: readonly (string | undefined)[] | undefined): string[] => (list ?? []).map(text => text ?? '')

export const policyRuleOf = (rule: Loose): PolicyRule => ({
  verbs: texts(rule.verbs),
  apiGroups: texts(rule.apiGroups),
  resources: texts(rule.resources),
  resourceNames: texts(rule.resourceNames),
  nonResourceURLs: texts(rule.nonResourceURLs),
})

const has = (list: readonly string[], wanted: string): boolean => list.includes('*') || list.includes(wanted)

/** `*` alone is every path; at the end of one it stands for anything that follows. */
const urlCovers = (pattern: string, path: string): boolean =>
  pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, '')))

/** `*` covers subresources too; `* /scale` without the space covers that subresource of everything. */
const resourceCovers = (resources: readonly string[], plural: string, subresource: string, text: string): boolean =>
  has(resources, text) || (subresource !== '' && resources.includes(`*/${subresource}`) && plural !== '')

/** Whether one rule lets a request pass (upstream's rbac.RuleAllows). */
export const ruleAllows = (rule: PolicyRule, wanted: Attributes): boolean => {
  if (!has(rule.verbs, wanted.verb)) return false
  if (wanted.kind === 'path') return rule.nonResourceURLs.some(url => urlCovers(url, wanted.path))
  return (
    has(rule.apiGroups, wanted.group) &&
    resourceCovers(rule.resources, wanted.plural, wanted.subresource, resourceText(wanted)) &&
    (rule.resourceNames.length === 0 || rule.resourceNames.includes(wanted.name))
  )
}

const eachName = (names: readonly string[]): readonly (readonly string[])[] =>
  names.length === 0 ? [[]] : names.map(name => [name])

/** A rule as rules of one verb, one group, one resource and one name, or one path each. */
const breakDown = (rule: PolicyRule): PolicyRule[] => [
  ...rule.apiGroups.flatMap(group =>
    rule.resources.flatMap(resource =>
      rule.verbs.flatMap(verb =>
        eachName(rule.resourceNames).map(resourceNames => ({
          verbs: [verb],
          apiGroups: [group],
          resources: [resource],
          resourceNames,
          nonResourceURLs: [],
        })),
      ),
    ),
  ),
  ...rule.nonResourceURLs.flatMap(url =>
    rule.verbs.map(verb => ({
      verbs: [verb],
      apiGroups: [],
      resources: [],
      resourceNames: [],
      nonResourceURLs: [url],
    })),
  ),
]

const all = (owner: readonly string[], wanted: readonly string[]): boolean => wanted.every(text => has(owner, text))

/** Whether a rule grants all that a broken-down one does. */
const ruleCovers = (owner: PolicyRule, wanted: PolicyRule): boolean => {
  const resourceFits = wanted.resources.every(text => {
    const [plural = '', subresource = ''] = text.split('/')
    return resourceCovers(owner.resources, plural, subresource, text)
  })
  const namesFit =
    owner.resourceNames.length === 0 ||
    (wanted.resourceNames.length > 0 && wanted.resourceNames.every(name => owner.resourceNames.includes(name)))
  const urlsFit = wanted.nonResourceURLs.every(url => owner.nonResourceURLs.some(pattern => urlCovers(pattern, url)))
  return all(owner.verbs, wanted.verbs) && all(owner.apiGroups, wanted.apiGroups) && resourceFits && namesFit && urlsFit
}

/** What of `wanted` nobody grants who has the rules of `owner`, broken down; empty: they cover it. */
export const uncovered = (owner: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] =>
  wanted.flatMap(breakDown).filter(part => !owner.some(rule => ruleCovers(rule, part)))

const quoted = (list: readonly string[]): string => `[${list.map(text => JSON.stringify(text)).join(' ')}]`

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`, as upstream's messages show a rule. */
const ruleText = (rule: PolicyRule): string => {
  const parts: [string, readonly string[]][] = [
    ['APIGroups', rule.apiGroups],
    ['Resources', rule.resources],
    ['ResourceNames', rule.resourceNames],
    ['NonResourceURLs', rule.nonResourceURLs],
    ['Verbs', rule.verbs],
  ]
  return `{${parts.flatMap(([name, list]) => (list.length === 0 ? [] : `${name}:${quoted(list)}`)).join(', ')}}`
}

/** Broken-down rules with those that differ only in the verb put together again, as text in order. */
export const ruleTexts = (rules: readonly PolicyRule[]): string[] => {
  const compact = new Map<string, PolicyRule>()
  for (const rule of rules) {
    const key = JSON.stringify([
      rule.apiGroups,
      rule.resources,
      rule.resourceNames,
      rule.nonResourceURLs,
      rule.nonResourceURLs.length > 0 ? rule.verbs : [],
    ])
    const known = compact.get(key)
    if (known === undefined) compact.set(key, rule)
    else if (!known.verbs.includes(rule.verbs[0] ?? ''))
      compact.set(key, { ...known, verbs: [...known.verbs, ...rule.verbs] })
  }
  return [...new Set([...compact.values()].map(ruleText))].sort()
}
