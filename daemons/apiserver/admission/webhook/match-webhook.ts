import type { ApiError } from '../../../../kube/status.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import type { Kind } from '../../kinds/kind.ts'
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

/** An object of one row in the shape of another of the same storage. */
export const convert = (object: UnknownObject, from: Kind, to: Kind): UnknownObject => {
  if (from === to) return object
  const copy = structuredClone(object)
  const stored = from.storedAs?.toStored(copy) ?? copy
  return to.storedAs?.fromStored(stored) ?? stored
}
