import type { ApiError } from '../../../kube/status.ts'
import { apiError } from '../../../kube/status.ts'
import type { UserInfo } from './user-info.ts'

/** What somebody wants to do: to a resource, or to a path that is none. */
export type Attributes =
  | {
      kind: 'resource'
      verb: string
      group: string
      plural: string
      subresource: string
      namespace: string
      name: string
    }
  | { kind: 'path'; verb: string; path: string }

/** Subresources that reach into containers or hand out credentials: `*` does not grant them. */
const powerful = new Set(['exec', 'attach', 'portforward', 'proxy', 'log', 'token'])

/** Verbs, and what they may be done to: `pods`, `pods/status`, `deployments.apps`, `*`. */
type Grant = readonly [verbs: readonly string[], resources: readonly string[]]

const read = ['get', 'list', 'watch']
const write = ['create', 'update', 'patch']
const report: Grant = [write, ['events', 'events.events.k8s.io']]
const lead: Grant = [[...read, ...write], ['leases.coordination.k8s.io']]
const reviews = [
  'selfsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io',
  'selfsubjectreviews.authentication.k8s.io',
]
const network = ['services', 'endpoints', 'endpointslices.discovery.k8s.io', 'nodes', 'namespaces']

/**
 * The least each component needs. Names as upstream's, `system:skiff:` for those upstream does not have;
 * system:masters may do everything.
 */
const grants: Readonly<Record<string, readonly Grant[]>> = {
  'user:system:kube-scheduler': [
    [read, ['pods', 'nodes', 'namespaces', 'services', 'replicasets.apps', 'priorityclasses.scheduling.k8s.io']],
    [['create'], ['pods/binding']],
    [['patch', 'update'], ['pods/status']],
    [['delete'], ['pods']],
    report,
    lead,
  ],
  // It deletes the content of namespaces and edits owner references and finalizers of every kind.
  'user:system:kube-controller-manager': [[[...read, ...write, 'delete', 'deletecollection'], ['*']], report, lead],
  'group:system:nodes': [
    [read, ['pods', 'nodes', 'services', 'configmaps', 'secrets', 'namespaces', 'serviceaccounts']],
    [['create', 'update', 'patch', 'delete'], ['nodes']],
    [['create', 'delete', 'patch', 'update'], ['pods']],
    [
      ['patch', 'update', 'get'],
      ['nodes/status', 'pods/status'],
    ],
    [['create'], ['pods/eviction']],
    report,
    [['delete', ...lead[0]], lead[1]],
  ],
  // Whoever has a name may ask who that is and what it may do. (Upstream: system:basic-user.)
  'group:system:authenticated': [[['create'], reviews]],
  'user:system:kube-proxy': [[read, network], report],
  'user:system:skiff:dns': [[read, [...network, 'pods']]],
  'user:system:skiff:ingress': [
    [
      read,
      [...network, 'pods', 'secrets', 'configmaps', 'ingresses.networking.k8s.io', 'ingressclasses.networking.k8s.io'],
    ],
    [['create'], ['ingressclasses.networking.k8s.io']],
    [['get', 'patch', 'update'], ['ingresses.networking.k8s.io/status']],
    report,
    lead,
  ],
}

/** Open to everybody, certificate or not: health and version. */
export const isPublicPath = (path: string): boolean => /^\/(healthz|livez|readyz|version)(\/|$)/.test(path)

/** Open to whoever has a name: what clients read before they ask for anything. (Upstream: system:discovery.) */
const isDiscoveryPath = (path: string): boolean => /^\/(api|apis|openapi)(\/|$)/.test(path)

/** `deployments.apps/status` */
const resourceText = (group: string, plural: string, subresource: string): string =>
  `${plural}${group === '' ? '' : `.${group}`}${subresource === '' ? '' : `/${subresource}`}`

const subjectsOf = (user: UserInfo): string[] => [`user:${user.name}`, ...user.groups.map(group => `group:${group}`)]

export const isAuthorized = (user: UserInfo, wanted: Attributes): boolean => {
  if (user.groups.includes('system:masters')) return true
  if (wanted.kind === 'path') {
    if (wanted.verb !== 'get') return false
    return isPublicPath(wanted.path) || (user.name !== anonymous.name && isDiscoveryPath(wanted.path))
  }
  const text = resourceText(wanted.group, wanted.plural, wanted.subresource)
  const wide = !powerful.has(wanted.subresource)
  return subjectsOf(user).some(subject =>
    (grants[subject] ?? []).some(
      ([verbs, resources]) =>
        verbs.includes(wanted.verb) && (resources.includes(text) || (wide && resources.includes('*'))),
    ),
  )
}

/** authorization.k8s.io's rules of a user, as a review of them shows them. */
export interface RulesOfUser {
  resourceRules: { verbs: string[]; apiGroups: string[]; resources: string[] }[]
  nonResourceRules: { verbs: string[]; nonResourceURLs: string[] }[]
}

/** `deployments.apps/status` as group and resource. */
const ruleOf = (verbs: readonly string[], text: string): RulesOfUser['resourceRules'][number] => {
  if (text === '*') return { verbs: [...verbs], apiGroups: ['*'], resources: ['*'] }
  const [qualified = '', subresource] = text.split('/')
  const dot = qualified.indexOf('.')
  const plural = dot < 0 ? qualified : qualified.slice(0, dot)
  return {
    verbs: [...verbs],
    apiGroups: [dot < 0 ? '' : qualified.slice(dot + 1)],
    resources: [subresource === undefined ? plural : `${plural}/${subresource}`],
  }
}

const everything: RulesOfUser = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
}

export const rulesOf = (user: UserInfo): RulesOfUser => {
  if (user.groups.includes('system:masters')) return everything
  const all = subjectsOf(user).flatMap(subject => grants[subject] ?? [])
  const paths = ['/healthz', '/livez', '/readyz', '/version', '/version/']
  const named = user.name === anonymous.name ? [] : ['/api', '/api/*', '/apis', '/apis/*', '/openapi', '/openapi/*']
  return {
    resourceRules: all.flatMap(([verbs, resources]) => resources.map(text => ruleOf(verbs, text))),
    nonResourceRules: [{ verbs: ['get'], nonResourceURLs: [...named, ...paths] }],
  }
}

/** Whoever shows no credentials. */
export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

/** 403 in upstream's words. */
export const refusal = (user: UserInfo, wanted: Attributes): ApiError => {
  const who = JSON.stringify(user.name)
  if (wanted.kind === 'path')
    return apiError('Forbidden', `forbidden: User ${who} cannot ${wanted.verb} path ${JSON.stringify(wanted.path)}`, {})
  const { verb, group, plural, subresource, namespace, name } = wanted
  const qualified = group === '' ? plural : `${plural}.${group}`
  const subject = name === '' ? qualified : `${qualified} ${JSON.stringify(name)}`
  const resource = subresource === '' ? plural : `${plural}/${subresource}`
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`
  return apiError(
    'Forbidden',
    `${subject} is forbidden: User ${who} cannot ${verb} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${where}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: plural },
  )
}

/** Throws ApiError Forbidden. */
export const authorize = (user: UserInfo, wanted: Attributes): void => {
  if (!isAuthorized(user, wanted)) throw refusal(user, wanted)
}
