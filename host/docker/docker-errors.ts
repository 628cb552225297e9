import { messageOf, SkiffError, type ErrorCode } from '../../kube/errors.ts'

const unreachable = new Set(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EAGAIN', 'ENOTSOCK'])

const field = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? (error as Record<string, unknown>)[name] : undefined

/** The Engine's own words: `{ "message": … }` of the reply's body, where there is one. */
export const engineMessage = (error: unknown): string => {
  const message = field(field(error, 'json'), 'message')
  return (typeof message === 'string' ? message : messageOf(error)).trim()
}

/** The HTTP status the Engine answered with. */
export const engineStatus = (error: unknown): number | undefined => {
  const status = field(error, 'statusCode')
  return typeof status === 'number' ? status : undefined
}

const codeOf = (status: number | undefined): ErrorCode => {
  switch (status) {
    case 400:
      return 'INVALID_INPUT'
    case 401:
    case 403:
      return 'PERMISSION_DENIED'
    case 404:
      return 'NOT_FOUND'
    case 409:
      return 'CONFLICT'
    case 503:
      return 'UNAVAILABLE'
    default:
      return 'COMMAND_FAILED'
  }
}

/** Docker's failures become codes here and nowhere else; an aborted call throws its signal's reason. */
export const dockerError = (error: unknown, what: string, signal?: AbortSignal): Error => {
  if (signal?.aborted) return signal.reason as Error
  if (error instanceof SkiffError) return error
  const errno = field(error, 'code')
  if (typeof errno === 'string' && unreachable.has(errno))
    return new SkiffError('UNAVAILABLE', `${what}: the Docker Engine does not answer (${errno})`, {
      cause: error,
      remedy: 'start the Engine (systemctl start docker) or name its socket with --container-runtime-endpoint',
    })
  return new SkiffError(codeOf(engineStatus(error)), `${what}: ${engineMessage(error)}`, { cause: error })
}
