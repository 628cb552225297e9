import type { UnknownObject } from '../../../kube/object.ts'
import {
  type FieldRequirement,
  type LabelSelector,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
} from '../../../kube/selectors.ts'
import { ApiError, apiError } from '../../../kube/status.ts'
import { messageOf } from '../../../kube/errors.ts'
import type { Kind } from '../kinds/kind.ts'
import type { StoredEntry } from '../store/stored-entry.ts'
import type { ObjectTarget, Registry } from './registry.ts'

/** Which objects of a collection a list, a watch or a deletecollection means. */
export interface Selection {
  /** True when nothing narrows it: every object of the collection. */
  everything: boolean
  /** The name that all it chooses have; undefined: any. */
  name?: string | undefined
  matches(object: UnknownObject): boolean
  /** False where the entry cannot match, told from its key and text alone: parsing thousands to find one is what costs. */
  mayMatch(entry: StoredEntry): boolean
}

const all: Selection = { everything: true, matches: () => true, mayMatch: () => true }

const asBadRequest = <T>(parse: () => T): T => {
  try {
    return parse()
  } catch (cause) {
    throw cause instanceof ApiError ? cause : apiError('BadRequest', messageOf(cause))
  }
}

const fieldGetter = (kind: Kind, field: string): ((object: UnknownObject) => string) => {
  if (field === 'metadata.name') return object => object.metadata?.name ?? ''
  if (field === 'metadata.namespace') return object => object.metadata?.namespace ?? ''
  const getter = kind.selectableFields?.[field]
  if (getter === undefined) {
    const plain = kind.custom === undefined && kind.selectableFields === undefined
    const why = plain
      ? `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`
      : `field label not supported: ${field}`
    throw apiError('BadRequest', why)
  }
  return getter
}

/** Fields whose text stands in the object under the last part of their name. */
const plainFields = new Set(['spec.nodeName'])

/** What the JSON text of every object that matches has in it. */
const textsOf = (labels: LabelSelector, fields: readonly FieldRequirement[]): string[] => [
  ...labels.flatMap(({ key, op, values }) => {
    if (op === 'In' && values.length === 1) return [`${JSON.stringify(key)}:${JSON.stringify(values[0])}`]
    return op === 'Exists' ? [`${JSON.stringify(key)}:`] : []
  }),
  ...fields.flatMap(({ field, op, value }) =>
    op === '=' && value !== '' && plainFields.has(field)
      ? [`${JSON.stringify(field.slice(field.lastIndexOf('.') + 1))}:${JSON.stringify(value)}`]
      : [],
  ),
]

const mayMatchOf = (
  kind: Kind,
  labels: LabelSelector,
  fields: readonly FieldRequirement[],
): ((entry: StoredEntry) => boolean) => {
  const names = fields.flatMap(({ field, op, value }) => (field === 'metadata.name' && op === '=' ? [`/${value}`] : []))
  // Of a kind that is converted on its way out, only the name is sure to be as it is stored.
  const texts = kind.storedAs === undefined && kind.custom === undefined ? textsOf(labels, fields) : []
  return entry => names.every(name => entry.key.endsWith(name)) && texts.every(text => entry.bytes.includes(text))
}

/** Throws ApiError BadRequest where a selector cannot be read or names a field the kind does not select by. */
export const makeSelection = (kind: Kind, labels: string | undefined, fields: string | undefined): Selection => {
  const labelRules = labels === undefined || labels === '' ? [] : asBadRequest(() => parseLabelSelector(labels))
  const fieldRules =
    fields === undefined || fields === ''
      ? []
      : asBadRequest(() => parseFieldSelector(fields)).map(rule => ({ ...rule, get: fieldGetter(kind, rule.field) }))
  if (labelRules.length === 0 && fieldRules.length === 0) return all
  return {
    everything: false,
    matches: object =>
      fieldRules.every(({ get, op, value }) => (get(object) === value) === (op === '=')) &&
      matchesLabels(labelRules, object.metadata?.labels),
    mayMatch: mayMatchOf(kind, labelRules, fieldRules),
    name: fieldRules.find(({ field, op }) => field === 'metadata.name' && op === '=')?.value,
  }
}

/** What a selection's keys begin with: those of the collection, or of the one object it names. */
export const prefixOf = (registry: Registry, target: ObjectTarget, { name = '' }: Selection): string =>
  registry.key({ ...target, name: target.kind.namespaced && target.namespace === '' ? '' : name })
