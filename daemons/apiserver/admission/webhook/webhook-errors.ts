import { messageOf } from '../../../../kube/errors.ts'
import { ApiError, apiError, type Status } from '../../../../kube/status.ts'

/** The webhook could not be asked, or did not answer as it must; whether that matters is its failure policy's to say. */
export class WebhookCallError extends Error {
  override readonly name = 'WebhookCallError'
  /** Of the HTTP status the metrics count it under. */
  readonly code: number
  constructor(webhook: string, why: string, options: { cause?: unknown; code?: number } = {}) {
    super(`failed calling webhook ${JSON.stringify(webhook)}: ${why}`, options)
    this.code = options.code ?? 503
  }
}

/** The webhook said no. */
export class WebhookRejection extends Error {
  override readonly name = 'WebhookRejection'
  readonly answer: ApiError
  constructor(answer: ApiError) {
    super(answer.message)
    this.answer = answer
  }
}

/** The refusal a client sees: the webhook's own Status, under its name, and never a success. */
export const rejectionOf = (webhook: string, status: Partial<Status> = {}): WebhookRejection => {
  const by = `admission webhook ${JSON.stringify(webhook)} denied the request`
  const why = status.message || status.reason
  return new WebhookRejection(
    new ApiError({
      ...status,
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: why ? `${by}: ${why}` : `${by} without explanation`,
      code: typeof status.code === 'number' && status.code >= 400 && status.code < 600 ? status.code : 400,
    }),
  )
}

/** A webhook that may change other things is not asked about a request that must change nothing. */
export const dryRunUnsupported = (webhook: string): ApiError =>
  apiError('BadRequest', `admission webhook ${JSON.stringify(webhook)} does not support dry run`)

export const internalError = (error: unknown): ApiError =>
  apiError('InternalError', `Internal error occurred: ${messageOf(error)}`)

const untrusted = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** What Node's sockets report, as Go's would: people search for these words. */
export const dialErrorText = (error: unknown, address: string): string => {
  const { code = '', reason } = error as { code?: string; reason?: string }
  if (untrusted.has(code)) return 'tls: failed to verify certificate: x509: certificate signed by unknown authority'
  switch (code) {
    case 'ECONNREFUSED':
      return `dial tcp ${address}: connect: connection refused`
    case 'EHOSTUNREACH':
      return `dial tcp ${address}: connect: no route to host`
    case 'ENETUNREACH':
      return `dial tcp ${address}: connect: network is unreachable`
    case 'ETIMEDOUT':
      return `dial tcp ${address}: connect: connection timed out`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${address.replace(/:\d+$/, '')}: no such host`
    case 'ECONNRESET':
      return 'EOF'
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid'
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: x509: ${reason ?? messageOf(error)}`
    default:
      return messageOf(error)
  }
}

/** What upstream's client makes of an HTTP status that comes without a Status object; `text` is the body. */
export const httpStatusText = (code: number, text: string): string => {
  switch (code) {
    case 400:
      return 'the server rejected our request for an unknown reason'
    case 401:
      return 'the server has asked for the client to provide credentials'
    case 403:
    case 406:
    case 415:
      return text === '' ? `the server responded with the status code ${code}` : text
    case 404:
      return 'the server could not find the requested resource'
    case 405:
      return 'the server does not allow this method on the requested resource'
    case 409:
      return 'the server reported a conflict'
    case 413:
      return `Request entity too large: limit is ${text}`
    case 422:
      return 'the server rejected our request due to an error in our request'
    case 429:
      return 'the server has received too many requests and has asked us to try again later'
    case 503:
      return 'the server is currently unable to handle the request'
    case 504:
      return 'the server was unable to return a response in the time allotted, but may still be processing the request'
    default:
      return code >= 500
        ? `an error on the server (${JSON.stringify(text)}) has prevented the request from succeeding`
        : `the server responded with the status code ${code} but did not return more information`
  }
}
