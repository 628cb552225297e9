import type { UnknownObject } from '../../../kube/object.ts'
import { matchesLabels, parseFieldSelector, parseLabelSelector } from '../../../kube/selectors.ts'
import { ApiError, apiError } from '../../../kube/status.ts'
import { messageOf } from '../../../kube/errors.ts'
import type { Kind } from '../kinds/kind.ts'

/** Which objects of a collection a list, a watch or a deletecollection means. */
export interface Selection {
  /** True when nothing narrows it: every object of the collection. */
  everything: boolean
  matches(object: UnknownObject): boolean
}

const all: Selection = { everything: true, matches: () => true }

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
  if (getter === undefined) throw apiError('BadRequest', `field label not supported: ${field}`)
  return getter
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
  }
}
