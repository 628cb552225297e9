import { apiError, type ApiError } from '../../../kube/status.ts'

const shownBytes = 30

/** The beginning of a body as upstream shows it: JSON as it is, everything else in hexadecimal. */
const summaryOf = (body: Buffer): string => {
  if (body.length === 0) return '<empty>'
  const beginning = body.subarray(0, shownBytes)
  const text = beginning.toString(beginning[0] === 0x7b ? 'utf8' : 'hex')
  return body.length > shownBytes ? `${text} ...` : text
}

/** What a body is answered with that is no object of any kind. `kind` is what it should have been, where that is known. */
export const unrecognized = (body: Buffer, why: string, kind: string | undefined): ApiError => {
  const must = kind === undefined ? '' : ` (must be of type ${kind})`
  return apiError('BadRequest', `the object provided is unrecognized${must}: ${why} (${summaryOf(body)})`)
}
