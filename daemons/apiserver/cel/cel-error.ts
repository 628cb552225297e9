export type CelErrorCode =
  /** The expression cannot be read or its types do not fit. */
  | 'compile'
  /** It compiles, but not to the type that was asked for. */
  | 'result'
  /** It failed on the values it was given. */
  | 'runtime'
  /** One evaluation cost more than one may. */
  | 'cost'
  /** All evaluations of a request together cost more than they may. */
  | 'budget'

/** What CEL has to complain about; `message` is worded as upstream's. */
export class CelError extends Error {
  readonly code: CelErrorCode

  constructor(code: CelErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'CelError'
    this.code = code
  }
}

/** One complaint about a source text; `offset` is in UTF-16 units. */
export interface CelIssue {
  readonly offset: number
  readonly message: string
}

const issueText = (source: string, issue: CelIssue): string => {
  const before = source.slice(0, issue.offset)
  const line = before.split('\n').length
  const start = before.lastIndexOf('\n') + 1
  const end = source.indexOf('\n', issue.offset)
  const text = source.slice(start, end < 0 ? undefined : end)
  // Columns are counted in characters, and the caret stands under a row of dots.
  const column = Array.from(source.slice(start, issue.offset)).length
  return `ERROR: <input>:${line}:${column + 1}: ${issue.message}\n | ${text}\n | ${'.'.repeat(column)}^`
}

/** The complaints in the order of the text, each with its line and a caret under the place. */
export const compileError = (source: string, issues: readonly CelIssue[]): CelError =>
  new CelError(
    'compile',
    [...issues]
      .sort((a, b) => a.offset - b.offset)
      .map(issue => issueText(source, issue))
      .join('\n'),
  )
