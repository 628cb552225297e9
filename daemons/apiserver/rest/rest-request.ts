import type { UserInfo } from '../auth/user-info.ts'
import type { Kind } from '../kinds/kind.ts'
import type { DeleteRequest } from '../registry/delete-object.ts'
import type { ListRequest } from '../registry/read-objects.ts'
import type { RequestContext } from '../registry/registry.ts'
import type { WatchRequest } from '../registry/watch-objects.ts'
import { checkFields } from '../schema/check.ts'
import { isJsonObject, type JsonObject } from '../../../kube/patch/json-value.ts'
import { apiError } from '../../../kube/status.ts'
import {
  deletionErrors,
  dryRunErrors,
  fieldManagerErrors,
  fieldValidationErrors,
  listErrors,
  type OptionsKind,
  refuseOptions,
  watchErrors,
} from './option-errors.ts'
import type { ListPieces } from './list-pieces.ts'
import type { ResourcePath } from './resource-path.ts'

/** A request for a resource, authenticated and authorized; how it came is no longer seen. */
export interface RestRequest {
  method: string
  path: ResourcePath
  kind: Kind
  query: URLSearchParams
  accept: string | undefined
  contentType: string | undefined
  userAgent: string | undefined
  /** Empty when there is none. */
  body: Buffer
  user: UserInfo
  /** Where warnings are gathered, so that a failure can tell them too. */
  warnings?: string[]
}

export interface RestReply {
  status: number
  contentType: string
  body: Buffer | ListPieces
  /** Texts for Warning headers. */
  warnings: readonly string[]
}

/** Which options a write carries; a PATCH that applies is one that changes. */
const writeOptions: Readonly<Record<string, OptionsKind>> = {
  POST: 'CreateOptions',
  PUT: 'UpdateOptions',
  PATCH: 'PatchOptions',
  DELETE: 'DeleteOptions',
}

const dryRunOf = (query: URLSearchParams): string[] => query.getAll('dryRun').filter(value => value !== '')

/** What the query and headers say about how a write is to be done. Throws ApiError Invalid. */
export const contextOf = (request: RestRequest, warnings: string[]): RequestContext => {
  const { query, user, userAgent = '' } = request
  const fieldValidation = query.get('fieldValidation') ?? ''
  const asked = query.get('fieldManager') ?? ''
  const dryRun = dryRunOf(query)
  const kind = writeOptions[request.method]
  if (kind !== undefined)
    refuseOptions(kind, [
      ...dryRunErrors(dryRun),
      ...(kind === 'DeleteOptions' ? [] : [...fieldManagerErrors(asked), ...fieldValidationErrors(fieldValidation)]),
    ])
  return {
    user,
    dryRun: dryRun.length > 0,
    // Upstream names an unnamed writer by its program, except where an apply insists on a name.
    fieldManager: asked !== '' ? asked : (userAgent.split('/')[0] ?? '').slice(0, 128) || 'unknown',
    fieldValidation: fieldValidation === 'Ignore' || fieldValidation === 'Strict' ? fieldValidation : 'Warn',
    decodeFindings: [],
    asked: { fieldManager: asked, fieldValidation },
    warn: text => {
      if (!warnings.includes(text)) warnings.push(text)
    },
  }
}

const numberOf = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  const refuse = (why: string) => apiError('BadRequest', `strconv.ParseInt: parsing ${JSON.stringify(text)}: ${why}`)
  if (!/^[-+]?\d+$/.test(text)) throw refuse('invalid syntax')
  if (Math.abs(Number(text)) >= 2 ** 63) throw refuse('value out of range')
  return Number(text)
}

export const booleanOf = (query: URLSearchParams, name: string): boolean | undefined => {
  const text = query.get(name)?.toLowerCase()
  return text === undefined ? undefined : text !== 'false' && text !== '0'
}

/** A day: no watch outlives it, and the timer behind cannot count more than 24. */
const maxTimeoutSeconds = 86_400

