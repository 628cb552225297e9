import {
  dns1035LabelErrors,
  dns1123LabelErrors,
  dns1123SubdomainErrors,
  labelValueErrors,
  qualifiedNameErrors,
} from '../../kinds/name-syntax.ts'
import type { CallCost } from '../cost.ts'
import { matchesText } from '../cost.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { parseTimestamp } from '../time-text.ts'
import { CelOpaque, CelOptional } from '../value.ts'
import { parseRequestUri } from './urls.ts'

const type = 'kubernetes.NamedFormat'

type Errors = (text: string) => string[]

class CelFormat extends CelOpaque {
  readonly typeName = type
  readonly key: string
  readonly errors: Errors
  constructor(name: string, errors: Errors) {
    super()
    this.key = name
    this.errors = errors
  }
}

/** A prefix may end with a dash: something follows it. */
const prefix = (errors: Errors): Errors => {
  return text => errors(text.length > 1 && text.endsWith('-') ? `${text.slice(0, -2)}a` : text)
}

const matching = (pattern: RegExp, message: string): Errors => {
  return text => (pattern.test(text) ? [] : [message])
}

const uriErrors: Errors = text => {
  const parsed = parseRequestUri(text)
  return typeof parsed === 'string' ? [parsed] : []
}

const dateErrors: Errors = text =>
  /^\d{4}-\d\d-\d\d$/.test(text) && parseTimestamp(text) !== undefined ? [] : ['invalid date']

const dateTimeErrors: Errors = text =>
  text.length > 10 && parseTimestamp(text) !== undefined ? [] : ['invalid datetime']

const formats = new Map<string, CelFormat>(
  Object.entries<Errors>({
    dns1123Label: dns1123LabelErrors,
    dns1123Subdomain: dns1123SubdomainErrors,
    dns1035Label: dns1035LabelErrors,
    qualifiedName: qualifiedNameErrors,
    dns1123LabelPrefix: prefix(dns1123LabelErrors),
    dns1123SubdomainPrefix: prefix(dns1123SubdomainErrors),
    dns1035LabelPrefix: prefix(dns1035LabelErrors),
    labelValue: labelValueErrors,
    uri: uriErrors,
    uuid: matching(
      /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i,
      'does not match the UUID format',
    ),
    byte: matching(/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, 'invalid base64'),
    date: dateErrors,
    datetime: dateTimeErrors,
  }).map(([name, errors]) => [name, new CelFormat(name, errors)]),
)

/** As if each format were a pattern of 60 characters, the longest there is. */
const patternCost: CallCost = (args, result) => matchesText([args[1] ?? null, 'x'.repeat(60)], result)

const optional = (found: CelFormat | undefined): CelOptional =>
  found === undefined ? CelOptional.none : new CelOptional(found)

const validate = (format: CelFormat, text: string): CelOptional => {
  const errors = format.errors(text)
  return errors.length === 0 ? CelOptional.none : new CelOptional(errors)
}

/** Kubernetes' format library: `format.named("dns1123Label")`, `format.uuid().validate(text)`. */
export const addFormats = (table: FunctionTableBuilder): void => {
  for (const [name, format] of formats) table.add(`format.${name}(): ${type}`, () => format)
  table
    .add(`format.named(string): optional<${type}>`, (name: string) => optional(formats.get(name)))
    .add(`[${type}].validate(string): optional<list<string>>`, validate, patternCost)
}
