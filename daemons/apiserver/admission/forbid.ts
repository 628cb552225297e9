import type { ApiError } from '../../../kube/status.ts'
import { forbidden } from '../registry/api-errors.ts'
import type { AdmissionRequest, AdmissionRoute } from './plugin.ts'

/** The refusal of a request, named as upstream names it: by the prefix where the name is generated. */
export const forbid = ({ kind, name, operation, object }: AdmissionRequest, why: string): ApiError => {
  const prefix = operation === 'create' ? object?.metadata?.generateName : undefined
  return forbidden(kind, (prefix && name.startsWith(prefix) ? prefix : name) || 'Unknown', why)
}

/** Whether a request writes objects of this resource themselves, not a subresource. */
export const writes = ({ kind, subresource }: AdmissionRoute, group: string, plural: string): boolean =>
  kind.plural === plural && kind.group === group && subresource === ''
