import type { LimitRange, LimitRangeItem } from 'kubernetes-types/core/v1.js'
import { parseQuantity } from '../../../kube/quantity.ts'
import { column, nameColumn } from './column.ts'
import { draftOf } from './draft.ts'
import type { Draft } from './draft.ts'
import { duplicate, forbidden, invalid, invalidEach, required } from './field-error.ts'
import type { FieldError, Kind } from './kind.ts'
import { qualifiedNameErrors } from './name-syntax.ts'
import { isExtendedResource, isHugePages, validateResourceName } from './quota-resources.ts'
import { nanoOf, validateContainerResourceName, validateQuantity } from './resource-validation.ts'
import { canonicalizeQuantities } from './storage-rules.ts'

type Item = Draft<LimitRangeItem>

const types = new Set(['Pod', 'Container', 'PersistentVolumeClaim'])
const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const

/** Of a container, what is not said follows from what is: a default limit from the maximum, a request from the limit. */
const setItemDefaults = (item: Item): void => {
  for (const list of lists) canonicalizeQuantities(item[list])
  if (item.type !== 'Container') return
  const limits = (item.default ??= {})
  const requests = (item.defaultRequest ??= {})
  for (const [name, most] of Object.entries(item.max ?? {})) limits[name] ??= most
  for (const [name, limit] of Object.entries(limits)) requests[name] ??= limit
  for (const [name, least] of Object.entries(item.min ?? {})) requests[name] ??= least
}

const validateType = (type: string, path: string): FieldError[] => {
  const errors = invalidEach(path, type, qualifiedNameErrors(type))
  if (errors.length > 0 || type.includes('/') || types.has(type)) return errors
  return [invalid(path, type, 'must be a standard limit type or fully qualified')]
}

const validateNames = (item: Item, path: string): FieldError[] => {
  const ofPods = item.type === 'Pod' || item.type === 'Container'
  const errors: FieldError[] = []
  for (const list of lists) {
    const amounts = item[list] ?? {}
    if (item.type === 'Pod' && (list === 'default' || list === 'defaultRequest')) {
      if (Object.keys(amounts).length > 0)
        errors.push(forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'"))
      continue
    }
    for (const [name, text] of Object.entries(amounts)) {
      const at = `${path}.${list}[${name}]`
      errors.push(...(ofPods ? validateContainerResourceName(name, at) : validateResourceName(name, at)))
      errors.push(...validateQuantity(text ?? '', at).filter(() => nanoOf(text ?? '') === undefined))
    }
  }
  if (item.type === 'PersistentVolumeClaim' && !item.min?.['storage'] && !item.max?.['storage'])
    errors.push(
      required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'),
    )
  return errors
}

/** Every pair of amounts of one resource that must be in order: which, against which, and the words. */
const orders = [
  { low: 'min', high: 'max', at: 'min', words: ['min', 'max'] },
  { low: 'min', high: 'defaultRequest', at: 'defaultRequest', words: ['min', 'default request'] },
  { low: 'defaultRequest', high: 'max', at: 'defaultRequest', words: ['default request', 'max'] },
  { low: 'defaultRequest', high: 'default', at: 'defaultRequest', words: ['default request', 'default limit'] },
  { low: 'min', high: 'default', at: 'default', words: ['min', 'default'] },
  { low: 'default', high: 'max', at: 'default', words: ['default', 'max'] },
] as const

const amount = (text: string | undefined): bigint | undefined => (text === undefined ? undefined : nanoOf(text))

const validateRatio = (item: Item, name: string, path: string): FieldError[] => {
  const text = item.maxLimitRequestRatio?.[name]
  const ratio = amount(text)
  if (ratio === undefined) return []
  const at = `${path}.maxLimitRequestRatio[${name}]`
  const errors: FieldError[] = []
  if (ratio < parseQuantity('1').nano) errors.push(invalid(at, text, `ratio ${text} is less than 1`))
  const [least, most] = [amount(item.min?.[name]), amount(item.max?.[name])]
  if (least === undefined || most === undefined || least === 0n) return errors
  const limit = Number(most) / Number(least)
  if (Number(ratio) / 1e9 > limit)
    errors.push(invalid(at, text, `ratio ${text} is greater than max/min = ${limit.toFixed(6)}`))
  return errors
}

const validateAmounts = (item: Item, path: string): FieldError[] => {
  const names = new Set(lists.flatMap(list => Object.keys(item[list] ?? {})))
  const errors: FieldError[] = []
  for (const name of [...names].sort()) {
    for (const { low, high, at, words } of orders) {
      const [lowText, highText] = [item[low]?.[name], item[high]?.[name]]
      const [less, more] = [amount(lowText), amount(highText)]
      if (less === undefined || more === undefined || less <= more) continue
      const detail = `${words[0]} value ${lowText} is greater than ${words[1]} value ${highText}`
      const value = at === 'default' ? lowText : item[at]?.[name]
      errors.push(invalid(`${path}.${at}[${name}]`, value, detail))
    }
    errors.push(...validateRatio(item, name, path))
    const [limit, request] = [item.default?.[name], item.defaultRequest?.[name]]
    if ((isExtendedResource(name) || isHugePages(name)) && limit !== undefined && request !== undefined)
      if (amount(limit) !== amount(request))
        errors.push(
          invalid(
            `${path}.defaultRequest[${name}]`,
            request,
            `default value ${limit} must equal to defaultRequest value ${request} in ${name}`,
          ),
        )
  }
  return errors
}

const validate = (range: Draft<LimitRange>): FieldError[] => {
  const seen = new Set<string>()
  return (range.spec?.limits ?? []).flatMap((item, i) => {
    const path = `spec.limits[${i}]`
    const type = item.type ?? ''
    const errors = validateType(type, `${path}.type`)
    if (seen.has(type)) errors.push(duplicate(`${path}.type`, type))
    seen.add(type)
    return [...errors, ...validateNames(item, path), ...validateAmounts(item, path)]
  })
}

export const limitRangeKind: Kind = {
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  plural: 'limitranges',
  singular: 'limitrange',
  shortNames: ['limits'],
  categories: [],
  namespaced: true,
  schema: 'io.k8s.api.core.v1.LimitRange',
  hasStatus: false,
  subresources: [],
  generationFields: [],
  setDefaults: object => {
    for (const item of draftOf<LimitRange>(object).spec?.limits ?? []) setItemDefaults(item)
  },
  validate: object => validate(draftOf<LimitRange>(object)),
  // Upstream has no printer for it: these are the columns of kinds without one.
  columns: [
    nameColumn,
    column<LimitRange>('Created At', 'When it was made.', o => String(o.metadata?.creationTimestamp ?? ''), {
      type: 'date',
    }),
  ],
}
