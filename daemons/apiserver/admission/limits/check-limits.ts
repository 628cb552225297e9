import { formatQuantity, type Quantity } from '../../../../kube/quantity.ts'
import type { Amounts } from '../pod-amounts.ts'

/** One rule of a LimitRange for one thing: what the thing asks for, and what it is held to. */
export interface Measured {
  requests: Amounts
  limits: Amounts
}

export interface LimitItem {
  type: string
  min: Amounts
  max: Amounts
  maxLimitRequestRatio: Amounts
}

const at = (quantity: Quantity): string => formatQuantity(quantity)

const belowMin = (
  name: string,
  type: string,
  enforced: Quantity,
  { requests, limits }: Measured,
): string | undefined => {
  const [request, limit] = [requests[name], limits[name]]
  const start = `minimum ${name} usage per ${type} is ${at(enforced)}`
  if (request === undefined) return `${start}.  No request is specified`
  if (request.nano < enforced.nano) return `${start}, but request is ${at(request)}`
  if (limit !== undefined && limit.nano < enforced.nano) return `${start}, but limit is ${at(limit)}`
  return undefined
}

const aboveMax = (
  name: string,
  type: string,
  enforced: Quantity,
  { requests, limits }: Measured,
): string | undefined => {
  const [request, limit] = [requests[name], limits[name]]
  const start = `maximum ${name} usage per ${type} is ${at(enforced)}`
  // A claim has no limit: what it asks for is what it gets.
  if (type !== 'PersistentVolumeClaim') {
    if (limit === undefined) return `${start}.  No limit is specified`
    if (limit.nano > enforced.nano) return `${start}, but limit is ${at(limit)}`
  } else if (request === undefined) return `${start}.  No request is specified`
  return request !== undefined && request.nano > enforced.nano ? `${start}, but request is ${at(request)}` : undefined
}

const aboveRatio = (name: string, type: string, enforced: Quantity, { requests, limits }: Measured) => {
  const [request, limit] = [requests[name], limits[name]]
  const start = `${name} max limit to request ratio per ${type} is ${at(enforced)}`
  if (request === undefined || request.nano === 0n) return `${start}, but no request is specified or request is 0`
  if (limit === undefined || limit.nano === 0n) return `${start}, but no limit is specified or limit is 0`
  const ratio = Number(limit.nano) / Number(request.nano)
  return ratio > Number(enforced.nano) / 1e9 ? `${start}, but provided ratio is ${ratio.toFixed(6)}` : undefined
}

/** What is wrong with a thing, in upstream's words and the order of the resources' names. */
export const checkLimits = ({ type, min, max, maxLimitRequestRatio }: LimitItem, measured: Measured): string[] =>
  [
    [min, belowMin],
    [max, aboveMax],
    [maxLimitRequestRatio, aboveRatio],
  ].flatMap(([amounts, check]) =>
    Object.entries(amounts as Amounts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([name, enforced]) => (check as typeof belowMin)(name, type as string, enforced, measured) ?? []),
  )
