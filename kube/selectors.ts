import { apiError } from './status.ts'

export interface LabelRequirement {
  key: string
  op: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'
  values: readonly string[]
}

/** Every requirement must hold; none: everything matches. */
export type LabelSelector = readonly LabelRequirement[]

/** meta/v1 LabelSelector, as objects carry it. */
export interface MetaLabelSelector {
  matchLabels?: { [key: string]: string }
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

type Labels = Readonly<Record<string, string>> | undefined

const keyPattern = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const valuePattern = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

const bad = (text: string, why: string) => apiError('BadRequest', `unable to parse requirement: ${why} in "${text}"`)

/** Commas separate requirements, except those inside the parentheses of a set. */
const splitOutsideParentheses = (text: string): string[] => {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '(') depth++
    else if (c === ')') depth--
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(start, i))
      start = i + 1
    }
  }
  return [...parts, text.slice(start)].map(part => part.trim())
}

const parseRequirement = (part: string, text: string): LabelRequirement => {
  const checked = (key: string, op: LabelRequirement['op'], values: readonly string[] = []): LabelRequirement => {
    if (!keyPattern.test(key)) throw bad(text, `invalid label key "${key}"`)
    for (const value of values) if (!valuePattern.test(value)) throw bad(text, `invalid label value "${value}"`)
    if ((op === 'Gt' || op === 'Lt') && !/^-?\d+$/.test(values[0] ?? ''))
      throw bad(text, `"${values[0]}" is not an integer`)
    return { key, op, values }
  }
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part)
  if (set !== null) {
    const values = (set[3] ?? '').split(',').map(value => value.trim())
    return checked(set[1] ?? '', set[2] === 'in' ? 'In' : 'NotIn', values)
  }
  const absent = /^!\s*(\S+)$/.exec(part)
  if (absent !== null) return checked(absent[1] ?? '', 'DoesNotExist')
  const compared = /^([^\s=!<>]+)\s*(==|=|!=|>|<)\s*(\S*)$/.exec(part)
  if (compared !== null) {
    const op = ({ '!=': 'NotIn', '>': 'Gt', '<': 'Lt' } as const)[compared[2] ?? ''] ?? 'In'
    return checked(compared[1] ?? '', op, [compared[3] ?? ''])
  }
  if (/^\S+$/.test(part)) return checked(part, 'Exists')
  throw bad(text, `found "${part}"`)
}

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>3`. Throws ApiError BadRequest. */
export const parseLabelSelector = (text: string): LabelSelector =>
  text.trim() === '' ? [] : splitOutsideParentheses(text).map(part => parseRequirement(part, text))

const holds = ({ key, op, values }: LabelRequirement, labels: Labels): boolean => {
  const value = labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined
  switch (op) {
    case 'In':
      return value !== undefined && values.includes(value)
    // An absent label is not in any set: upstream lets NotIn and != match it.
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
    case 'Lt': {
      if (value === undefined || !/^-?\d+$/.test(value)) return false
      const order = BigInt(value) - BigInt(values[0] ?? '0')
      return op === 'Gt' ? order > 0n : order < 0n
    }
  }
}

export const matchesLabels = (selector: LabelSelector, labels: Labels): boolean =>
  selector.every(requirement => holds(requirement, labels))

/** The requirements of an object's selector. Throws ApiError BadRequest on an unknown operator. */
export const requirementsOf = (selector: MetaLabelSelector): LabelSelector => [
  ...Object.entries(selector.matchLabels ?? {}).map(([key, value]): LabelRequirement => ({
    key,
    op: 'In',
    values: [value],
  })),
  ...(selector.matchExpressions ?? []).map(({ key, operator, values }): LabelRequirement => {
    if (operator === 'In' || operator === 'NotIn' || operator === 'Exists' || operator === 'DoesNotExist')
      return { key, op: operator, values: values ?? [] }
    throw apiError('BadRequest', `"${operator}" is not a valid label selector operator`)
  }),
]

/** As upstream: an absent selector matches nothing, an empty one everything. */
export const matchLabelSelector = (selector: MetaLabelSelector | undefined, labels: Labels): boolean =>
  selector !== undefined && matchesLabels(requirementsOf(selector), labels)

/** The text of an object's selector, as a list's `labelSelector` takes it; sorted, so that equal selectors give equal text. */
export const formatLabelSelector = (selector: MetaLabelSelector | undefined): string =>
  selector === undefined
    ? ''
    : [...requirementsOf(selector)]
        .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
        .map(({ key, op, values }) => {
          switch (op) {
            case 'In':
              return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${[...values].sort().join(',')})`
            case 'NotIn':
              return `${key} notin (${[...values].sort().join(',')})`
            case 'Exists':
              return key
            case 'DoesNotExist':
              return `!${key}`
            case 'Gt':
              return `${key}>${values[0]}`
            case 'Lt':
              return `${key}<${values[0]}`
          }
        })
        .join(',')

export interface FieldRequirement {
  field: string
  op: '=' | '!='
  value: string
}

/** A field selector's value may carry `\,`, `\=` and `\\`. */
const unescapeValue = (text: string) => text.replace(/\\([\\,=])/g, '$1')

/** `metadata.name=x,spec.nodeName!=y`. Throws ApiError BadRequest; whether a field may be selected is the kind's matter. */
export const parseFieldSelector = (text: string): FieldRequirement[] => {
  if (text.trim() === '') return []
  return (text.match(/(?:\\.|[^,\\])+/g) ?? []).map(part => {
    const match = /^\s*([^\s=!]+)\s*(==|=|!=)(.*)$/s.exec(part)
    if (match === null) throw apiError('BadRequest', `invalid selector: '${text}'; can't understand '${part}'`)
    return { field: match[1] ?? '', op: match[2] === '!=' ? '!=' : '=', value: unescapeValue((match[3] ?? '').trim()) }
  })
}

/** Tests an object against field requirements; `read` gives a field's text ('' when it is not set). */
export const matchesFields = (requirements: readonly FieldRequirement[], read: (field: string) => string): boolean =>
  requirements.every(({ field, op, value }) => (read(field) === value) === (op === '='))
