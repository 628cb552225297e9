import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { ApiError, apiError, type Status } from '../../../kube/status.ts'

/** The Status that tells a client of anything that was thrown. */
export const failureStatus = (error: unknown): Status => {
  if (error instanceof ApiError) return error.status
  if (error instanceof SkiffError) {
    switch (error.code) {
      case 'NOT_IMPLEMENTED':
        return apiError('NotImplemented', error.message).status
      case 'UNAVAILABLE':
        return apiError('ServiceUnavailable', error.message).status
      case 'TIMEOUT':
        return apiError('Timeout', error.message).status
      // A full disk: 507 Insufficient Storage, for which meta/v1 has no reason of its own.
      case 'HOST_UNFIT':
        return { ...apiError('InternalError', `Internal error occurred: ${error.message}`).status, code: 507 }
      default:
    }
  }
  return apiError('InternalError', `Internal error occurred: ${messageOf(error)}`).status
}

/** meta/v1 Status of a success that has no object to show. */
export const successStatus = (details?: Status['details']): Status => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  ...(details === undefined ? {} : { details }),
  code: 200,
})
