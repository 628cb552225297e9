import type { UnknownObject } from '../../../../kube/object.ts'
import { SkiffError } from '../../../../kube/errors.ts'
import { bootstrapControllerRoles } from './bootstrap-controller-roles.ts'
import { bootstrapNamespaceRoles, bootstrapRoles } from './bootstrap-roles.ts'
import type { PolicyRule } from './policy-rule.ts'

/** A default object; it is kept as it is here as long as nobody says otherwise with the annotation. */
export interface PolicyObject {
  plural: 'clusterroles' | 'clusterrolebindings' | 'roles' | 'rolebindings'
  object: UnknownObject
}

export const autoupdate = 'rbac.authorization.kubernetes.io/autoupdate'

const group = 'rbac.authorization.k8s.io'
const verbs: Readonly<Record<string, string>> = {
  all: 'create,delete,deletecollection,get,list,patch,update,watch',
  read: 'get,list,watch',
  write: 'create,delete,deletecollection,patch,update',
}

const sorted = (text: string, separator: string): string[] => text.split(separator).sort()

type WireRule = Partial<Record<keyof PolicyRule, string[]>>

/** `read apps extensions: deployments`, `get core: configmaps [name]`, `get /healthz /livez` */
const parseRule = (line: string): WireRule => {
  const [, verb = '', rest = ''] = /^\s+(\S+) (.+)$/.exec(line) ?? []
  const named = sorted(verbs[verb] ?? verb, ',')
  const [, groups, resources = '', names] = /^([^/:]+): ([^[]+?)(?: \[(.+)\])?$/.exec(rest) ?? []
  if (groups === undefined) return { verbs: named, nonResourceURLs: sorted(rest, ' ') }
  return {
    apiGroups: sorted(groups, ' ')
      .map(name => (name === 'core' ? '' : name))
      .sort(),
    ...(names === undefined ? {} : { resourceNames: sorted(names, ' ') }),
    resources: sorted(resources, ' '),
    verbs: named,
  }
}

/** One paragraph of the tables. */
interface Paragraph {
  name: string
  /** `+label`, `<label`, `events`, `@name of the binding`. */
  words: string[]
  /** undefined: no binding. */
  subjects: string[] | undefined
  rules: WireRule[]
}

const parseParagraph = (text: string): Paragraph => {
  const [head = '', ...lines] = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  const [left = '', right] = head.split(/ =(?: |$)/)
  const [name = '', ...words] = left.split(' ')
  const subjects = right?.split(' ').filter(word => word !== '')
  const bound = subjects?.filter(word => !word.startsWith('@'))
  const binding = subjects?.filter(word => word.startsWith('@')) ?? []
  return { name, words: [...words, ...binding], subjects: bound, rules: lines.map(parseRule) }
}

const parse = (table: string): Paragraph[] => table.trim().split('\n\n').map(parseParagraph)

const metadata = (name: string, namespace: string, labels: Record<string, string> = {}) => ({
  name,
  ...(namespace === '' ? {} : { namespace }),
  labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
  annotations: { [autoupdate]: 'true' },
})

const aggregation = (label: string): string => `${group}/aggregate-to-${label}`

const wordsOf = (words: readonly string[], sign: string): string[] =>
  words.filter(word => word.startsWith(sign)).map(word => word.slice(1))

const eventsRule = parseRule('  create,patch,update core events.k8s.io: events')

const roleObject = ({ name, words, rules }: Paragraph, namespace: string): PolicyObject => {
  const labels = Object.fromEntries(wordsOf(words, '+').map(label => [aggregation(label), 'true']))
  const from = wordsOf(words, '<')
  const cluster = namespace === ''
  return {
    plural: cluster ? 'clusterroles' : 'roles',
    object: {
      apiVersion: `${group}/v1`,
      kind: cluster ? 'ClusterRole' : 'Role',
      metadata: metadata(name, namespace, labels),
      ...(from.length === 0
        ? { rules: words.includes('events') ? [...rules, eventsRule] : rules }
        : {
            aggregationRule: {
              clusterRoleSelectors: from.map(label => ({ matchLabels: { [aggregation(label)]: 'true' } })),
            },
          }),
    },
  }
}

/** `user:NAME`, `group:NAME`, `sa:NAME` of kube-system. */
const subjectOf = (text: string) => {
  const at = text.indexOf(':')
  const name = text.slice(at + 1)
  switch (text.slice(0, at)) {
    case 'user':
      return { kind: 'User', apiGroup: group, name }
    case 'group':
      return { kind: 'Group', apiGroup: group, name }
    case 'sa':
      return { kind: 'ServiceAccount', name, namespace: 'kube-system' }
    default:
      throw new SkiffError('INTERNAL', `the default policy names a subject ${text}`)
  }
}

const bindingObject = ({ name, words, subjects = [] }: Paragraph, namespace: string): PolicyObject => {
  const cluster = namespace === ''
  return {
    plural: cluster ? 'clusterrolebindings' : 'rolebindings',
    object: {
      apiVersion: `${group}/v1`,
      kind: cluster ? 'ClusterRoleBinding' : 'RoleBinding',
      metadata: metadata(wordsOf(words, '@')[0] ?? name, namespace),
      roleRef: { apiGroup: group, kind: cluster ? 'ClusterRole' : 'Role', name },
      ...(subjects.length === 0 ? {} : { subjects: subjects.map(subjectOf) }),
    },
  }
}

const objectsOf = (paragraph: Paragraph, namespace: string): PolicyObject[] => [
  roleObject(paragraph, namespace),
  ...(paragraph.subjects === undefined ? [] : [bindingObject(paragraph, namespace)]),
]

/** Every default role and binding, roles before what refers to them. */
export const policyObjects = (): PolicyObject[] => [
  ...parse(bootstrapRoles).flatMap(paragraph => objectsOf(paragraph, '')),
  ...parse(bootstrapControllerRoles).flatMap(paragraph =>
    objectsOf({ ...paragraph, name: `system:controller:${paragraph.name}`, subjects: [`sa:${paragraph.name}`] }, ''),
  ),
  ...parse(bootstrapNamespaceRoles).flatMap(paragraph => {
    const [namespace = '', name = ''] = paragraph.name.split('/')
    return objectsOf({ ...paragraph, name }, namespace)
  }),
]

/** The rules of a default ClusterRole. Throws SkiffError INTERNAL when there is none of that name. */
export const bootstrapRules = (name: string): WireRule[] => {
  const found = parse(bootstrapRoles).find(paragraph => paragraph.name === name)
  if (found === undefined) throw new SkiffError('INTERNAL', `there is no default role ${name}`)
  return found.rules
}
