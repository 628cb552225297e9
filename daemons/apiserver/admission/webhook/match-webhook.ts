import { type ApiError, apiError } from '../../../../kube/status.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import type { Kind } from '../../kinds/kind.ts'
import { StoredEntry } from '../../store/stored-entry.ts'
import { ruleMatches } from '../match-rules.ts'
import { namespaceMatches, objectMatches } from '../match-selectors.ts'
import type { AdmissionHost, AdmissionRequest } from '../plugin.ts'
import type { Webhook } from './webhook.ts'

const storageOf = ({ group, plural, storedAs }: Kind): string =>
  `${storedAs?.group ?? group}/${storedAs?.plural ?? plural}`

/** The other rows that the same stored objects are served by. */
const othersOf = (kind: Kind, { kinds }: AdmissionHost): Kind[] => {
  const storage = storageOf(kind)
  return [...kinds].filter(other => other !== kind && storageOf(other) === storage)
}

/** The row through which a webhook's rules catch a request; undefined: they do not. */
export const rowFor = (
  { rules, equivalent }: Pick<Webhook, 'rules' | 'equivalent'>,
  request: AdmissionRequest,
  host: AdmissionHost,
): Kind | undefined => {
  const { kind, subresource } = request
  const catches = ({ group, version, plural }: Kind): boolean =>
    rules.some(rule => ruleMatches(rule, request, { group, version, plural, subresource }))
  if (catches(kind)) return kind
  if (!equivalent || rules.length === 0) return undefined
  return othersOf(kind, host).find(catches)
}

/** Whether the request's labels let the webhook see it. An ApiError: its namespace is not there. */
export const selectorsMatch = (
  { namespaceSelector, objectSelector }: Pick<Webhook, 'namespaceSelector' | 'objectSelector'>,
  request: AdmissionRequest,
  { reader }: AdmissionHost,
): boolean | ApiError => {
  const namespace = namespaceMatches(namespaceSelector, request, reader)
  if (namespace === false || !objectMatches(objectSelector, request)) return false
  return namespace
}

/**
 * An object of one row in the shape of another of the same storage; a promise only where a webhook converts. Throws or
 * rejects with the ApiError of a conversion that fails.
 */
export const convert = (object: UnknownObject, from: Kind, to: Kind): UnknownObject | Promise<UnknownObject> => {
  if (from === to) return object
  const copy = structuredClone(object)
  if (from.custom !== undefined && to.custom !== undefined) {
    const { custom } = to
    const show = (stored: UnknownObject) => custom.fromStored([new StoredEntry('', 0, { object: stored })])
    const stored = from.custom.toStored(copy)
    const shown = stored instanceof Promise ? stored.then(show) : show(stored)
    const first = ([entry]: readonly StoredEntry[]) => entry?.copy() ?? object
    return shown instanceof Promise ? shown.then(first) : first(shown)
  }
  const stored = from.storedAs?.toStored(copy) ?? copy
  return to.storedAs?.fromStored(stored) ?? stored
}

/** The same for who cannot wait. Throws ApiError InternalError where a webhook converts. */
export const convertNow = (object: UnknownObject, from: Kind, to: Kind): UnknownObject => {
  const converted = convert(object, from, to)
  if (!(converted instanceof Promise)) return converted
  converted.catch(() => {})
  throw apiError(
    'InternalError',
    `Internal error occurred: ${from.plural} are converted by a webhook: a rule for ${to.version} cannot look at one of ${from.version}`,
  )
}
