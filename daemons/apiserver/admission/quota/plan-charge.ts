import type { ResourceQuota } from 'kubernetes-types/core/v1.js'
import type { UnknownObject } from '../../../../kube/object.ts'
import { formatQuantity } from '../../../../kube/quantity.ts'
import { draftOf } from '../../kinds/draft.ts'
import type { AdmissionRequest } from '../plugin.ts'
import { addAmounts, type Amounts, amountTexts, parseAmounts, subtractAmounts } from '../pod-amounts.ts'
import { scopesMatch } from './quota-scopes.ts'
import { concerns, missingAmounts, usageOf } from './quota-usage.ts'

/** What a write costs its quotas: their new state, by name; or why it is refused. */
export type ChargePlan = { kind: 'refused'; why: string } | { kind: 'charge'; quotas: UnknownObject[] }

const mask = (amounts: Amounts, names: readonly string[]): Amounts =>
  Object.fromEntries(Object.entries(amounts).filter(([name]) => names.includes(name)))

const printed = (amounts: Amounts): string =>
  Object.entries(amounts)
    .map(([name, quantity]) => `${name}=${formatQuantity(quantity)}`)
    .sort()
    .join(',')

/** What the write adds to what its namespace uses; an update that uses less adds nothing. */
const addedBy = ({ kind, object, old }: AdmissionRequest, counted: (object: UnknownObject) => boolean): Amounts => {
  if (object === undefined || !counted(object)) return {}
  const usage = usageOf(kind, object)
  const before = old === undefined || !counted(old) ? {} : usageOf(kind, old)
  return Object.fromEntries(Object.entries(subtractAmounts(usage, before)).filter(([, { nano }]) => nano > 0n))
}

/** The quota with the write counted; undefined: it does not concern it. A text: why the write is refused. */
const chargeOne = (request: AdmissionRequest, stored: UnknownObject): UnknownObject | undefined | string => {
  const quota = draftOf<ResourceQuota>(stored)
  const name = stored.metadata?.name ?? ''
  const { object, kind } = request
  if (object === undefined || !scopesMatch(quota, kind, object)) return undefined
  const hard = parseAmounts(quota.status?.hard)
  const used = parseAmounts(quota.status?.used)
  const names = Object.keys(hard).filter(one => concerns(kind, one))
  if (names.length === 0) return undefined
  if (kind.group === '' && kind.plural === 'pods' && request.operation === 'create') {
    const missing = missingAmounts(object, names)
    if (missing !== '') return `failed quota: ${name}: must specify ${missing}`
  }
  const unknown = names.filter(one => used[one] === undefined)
  if (unknown.length > 0) return `status unknown for quota: ${name}, resources: ${unknown.sort().join(',')}`
  const added = mask(
    addedBy(request, one => scopesMatch(quota, kind, one)),
    names,
  )
  const exceeded = Object.keys(added).filter(
    one => (used[one]?.nano ?? 0n) + (added[one]?.nano ?? 0n) > (hard[one]?.nano ?? 0n),
  )
  if (exceeded.length > 0) {
    const [requested, inUse, limited] = [mask(added, exceeded), mask(used, exceeded), mask(hard, exceeded)]
    return `exceeded quota: ${name}, requested: ${printed(requested)}, used: ${printed(inUse)}, limited: ${printed(limited)}`
  }
  if (Object.keys(added).length === 0) return undefined
  const status = {
    ...quota.status,
    used: { ...quota.status?.used, ...amountTexts(mask(addAmounts(used, added), Object.keys(added))) },
  }
  return { ...stored, status } as UnknownObject
}

/** What the write costs the quotas of its namespace, which are given as they are stored. */
export const planCharge = (request: AdmissionRequest, quotas: readonly UnknownObject[]): ChargePlan => {
  const charged: UnknownObject[] = []
  for (const quota of [...quotas].sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))) {
    const next = chargeOne(request, quota)
    if (typeof next === 'string') return { kind: 'refused', why: next }
    if (next !== undefined) charged.push(next)
  }
  return { kind: 'charge', quotas: charged }
}
