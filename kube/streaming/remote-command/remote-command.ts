import type { Readable, Writable } from 'node:stream'

/** What the client asked for: the streams it will have. */
export interface RemoteCommandStreams {
  stdin: boolean
  stdout: boolean
  stderr: boolean
  tty: boolean
}

export type Outcome =
  | { kind: 'exited'; exitCode: number }
  /** It never ran, or its streams broke. */
  | { kind: 'failed'; message: string }

/** A client's end of `exec` or `attach`, whatever protocol carries it. */
export interface RemoteCommand {
  /** Undefined when the client asked for none. Ends when the client closes it. */
  readonly stdin: Readable | undefined
  readonly stdout: Writable | undefined
  readonly stderr: Writable | undefined
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  /** Columns and rows of the client's terminal, now and whenever they change; the last size is told at once. */
  onResize(listener: (columns: number, rows: number) => void): void
  /** Flushes the output, tells the outcome, closes. */
  finish(outcome: Outcome): Promise<void>
}

/** The last word of remotecommand v4 and v5: a Status in which the exit code is a cause. */
export const outcomeStatus = (outcome: Outcome): Record<string, unknown> => {
  if (outcome.kind === 'failed')
    return { metadata: {}, status: 'Failure', message: outcome.message, reason: 'InternalError', code: 500 }
  if (outcome.exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${outcome.exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(outcome.exitCode) }] },
  }
}

/** What goes on the error stream, by protocol: JSON since v4, before that a plain sentence or nothing. */
export const outcomeText = (outcome: Outcome, jsonStatus: boolean): string => {
  if (jsonStatus) return JSON.stringify(outcomeStatus(outcome))
  if (outcome.kind === 'failed') return outcome.message
  return outcome.exitCode === 0 ? '' : `command terminated with exit code ${outcome.exitCode}`
}

/** `{"Width":80,"Height":24}`; undefined for what is no size. */
export const parseSize = (text: string): { columns: number; rows: number } | undefined => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { Width: columns, Height: rows } = value as Record<string, unknown>
  return typeof columns === 'number' && typeof rows === 'number' && columns > 0 && rows > 0
    ? { columns, rows }
    : undefined
}

/** Remembers the last size, so that a listener that comes late still hears of it. */
export class TerminalSize {
  #last: { columns: number; rows: number } | undefined
  #listener: ((columns: number, rows: number) => void) | undefined
  set(size: { columns: number; rows: number } | undefined): void {
    if (size === undefined) return
    this.#last = size
    this.#listener?.(size.columns, size.rows)
  }
  listen(listener: (columns: number, rows: number) => void): void {
    this.#listener = listener
    if (this.#last !== undefined) listener(this.#last.columns, this.#last.rows)
  }
}
