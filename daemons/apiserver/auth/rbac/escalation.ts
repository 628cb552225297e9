import type { ClusterRole, RoleBinding } from 'kubernetes-types/rbac/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import { equalJson } from '../../../../kube/patch/json-value.ts'
import { apiError } from '../../../../kube/status.ts'
import { forbid } from '../../admission/forbid.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../../admission/plugin.ts'
import { draftOf } from '../../kinds/draft.ts'
import { type Authorizer, isAuthorized, isPrivileged } from '../authorizer.ts'
import type { UserInfo } from '../user-info.ts'
import { type PolicyRule, policyRuleOf, ruleTexts, uncovered } from './policy-rule.ts'
import type { RbacAuthorizer } from './rbac-authorizer.ts'

const group = 'rbac.authorization.k8s.io'
const roles = new Set(['roles', 'clusterroles'])
const bindings = new Set(['rolebindings', 'clusterrolebindings'])

const fullAuthority: PolicyRule[] = [
  policyRuleOf({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }),
  policyRuleOf({ verbs: ['*'], nonResourceURLs: ['*'] }),
]

/** Why a user may not give these rules away: who holds them all may. */
const escalation = (
  rbac: RbacAuthorizer,
  user: UserInfo,
  { namespace, rules }: { namespace: string; rules: readonly PolicyRule[] },
): string | undefined => {
  const { grants, errors } = rbac.resolve(user, namespace)
  const missing = uncovered(
    grants.map(({ rule }) => rule),
    rules,
  )
  if (missing.length === 0) return undefined
  const groups = `[${user.groups.map(name => JSON.stringify(name)).join(' ')}]`
  const head = `user ${JSON.stringify(user.name)} (groups=${groups}) is attempting to grant RBAC permissions not currently held:\n`
  return `${head}${ruleTexts(missing).join('\n')}${errors.length === 0 ? '' : `; resolution errors: [${errors.join(', ')}]`}`
}

/** An update that only takes owners or finalizers away: the garbage collector must be able to, whatever the role says. */
const onlyCollects = (next: UnknownObject, old: UnknownObject | undefined): boolean => {
  if (old === undefined) return false
  const bare = ({ metadata, ...rest }: UnknownObject) => {
    const { ownerReferences: _, finalizers: __, managedFields: ___, ...kept } = metadata ?? {}
    return { ...rest, metadata: kept }
  }
  return equalJson(bare(next), bare(old))
}

const checkRole = (rbac: RbacAuthorizer, request: AdmissionRequest, object: UnknownObject): void => {
  const { user, old } = request
  const { rules = [], aggregationRule } = draftOf<ClusterRole>(object)
  const aggregates = aggregationRule !== undefined || (old && draftOf<ClusterRole>(old).aggregationRule) !== undefined
  if (aggregates && escalation(rbac, user, { namespace: '', rules: fullAuthority }) !== undefined)
    throw forbid(request, 'must have cluster-admin privileges to use the aggregationRule')
  const why = escalation(rbac, user, { namespace: request.namespace, rules: rules.map(policyRuleOf) })
  if (why !== undefined) throw forbid(request, why)
}

const checkBinding = (
  { rbac, authorizer }: { rbac: RbacAuthorizer; authorizer: Authorizer },
  request: AdmissionRequest,
  object: UnknownObject,
): void => {
  const { user, namespace } = request
  const { kind = '', name = '' } = draftOf<RoleBinding>(object).roleRef ?? {}
  // A reference that cannot be is refused by validation, in its own words.
  if (name === '' || (kind !== 'Role' && kind !== 'ClusterRole')) return
  const plural = `${kind.toLowerCase()}s`
  const bind = { kind: 'resource', verb: 'bind', group, plural, subresource: '', namespace, name } as const
  if (isAuthorized(authorizer, user, bind)) return
  const rules = rbac.roleRules({ kind, name }, namespace)
  if (rules === undefined)
    throw apiError('NotFound', `${plural}.${group} ${JSON.stringify(name)} not found`, { name, group, kind: plural })
  const why = escalation(rbac, user, { namespace, rules })
  if (why !== undefined) throw forbid(request, why)
}

/**
 * Nobody gives what they do not have: writing a role needs its rules, or the verb `escalate` on roles; writing a
 * binding needs the rules of its role, or the verb `bind` on it. Upstream checks it where RBAC objects are stored.
 */
export const rbacEscalationPlugin = (rbac: RbacAuthorizer, authorizer: Authorizer): AdmissionPlugin => ({
  name: 'RBACEscalation',
  handles: ({ kind, subresource }) => kind.group === group && subresource === '',
  admit: request => {
    const { kind, object, old, user, namespace, name } = request
    if (object === undefined || isPrivileged(user)) return
    if (onlyCollects(object, old)) return
    if (bindings.has(kind.plural)) return checkBinding({ rbac, authorizer }, request, object)
    if (!roles.has(kind.plural)) return
    const escalate = { kind: 'resource', verb: 'escalate', group, plural: kind.plural, subresource: '' } as const
    if (isAuthorized(authorizer, user, { ...escalate, namespace, name })) return
    checkRole(rbac, request, object)
  },
})
