import type { ClusterRole, PolicyRule } from 'kubernetes-types/rbac/v1.js'
import { equalJson } from '../../kube/patch/json-value.ts'
import { clusterRoles } from '../../kube/resources.ts'
import { matchLabelSelector } from '../../kube/selectors.ts'
import type { StartController } from './controller-context.ts'
import { applyWrite, updateWrite, type Write } from './write.ts'

/** The rules of every other role that the selectors of an aggregated one name, in the order of their names. */
export const planAggregation = (role: ClusterRole | undefined, all: readonly ClusterRole[]): Write | undefined => {
  const selectors = role?.aggregationRule?.clusterRoleSelectors ?? []
  if (role === undefined || role.aggregationRule === undefined) return undefined
  const name = ({ metadata }: ClusterRole): string => metadata?.name ?? ''
  const rules: PolicyRule[] = []
  const sources = all
    .filter(other => name(other) !== name(role))
    .filter(other => selectors.some(selector => matchLabelSelector(selector, other.metadata?.labels ?? {})))
    .sort((a, b) => (name(a) < name(b) ? -1 : 1))
  for (const rule of sources.flatMap(other => other.rules ?? []))
    if (!rules.some(known => equalJson(known, rule))) rules.push(rule)
  return equalJson(rules, role.rules ?? []) ? undefined : updateWrite(clusterRoles, { ...role, rules })
}

/** Fills in the rules of ClusterRoles that are made of others: `admin`, `edit`, `view`, and whatever extends them. */
export const startClusterRoleAggregationController: StartController = context => {
  const { informers, client, signal } = context
  const roles = informers.of(clusterRoles)
  const queue = context.startQueue('clusterrole_aggregation', 1, async name => {
    const write = planAggregation(roles.get(name), roles.list())
    if (write !== undefined) await applyWrite(client, write, signal)
  })
  // Any role may be part of any aggregated one; there are few of these.
  const enqueue = (): void => {
    for (const role of roles.list()) if (role.aggregationRule !== undefined) queue.add(role.metadata?.name ?? '')
  }
  roles.subscribe({ added: enqueue, updated: enqueue, deleted: enqueue })
}
