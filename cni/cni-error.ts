/** Error codes of the CNI specification 1.0.0, section "Error"; from 100 on they are a plugin's own. */
export const cniCodes = {
  incompatibleVersion: 1,
  unsupportedField: 2,
  unknownContainer: 3,
  invalidEnvironment: 4,
  io: 5,
  decode: 6,
  invalidConfig: 7,
  tryAgainLater: 11,
  /** Skiff's plugins: the work itself failed. */
  failed: 100,
  /** Skiff's plugins: CHECK found something missing. */
  checkFailed: 101,
  /** Skiff's host-local: every address of a range is taken. */
  exhausted: 102,
} as const

export type CniCode = (typeof cniCodes)[keyof typeof cniCodes]

/** A failure as a CNI runtime sees it: it goes to standard output as JSON. */
export class CniError extends Error {
  override readonly name = 'CniError'
  readonly code: number
  readonly details: string | undefined
  constructor(code: number, message: string, options: { details?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details
  }
}

export const invalidConfig = (message: string, cause?: unknown): CniError =>
  new CniError(cniCodes.invalidConfig, message, cause === undefined ? {} : { cause })
