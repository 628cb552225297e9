import type { ClusterRole, RoleBinding } from 'kubernetes-types/rbac/v1.js'
import type { KubeClient } from '../../../../kube/client/client.ts'
import type { KubeObject, UnknownObject } from '../../../../kube/object.ts'
import { equalJson } from '../../../../kube/patch/json-value.ts'
import type { Resource } from '../../../../kube/resource.ts'
import { hasReason } from '../../../../kube/status.ts'
import type { AdmissionReader } from '../../admission/plugin.ts'
import { draftOf } from '../../kinds/draft.ts'
import { autoupdate, type PolicyObject, policyObjects } from './bootstrap-policy.ts'
import { policyRuleOf, uncovered } from './policy-rule.ts'

export type PolicyChange =
  | { kind: 'create' | 'update'; plural: PolicyObject['plural']; object: UnknownObject }
  /** A roleRef cannot be changed: the binding is made anew. */
  | { kind: 'replace'; plural: PolicyObject['plural']; object: UnknownObject }

const group = 'rbac.authorization.k8s.io'

const withMetadata = (live: UnknownObject, wanted: UnknownObject): UnknownObject => ({
  ...live,
  metadata: {
    ...live.metadata,
    labels: { ...live.metadata?.labels, ...wanted.metadata?.labels },
    annotations: { ...live.metadata?.annotations, ...wanted.metadata?.annotations },
  },
})

const rulesOf = (object: UnknownObject) => draftOf<ClusterRole>(object).rules ?? []

/** The role with every rule it must have; what somebody added stays. */
const mergeRole = (live: UnknownObject, wanted: UnknownObject): UnknownObject => {
  const held = rulesOf(live).map(policyRuleOf)
  const missing = uncovered(held, rulesOf(wanted).map(policyRuleOf)).map(rule =>
    Object.fromEntries(Object.entries(rule).filter(([, list]) => list.length > 0)),
  )
  const { aggregationRule } = draftOf<ClusterRole>(wanted)
  return {
    ...withMetadata(live, wanted),
    ...(missing.length === 0 ? {} : { rules: [...rulesOf(live), ...missing] }),
    ...(aggregationRule === undefined || draftOf<ClusterRole>(live).aggregationRule !== undefined
      ? {}
      : { aggregationRule }),
  }
}

const mergeBinding = (live: UnknownObject, wanted: UnknownObject): UnknownObject => {
  const held = draftOf<RoleBinding>(live).subjects ?? []
  const missing = (draftOf<RoleBinding>(wanted).subjects ?? []).filter(
    subject => !held.some(other => equalJson(other, subject)),
  )
  return { ...withMetadata(live, wanted), ...(missing.length === 0 ? {} : { subjects: [...held, ...missing] }) }
}

/** What it takes to make `live` (undefined: it is not there) into the default; undefined: nothing. */
export const planPolicy = (wanted: PolicyObject, live: UnknownObject | undefined): PolicyChange | undefined => {
  const { plural, object } = wanted
  if (live === undefined) return { kind: 'create', plural, object }
  if (live.metadata?.annotations?.[autoupdate] === 'false') return undefined
  const isRole = plural === 'clusterroles' || plural === 'roles'
  if (!isRole && !equalJson(live['roleRef'], object['roleRef'])) return { kind: 'replace', plural, object }
  const merged = isRole ? mergeRole(live, object) : mergeBinding(live, object)
  return equalJson(merged, live) ? undefined : { kind: 'update', plural, object: merged }
}

const resourceOf = ({ plural, object }: PolicyChange): Resource<KubeObject> => ({
  group,
  version: 'v1',
  kind: String(object['kind']),
  plural,
  namespaced: object.metadata?.namespace !== undefined,
})

const apply = async (client: KubeClient, change: PolicyChange): Promise<void> => {
  const resource = resourceOf(change)
  const { object } = change
  const { name = '', namespace } = object.metadata ?? {}
  try {
    if (change.kind === 'replace') await client.delete(resource, name, namespace === undefined ? {} : { namespace })
    await (change.kind === 'update' ? client.update(resource, object) : client.create(resource, object))
  } catch (error) {
    // Another server on the same store was faster, with the same objects.
    if (!hasReason(error, 'AlreadyExists', 'Conflict')) throw error
  }
}

/**
 * Makes the default roles and bindings that are missing, and gives those that are there what they lack; rules and
 * subjects that were added stay, and whatever has the annotation autoupdate "false" is left alone.
 */
export const reconcilePolicy = async (client: KubeClient, reader: AdmissionReader): Promise<void> => {
  const changes = policyObjects().flatMap(wanted => {
    const { name = '', namespace = '' } = wanted.object.metadata ?? {}
    return planPolicy(wanted, reader.get(group, wanted.plural, namespace, name)) ?? []
  })
  // At once: writes that wait together share a commit.
  await Promise.all(changes.map(change => apply(client, change)))
}
