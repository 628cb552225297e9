import type { FieldError } from '../kinds/kind.ts'
import { forbidden, invalid } from '../kinds/field-error.ts'
import { apiError } from '../../../kube/status.ts'
import { invalid as invalidStatus } from '../registry/api-errors.ts'
import { booleanOf } from '../rest/rest-request.ts'

/** core/v1 PodLogOptions, as the query of `pods/log` has them. */
export interface LogOptions {
  container: string
  follow: boolean
  previous: boolean
  timestamps: boolean
  insecureSkipTLSVerifyBackend: boolean
  sinceSeconds?: number
  /** RFC 3339 */
  sinceTime?: string
  tailLines?: number
  limitBytes?: number
}

const numberOf = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name)
  if (text === null) return undefined
  const value = Number(text)
  if (!/^[+-]?\d+$/.test(text))
    throw apiError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (!Number.isSafeInteger(value))
    throw apiError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`)
  return value
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

const timeOf = (query: URLSearchParams, name: string): string | undefined => {
  const text = query.get(name)
  if (text === null || text === '' || text === 'null') return undefined
  if (!rfc3339.test(text) || Number.isNaN(Date.parse(text)))
    throw apiError(
      'BadRequest',
      `parsing time ${JSON.stringify(text)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(text)} as "2006"`,
    )
  return text
}

const errorsOf = (options: LogOptions, stream: string | null): FieldError[] => {
  const { tailLines, limitBytes, sinceSeconds, sinceTime } = options
  const errors: FieldError[] = []
  if (tailLines !== undefined && tailLines < 0)
    errors.push(invalid('tailLines', tailLines, 'must be greater than or equal to 0'))
  if (limitBytes !== undefined && limitBytes < 1)
    errors.push(invalid('limitBytes', limitBytes, 'must be greater than 0'))
  if (sinceSeconds !== undefined && sinceTime !== undefined)
    errors.push(forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'))
  else if (sinceSeconds !== undefined && sinceSeconds < 1)
    errors.push(invalid('sinceSeconds', sinceSeconds, 'must be greater than 0'))
  // PodLogsQuerySplitStreams is alpha in 1.34, and off.
  if (stream !== null) errors.push(forbidden('stream', 'may not be specified'))
  return errors
}

/** Throws ApiError BadRequest for what is no number or time, Invalid for what must not be. */
export const logOptionsOf = (query: URLSearchParams, pod: string): LogOptions => {
  const [sinceSeconds, tailLines, limitBytes] = ['sinceSeconds', 'tailLines', 'limitBytes'].map(name =>
    numberOf(query, name),
  )
  const sinceTime = timeOf(query, 'sinceTime')
  const options: LogOptions = {
    container: query.get('container') ?? '',
    follow: booleanOf(query, 'follow') ?? false,
    previous: booleanOf(query, 'previous') ?? false,
    timestamps: booleanOf(query, 'timestamps') ?? false,
    insecureSkipTLSVerifyBackend: booleanOf(query, 'insecureSkipTLSVerifyBackend') ?? false,
    ...(sinceSeconds === undefined ? {} : { sinceSeconds }),
    ...(sinceTime === undefined ? {} : { sinceTime }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
  }
  const errors = errorsOf(options, query.get('stream'))
  if (errors.length > 0) throw invalidStatus({ group: '', kind: 'PodLogOptions' }, pod, errors)
  return options
}

/** As the kubelet takes them: only what was asked for, in the order of upstream's query. */
export const kubeletLogQuery = (options: LogOptions): URLSearchParams => {
  const query = new URLSearchParams()
  for (const name of ['follow', 'previous', 'timestamps'] as const) if (options[name]) query.set(name, 'true')
  for (const name of ['sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes'] as const) {
    const value = options[name]
    if (value !== undefined) query.set(name, String(value))
  }
  return query
}
