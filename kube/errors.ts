/** The closed set of codes a Skiff error can carry; docs/errors.md explains each one and a test compares the two. */
export type ErrorCode =
  | 'INVALID_INPUT' // the caller's input is wrong: flags, config keys, manifests, CNI config, Corefile
  | 'NOT_IMPLEMENTED' // Skiff does not build this (yet); the message names it
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'UNAVAILABLE' // a peer (API server, Engine, upstream resolver) does not answer
  | 'TIMEOUT'
  | 'PERMISSION_DENIED'
  | 'ALREADY_RUNNING'
  | 'COMMAND_FAILED' // a program we ran exited non-zero
  | 'HOST_UNFIT' // the machine lacks something: kernel feature, port, disk, package
  | 'CORRUPT' // state on disk that cannot be read
  | 'INTERNAL'

/**
 * The one error class. Callers test `code`, never the message. The message says what was wrong and where; `remedy`
 * says what to do, when there is something to do.
 */
export class SkiffError extends Error {
  override readonly name = 'SkiffError'
  readonly code: ErrorCode
  readonly remedy: string | undefined
  constructor(code: ErrorCode, message: string, options: { cause?: unknown; remedy?: string } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.remedy = options.remedy
  }
}

/** Makes a switch over a closed union exhaustive: compiles only when every kind is handled. */
export const unreachable = (value: never): never => {
  throw new SkiffError('INTERNAL', `unreachable: ${JSON.stringify(value)}`)
}

/** The text of anything that was thrown, without its stack. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
