import type { UnknownObject } from '../../../../kube/object.ts'
import { isJsonObject } from '../../../../kube/patch/json-value.ts'
import { CelAuthorizer, type CelAuthorize, CelResourceCheck } from '../../cel/library/authorization.ts'
import { CelLazyObject } from '../../cel/value.ts'
import type { Kind } from '../../kinds/kind.ts'
import type { AdmissionHost, AdmissionRequest } from '../plugin.ts'
import { reviewOf } from '../webhook/admission-review.ts'
import { convertNow } from '../webhook/match-webhook.ts'

/** The Namespace a request is made in; what is no part of a namespace (and Namespaces themselves) have none. */
const namespaceObject = ({ kind, namespace }: AdmissionRequest, { reader }: AdmissionHost): UnknownObject | null => {
  if (namespace === '' || (kind.group === '' && kind.plural === 'namespaces')) return null
  return reader.get('', 'namespaces', '', namespace) ?? null
}

const authorizeWith = ({ authorizer }: AdmissionHost): CelAuthorize => {
  return (user, attributes) => {
    const { decision, reason } = authorizer.authorize(user, attributes)
    return { allowed: decision === 'allow', reason }
  }
}

/** What a policy's expressions see of a request, through the version its rule names; `params` is added for each evaluation. */
export const policyValues = (
  request: AdmissionRequest,
  row: Kind,
  host: AdmissionHost,
): Readonly<Record<string, unknown>> => {
  const { kind, objectKind, subresource, namespace, name } = request
  const shape = (object: UnknownObject | undefined): UnknownObject | null => {
    if (object === undefined) return null
    return objectKind === undefined ? convertNow(object, kind, row) : object
  }
  const object = shape(request.object)
  const oldObject = shape(request.old)
  const review = reviewOf('', { request, row, object: undefined, old: undefined }, 'validating')
  const about = isJsonObject(review['request']) ? review['request'] : {}
  const authorizer = new CelAuthorizer(authorizeWith(host), request.user)
  const fields = { group: row.group, plural: row.plural, subresource, namespace, name }
  return {
    object,
    oldObject,
    request: about,
    namespaceObject: namespaceObject(request, host),
    authorizer,
    'authorizer.requestResource': new CelResourceCheck(authorizer, fields),
    variables: new CelLazyObject('kubernetes.variables', new Map()),
  }
}
