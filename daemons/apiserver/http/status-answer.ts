import { messageOf } from '../../../kube/errors.ts'
import { ApiError, apiError } from '../../../kube/status.ts'
import type { Answer } from './answer.ts'

/** Upstream's bound on a request body, in bytes. */
export const bodyLimit = 3 * 1024 * 1024

/** ApiError RequestEntityTooLarge. */
export const bodyTooLarge = (bodyBytes: number): ApiError =>
  apiError('RequestEntityTooLarge', `the body of the request is larger than ${bodyBytes} bytes`)

/** What tells of anything that was thrown around the handler. */
export const statusAnswer = (error: unknown): Answer => {
  const { status } = error instanceof ApiError ? error : apiError('InternalError', messageOf(error))
  return { status: status.code, headers: { 'content-type': 'application/json' }, body: JSON.stringify(status) }
}
