/** Reasons of a `Status`, as upstream's meta/v1 has them, with the HTTP code each is served with. */
export const statusCodes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  NotImplemented: 501,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const

export type StatusReason = keyof typeof statusCodes

/** One cause of an Invalid status: upstream's `FieldValueRequired` and so on, with the path of the field. */
export interface StatusCause {
  reason: string
  message: string
  field?: string
}

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

/** meta/v1 Status, as it goes over the wire. */
export interface Status {
  kind: 'Status'
  apiVersion: 'v1'
  metadata: { continue?: string; remainingItemCount?: number }
  status: 'Success' | 'Failure'
  message?: string
  /** A StatusReason; a string, because other servers may send others. */
  reason?: string
  details?: StatusDetails
  code: number
}

/**
 * An API failure, thrown by the API server and by clients alike. `status` is what goes over the wire.
 * Callers test `reason`.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: Status
  constructor(status: Status, options: { cause?: unknown } = {}) {
    super(status.message ?? status.reason ?? 'API error', options)
    this.status = status
  }
  get reason(): string {
    return this.status.reason ?? ''
  }
  get code(): number {
    return this.status.code
  }
}

/** Builds the error for a reason; `details.kind` is the plural resource name, as upstream fills it. */
export const apiError = (reason: StatusReason, message: string, details?: StatusDetails): ApiError =>
  new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code: statusCodes[reason],
  })

/** True for an ApiError with one of these reasons. */
export const hasReason = (error: unknown, ...reasons: StatusReason[]): error is ApiError =>
  error instanceof ApiError && (reasons as string[]).includes(error.reason)
