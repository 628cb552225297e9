import type { KubeClient } from '../../../../kube/client/client.ts'
import type { KubeObject, UnknownObject } from '../../../../kube/object.ts'
import type { Resource } from '../../../../kube/resource.ts'
import { hasReason } from '../../../../kube/status.ts'
import type { KindTable } from '../../kinds/kind-table.ts'
import type { Store } from '../../store/store.ts'
import { policyOf } from './policy.ts'

const policies: Resource<KubeObject> = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  kind: 'ValidatingAdmissionPolicy',
  plural: 'validatingadmissionpolicies',
  namespaced: false,
}

const isChecked = ({ metadata, status }: UnknownObject): boolean =>
  (status as { observedGeneration?: number } | undefined)?.observedGeneration === metadata?.generation

/**
 * Checks the types of every policy that is written, and puts what it finds into its status, as upstream's
 * validatingadmissionpolicy-status-controller does. Gives back what stops it.
 */
export const keepPolicyStatus = (
  { store, kinds }: { store: Store; kinds: KindTable },
  client: Pick<KubeClient, 'patch'>,
  onError: (error: unknown) => void,
): (() => void) => {
  const check = async (object: UnknownObject): Promise<void> => {
    const { name = '', generation, resourceVersion } = object.metadata ?? {}
    const { expressionWarnings } = await import('./type-check.ts')
    const found = expressionWarnings(policyOf(object), kinds.all)
    const typeChecking = found.length === 0 ? {} : { expressionWarnings: found }
    const patch = { metadata: { resourceVersion }, status: { observedGeneration: generation, typeChecking } }
    await client.patch(policies, name, patch, { type: 'merge', subresource: 'status' })
  }
  // Who writes in between is told of as well: then there is another turn. What is deleted needs none.
  const look = (object: UnknownObject): void => {
    if (isChecked(object)) return
    check(object).catch((error: unknown) => {
      if (!hasReason(error, 'Conflict') && !hasReason(error, 'NotFound')) onError(error)
    })
  }
  const prefix = `/registry/${policies.group}/${policies.plural}/`
  const { entries, revision } = store.range({ prefix })
  for (const { object } of entries) look(object)
  return store.watch(prefix, revision, ({ type, entry }) => {
    // Not within the commit that tells of it.
    if (type !== 'delete') setImmediate(() => look(entry.object))
  })
}
