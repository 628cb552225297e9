import { apiError } from '../../../kube/status.ts'

/** The parameters of a log request. */
export interface LogQuery {
  follow: boolean
  previous: boolean
  timestamps: boolean
  tailLines: number | undefined
  limitBytes: number | undefined
  sinceMs: number | undefined
}

const whole = (query: URLSearchParams, name: string, least: number): number | undefined => {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  const number = /^-?\d+$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(number) && number >= least) return number
  const rule = least > 0 ? 'must be greater than 0' : 'must be greater than or equal to 0'
  throw apiError('BadRequest', `invalid log options: ${name}: Invalid value: ${JSON.stringify(text)}: ${rule}`)
}

const flag = (query: URLSearchParams, name: string): boolean => {
  const text = query.get(name)
  return text !== null && text !== 'false' && text !== '0'
}

/** Throws ApiError BadRequest naming the parameter that is wrong. */
export const parseLogQuery = (query: URLSearchParams, nowMs: number): LogQuery => {
  const sinceSeconds = whole(query, 'sinceSeconds', 1)
  const sinceTime = query.get('sinceTime') ?? ''
  if (sinceSeconds !== undefined && sinceTime !== '')
    throw apiError('BadRequest', 'invalid log options: at most one of `sinceTime` or `sinceSeconds` may be specified')
  const time = sinceTime === '' ? undefined : Date.parse(sinceTime)
  if (time !== undefined && Number.isNaN(time))
    throw apiError(
      'BadRequest',
      `invalid log options: sinceTime: Invalid value: ${JSON.stringify(sinceTime)}: not a time`,
    )
  return {
    follow: flag(query, 'follow'),
    previous: flag(query, 'previous'),
    timestamps: flag(query, 'timestamps'),
    tailLines: whole(query, 'tailLines', 0),
    limitBytes: whole(query, 'limitBytes', 1),
    sinceMs: sinceSeconds === undefined ? time : nowMs - sinceSeconds * 1000,
  }
}