export const timeoutSecondsOf = (query: URLSearchParams): number | undefined => {
  const seconds = numberOf(query, 'timeoutSeconds')
  return seconds === undefined ? undefined : Math.min(seconds, maxTimeoutSeconds)
}

const optionsOf = (query: URLSearchParams): ListRequest & { sendInitialEvents: boolean | undefined } => {
  timeoutSecondsOf(query)
  return {
    labelSelector: query.get('labelSelector') ?? undefined,
    fieldSelector: query.get('fieldSelector') ?? undefined,
    limit: numberOf(query, 'limit'),
    continue: query.get('continue') ?? undefined,
    resourceVersion: query.get('resourceVersion') ?? undefined,
    resourceVersionMatch: query.get('resourceVersionMatch') ?? undefined,
    sendInitialEvents: booleanOf(query, 'sendInitialEvents'),
  }
}

/** Throws ApiError Invalid for options that contradict each other, BadRequest for what is no number. */
export const listRequestOf = (query: URLSearchParams): ListRequest => {
  const { sendInitialEvents, ...request } = optionsOf(query)
  refuseOptions('ListOptions', listErrors({ ...request, sendInitialEvents }))
  return request
}

export const watchRequestOf = (query: URLSearchParams): WatchRequest => {
  const { labelSelector, fieldSelector, resourceVersion, resourceVersionMatch, sendInitialEvents } = optionsOf(query)
  refuseOptions('ListOptions', watchErrors({ resourceVersionMatch, sendInitialEvents }))
  return {
    labelSelector,
    fieldSelector,
    resourceVersion,
    resourceVersionMatch,
    sendInitialEvents,
    allowBookmarks: booleanOf(query, 'allowWatchBookmarks') ?? false,
  }
}

const deleteOptions = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'

/** The body of a delete; none is an empty one. Throws ApiError BadRequest for anything but DeleteOptions. */
const checkedOptions = (body: unknown): JsonObject => {
  if (body === undefined || body === null) return {}
  const unreadable = (why: string) =>
    apiError('BadRequest', `DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${why}`)
  if (!isJsonObject(body)) throw unreadable('json: cannot unmarshal into Go value of type v1.DeleteOptions')
  const kind = body['kind'] ?? ''
  if (kind !== '' && kind !== 'DeleteOptions')
    throw apiError(
      'BadRequest',
      `the kind in the data (${String(kind)}) does not match the expected kind (DeleteOptions)`,
    )
  const wrong = checkFields(body, deleteOptions).find(finding => finding.kind === 'type')
  if (wrong !== undefined) throw unreadable(wrong.message)
  return body
}

/**
 * DeleteOptions out of the body and the query; the body wins, as upstream reads them. `body`: undefined when there is
 * none. Throws ApiError BadRequest or Invalid.
 */
export const deleteRequestOf = (query: URLSearchParams, body: unknown): DeleteRequest & { dryRun: boolean } => {
  const options = checkedOptions(body)
  const preconditions = isJsonObject(options['preconditions']) ? options['preconditions'] : {}
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const grace = options['gracePeriodSeconds']
  const orphan = options['orphanDependents']
  const dryRun = [...dryRunOf(query), ...(Array.isArray(options['dryRun']) ? options['dryRun'].map(String) : [])]
  const propagationPolicy = text(options['propagationPolicy']) ?? query.get('propagationPolicy') ?? undefined
  const orphanDependents = typeof orphan === 'boolean' ? orphan : booleanOf(query, 'orphanDependents')
  refuseOptions('DeleteOptions', [...deletionErrors({ propagationPolicy, orphanDependents }), ...dryRunErrors(dryRun)])
  return {
    gracePeriodSeconds: typeof grace === 'number' ? grace : numberOf(query, 'gracePeriodSeconds'),
    propagationPolicy,
    orphanDependents,
    preconditions: { uid: text(preconditions['uid']), resourceVersion: text(preconditions['resourceVersion']) },
    dryRun: dryRun.length > 0,
  }
}
