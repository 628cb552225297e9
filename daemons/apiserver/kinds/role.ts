import type { ClusterRole, PolicyRule, Role } from 'kubernetes-types/rbac/v1.js'
import { createdAtColumn, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { invalid, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { validateLabelSelector } from './selector-validation.ts'

/** What a rule may say; paths of URLs belong to no namespace. Also asked of rules outside an object. */
export const validatePolicyRule = (rule: Draft<PolicyRule>, path: string, namespaced: boolean): FieldError[] => {
  const errors: FieldError[] = []
  const { verbs, apiGroups, resources, resourceNames, nonResourceURLs } = rule
  if (!verbs?.length) errors.push(required(`${path}.verbs`, 'verbs must contain at least one value'))
  if (nonResourceURLs?.length) {
    const at = `${path}.nonResourceURLs`
    if (namespaced) errors.push(invalid(at, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs'))
    if (apiGroups?.length || resources?.length || resourceNames?.length)
      errors.push(invalid(at, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs'))
    return errors
  }
  if (!apiGroups?.length)
    errors.push(required(`${path}.apiGroups`, 'resource rules must supply at least one api group'))
  if (!resources?.length) errors.push(required(`${path}.resources`, 'resource rules must supply at least one resource'))
  return errors
}

const validateRules = (rules: Draft<PolicyRule>[] | undefined, namespaced: boolean): FieldError[] =>
  (rules ?? []).flatMap((rule, i) => validatePolicyRule(rule, `rules[${i}]`, namespaced))

const validateClusterRole = ({ rules, aggregationRule }: Draft<ClusterRole>): FieldError[] => {
  const errors = validateRules(rules, false)
  if (!aggregationRule) return errors
  const path = 'aggregationRule.clusterRoleSelectors'
  const selectors = aggregationRule.clusterRoleSelectors ?? []
  if (selectors.length === 0)
    errors.push(required(path, 'at least one clusterRoleSelector required if aggregationRule is non-nil'))
  return [...errors, ...selectors.flatMap((selector, i) => validateLabelSelector(selector, `${path}[${i}]`))]
}

const rbacRow = {
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  shortNames: [],
  categories: [],
  hasStatus: false,
  subresources: [],
  generationFields: [],
  nameRule: 'path-segment',
} as const

export const roleKind: Kind = {
  ...rbacRow,
  kind: 'Role',
  plural: 'roles',
  singular: 'role',
  namespaced: true,
  schema: 'io.k8s.api.rbac.v1.Role',
  validate: object => validateRules(draftOf<Role>(object).rules, true),
  columns: [nameColumn, createdAtColumn],
}

export const clusterRoleKind: Kind = {
  ...rbacRow,
  kind: 'ClusterRole',
  plural: 'clusterroles',
  singular: 'clusterrole',
  namespaced: false,
  schema: 'io.k8s.api.rbac.v1.ClusterRole',
  validate: object => validateClusterRole(draftOf<ClusterRole>(object)),
  columns: [nameColumn, createdAtColumn],
}
