import type { Status } from '../../../kube/status.ts'
import { wantsPretty } from '../rest/handle-request.ts'
import { contentTypes, type Representation, tryNegotiate } from '../rest/negotiate.ts'
import type { Answer } from './answer.ts'

/** How the client that is to be told wants its answers. */
export interface FailureReader {
  accept: string | undefined
  query: URLSearchParams
  userAgent: string | undefined
}

const jsonBody = (status: Status, pretty: boolean): string =>
  pretty ? JSON.stringify(status, null, 2) : `${JSON.stringify(status)}\n`

const bodyOf = async (status: Status, media: Representation['media'], pretty: boolean): Promise<Answer['body']> => {
  switch (media) {
    case 'json':
      return jsonBody(status, pretty)
    case 'yaml':
      return (await import('yaml')).stringify(status)
    case 'protobuf':
      return (await import('../rest/represent-protobuf.ts')).encodeProtobufStatus(status)
  }
}

const answerOf = (status: Status, media: Representation['media'], body: Answer['body']): Answer => {
  const seconds = status.details?.retryAfterSeconds
  const headers: Answer['headers'] = { 'content-type': contentTypes[media] }
  if (seconds !== undefined) headers['retry-after'] = String(seconds)
  return { status: status.code, headers, body }
}

export const jsonFailure = (status: Status): Answer => answerOf(status, 'json', jsonBody(status, false))

/** A Status in the form the client takes; where it takes none that is spoken, in JSON, for the failure must be told. */
export const failureAnswer = async (status: Status, { accept, query, userAgent }: FailureReader): Promise<Answer> => {
  // A Status has no other views: whoever asks for a table only is told in JSON.
  const found = tryNegotiate(accept, { protobuf: true, views: false, tables: false })
  const pretty = found === undefined || found.pretty || wantsPretty(query, userAgent)
  const media = found?.media ?? 'json'
  return answerOf(status, media, await bodyOf(status, media, pretty))
}

/** Who comes too often is told in a sentence, as upstream does: it costs nothing to say, and clients know the code. */
export const tooManyRequests = ({ message }: Error): Answer => ({
  status: 429,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', 'retry-after': '1' },
  body: `${message}\n`,
})
