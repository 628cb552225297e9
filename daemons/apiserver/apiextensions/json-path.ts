import { isJsonObject } from '../../../kube/patch/json-value.ts'

/** One step of a path: a field, an item, every item, or the items whose field has a value. */
type Step =
  | { kind: 'field'; name: string }
  | { kind: 'index'; index: number }
  | { kind: 'every' }
  | { kind: 'filter'; path: readonly Step[]; op: '==' | '!='; value: unknown }

const literalOf = (text: string): unknown => {
  const quoted = /^(?:"([^"]*)"|'([^']*)')$/.exec(text)
  if (quoted !== null) return quoted[1] ?? quoted[2] ?? ''
  if (text === 'true' || text === 'false') return text === 'true'
  const number = Number(text)
  if (text !== '' && !Number.isNaN(number)) return number
  throw new Error(`unrecognized character in action: ${JSON.stringify(text)}`)
}

const bracketOf = (inside: string): Step => {
  if (inside === '*') return { kind: 'every' }
  const name = /^(?:'([^']+)'|"([^"]+)")$/.exec(inside)
  if (name !== null) return { kind: 'field', name: name[1] ?? name[2] ?? '' }
  if (/^-?\d+$/.test(inside)) return { kind: 'index', index: Number(inside) }
  const filter = /^\?\(\s*@(\.[^=!<>\s]+)\s*(==|!=)\s*(.+?)\s*\)$/.exec(inside)
  if (filter === null) throw new Error(`invalid array index ${inside}`)
  const [, path = '', op, value = ''] = filter
  return { kind: 'filter', path: parseSteps(path), op: op === '!=' ? '!=' : '==', value: literalOf(value) }
}

/** The end of a bracket that begins at `start`, with quotes and inner brackets heeded. */
const closeOf = (text: string, start: number): number => {
  let depth = 0
  let quote = ''
  for (let i = start; i < text.length; i++) {
    const c = text[i] ?? ''
    if (quote !== '') quote = c === quote ? '' : quote
    else if (c === '"' || c === "'") quote = c
    else if (c === '[') depth++
    else if (c === ']' && --depth === 0) return i
  }
  throw new Error('unterminated array')
}

const parseSteps = (text: string): Step[] => {
  const steps: Step[] = []
  for (let i = 0; i < text.length;) {
    if (text[i] === '[') {
      const end = closeOf(text, i)
      steps.push(bracketOf(text.slice(i + 1, end)))
      i = end + 1
      continue
    }
    const match = /^\.((?:\\.|[^.[\]\\{}'"()\s])+)/.exec(text.slice(i))
    if (match === null) throw new Error(`unrecognized character in action: ${JSON.stringify(text[i])}`)
    const name = (match[1] ?? '').replace(/\\(.)/g, '$1')
    steps.push(name === '*' ? { kind: 'every' } : { kind: 'field', name })
    i += match[0].length
  }
  return steps
}

const take = (value: unknown, step: Step): unknown[] => {
  switch (step.kind) {
    case 'field':
      return isJsonObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : []
    case 'index': {
      const at = Array.isArray(value) ? (value.at(step.index) as unknown) : undefined
      return at === undefined ? [] : [at]
    }
    case 'every':
      return Array.isArray(value) ? (value as unknown[]) : isJsonObject(value) ? Object.values(value) : []
    case 'filter':
      if (!Array.isArray(value)) return []
      return value.filter(item => {
        const [found] = takeAll(item, step.path)
        return step.op === '==' ? found === step.value : found !== undefined && found !== step.value
      })
  }
}

const takeAll = (value: unknown, steps: readonly Step[]): unknown[] =>
  steps.reduce<unknown[]>((values, step) => values.flatMap(one => take(one, step)), [value])

export interface JsonPath {
  /** Everything the path leads to; empty where it leads nowhere. */
  find(value: unknown): unknown[]
}

/**
 * The JSONPath of printer columns: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`, `[*]`, `[0]`,
 * `.metadata.labels['a.b/c']`. Throws Error with what cannot be read.
 */
export const parseJsonPath = (text: string): JsonPath => {
  const inner = /^\{(.*)\}$/.exec(text)?.[1] ?? text
  const steps = parseSteps(inner === '' || inner.startsWith('.') || inner.startsWith('[') ? inner : `.${inner}`)
  return { find: value => takeAll(value, steps) }
}

/** A path of field names alone, as scale and selectable fields are told. Undefined where it is none. */
export const fieldNames = (text: string): string[] | undefined => {
  if (!text.startsWith('.')) return undefined
  const names = text.slice(1).split('.')
  return names.every(name => /^[^[\]{}'"()\s]+$/.test(name)) ? names : undefined
}
