import { validateMetadata } from '../kinds/metadata-validation.ts'
import { apiError } from '../../../kube/status.ts'
import { StoredEntry } from '../store/stored-entry.ts'
import { invalid } from './api-errors.ts'
import { checkObject } from './check-object.ts'
import type { ObjectTarget, Registry, RequestContext } from './registry.ts'

/** Answers a review (`kubectl auth can-i`): a question that is created and not kept. Throws ApiError Invalid. */
export const answerReview = (
  { authorizer, tokens }: Registry,
  { kind, namespace }: ObjectTarget,
  body: unknown,
  context: RequestContext,
): StoredEntry => {
  const { review } = kind
  if (review === undefined) throw apiError('MethodNotAllowed', `${kind.plural} are no reviews`)
  const object = checkObject(body, kind, context)
  if (kind.namespaced) object.metadata = { ...object.metadata, namespace: object.metadata?.namespace || namespace }
  if (kind.namespaced && object.metadata?.namespace !== namespace)
    throw apiError('BadRequest', `spec.resourceAttributes.namespace must match namespace: ${namespace}`)
  // It has no name, unlike everything that is stored.
  const errors = [
    ...validateMetadata(object, kind).filter(({ field }) => field.startsWith('metadata.labels')),
    ...(kind.validate?.(object) ?? []),
  ]
  if (errors.length > 0) throw invalid(kind, '', errors)
  return new StoredEntry('', 0, { object: review(object, { user: context.user, authorizer, tokens }) })
}
