import { messageOf } from '../../../kube/errors.ts'
import { ApiError, apiError } from '../../../kube/status.ts'
import type { Answer } from './answer.ts'

/** Upstream's bound on a request body, in bytes. */
export const bodyLimit = 3 * 1024 * 1024

/** What goes wrong before a request reaches the handler: its URL, its method, its body. */
const failureOf = (error: unknown): ApiError => {
  if (error instanceof ApiError) return error
  const { statusCode = 500 } = error as { statusCode?: number }
  switch (statusCode) {
    // Every path has a route: what is not found is a method that nobody knows.
    case 404:
    case 405:
      return apiError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
    case 413:
      return apiError('RequestEntityTooLarge', `the body of the request is larger than ${bodyLimit} bytes`)
    case 415:
      return apiError('UnsupportedMediaType', 'the Content-Type of the request cannot be read')
    default:
      return apiError(statusCode >= 500 ? 'InternalError' : 'BadRequest', messageOf(error))
  }
}

export const statusAnswer = (error: unknown): Answer => {
  const { status } = failureOf(error)
  return { status: status.code, headers: { 'content-type': 'application/json' }, body: JSON.stringify(status) }
}
