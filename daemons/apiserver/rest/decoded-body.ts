import { messageOf } from '../../../kube/errors.ts'
import { apiError } from '../../../kube/status.ts'

export interface DecodedBody {
  value: unknown
  /** Keys that stand twice in one object, in the words of a strict decoding error. */
  findings: readonly string[]
}

export const unreadable = (what: string, cause: unknown) =>
  apiError('BadRequest', `the body could not be read as ${what}: ${messageOf(cause)}`)
