import { apiError, hasReason } from '../../../kube/status.ts'
import type { StoredEntry } from '../store/stored-entry.ts'
import { notFound } from './api-errors.ts'
import type { ObjectTarget, Registry } from './registry.ts'
import { makeSelection, prefixOf } from './selection.ts'

export interface ListRequest {
  labelSelector?: string | undefined
  fieldSelector?: string | undefined
  limit?: number | undefined
  continue?: string | undefined
  resourceVersion?: string | undefined
  resourceVersionMatch?: string | undefined
}

export interface ListResult {
  resourceVersion: string
  entries: readonly StoredEntry[]
  continue?: string
  remainingItemCount?: number
}

/** `''` and undefined give undefined. Throws ApiError BadRequest. */
export const parseResourceVersion = (text: string | undefined): number | undefined => {
  if (text === undefined || text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) throw apiError('BadRequest', `invalid resource version "${text}": it must be a number`)
  return Number(text)
}

/** Every version up to now can be read; a later one is a version of another server's future. */
const checkReached = (registry: Registry, revision: number | undefined): void => {
  if (revision !== undefined && revision > registry.store.revision)
    registry.store.range({ prefix: '/registry/core/namespaces/', revision, limit: 1 })
}

export const getObject = async (
  registry: Registry,
  target: ObjectTarget,
  resourceVersion?: string,
): Promise<StoredEntry> => {
  // 0 and an earlier version are content with what is in memory; without one the read must be current.
  if (resourceVersion === undefined || resourceVersion === '') await registry.store.refresh()
  else checkReached(registry, parseResourceVersion(resourceVersion))
  const entry = registry.store.get(registry.key(target))
  if (entry === undefined) throw notFound(target.kind, target.name)
  return registry.view(target.kind, entry)
}

interface PageToken {
  /** Revision of the first page; -1: whatever is current. */
  rv: number
  /** The last key of the page before, without the collection's prefix. */
  start: string
}

const encodeToken = (token: PageToken): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...token })).toString('base64url')

const decodeToken = (text: string): PageToken => {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString()) as Partial<PageToken> & { v?: string }
    const { v, rv, start } = token
    const readable = Number.isSafeInteger(rv) && (rv === -1 || Number(rv) > 0) && typeof start === 'string'
    // A key is `namespace/name`: whatever would lead elsewhere was not made by this server.
    if (v === 'meta.k8s.io/v1' && readable && !/(^|\/)\.{0,2}(\/|$)/.test(start)) return { rv: Number(rv), start }
  } catch {
    // falls through: told as what it is below
  }
  throw apiError('BadRequest', 'invalid continue token: continue key is not valid')
}

const tokenExpired = (start: string) => {
  const error = apiError(
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list ' +
      'without the continue parameter, or use the continue token in this response to retrieve the remainder of the ' +
      'results. Continuing with the provided token results in an inconsistent list - objects that were created, ' +
      'modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  )
  error.status.metadata = { continue: encodeToken({ rv: -1, start }) }
  return error
}

/** Where the list starts and at which revision it is read. */
const startOf = (
  registry: Registry,
  request: ListRequest,
): { revision: number | undefined; start: string | undefined } => {
  if (request.continue !== undefined && request.continue !== '') {
    if (request.resourceVersion !== undefined && request.resourceVersion !== '' && request.resourceVersion !== '0')
      throw apiError('BadRequest', 'specifying resource version is not allowed when using continue')
    const token = decodeToken(request.continue)
    return { revision: token.rv < 0 ? undefined : token.rv, start: token.start }
  }
  const revision = parseResourceVersion(request.resourceVersion)
  // A page of a version that is named without a word on how to match it is a page of exactly that one, as upstream has it.
  const paged = (request.limit ?? 0) > 0 && (revision ?? 0) > 0 && (request.resourceVersionMatch ?? '') === ''
  if (request.resourceVersionMatch === 'Exact' || paged) return { revision, start: undefined }
  checkReached(registry, revision)
  return { revision: undefined, start: undefined }
}

export const listObjects = async (
  registry: Registry,
  target: ObjectTarget,
  request: ListRequest,
): Promise<ListResult> => {
  const selection = makeSelection(target.kind, request.labelSelector, request.fieldSelector)
  if (request.resourceVersion === undefined || request.resourceVersion === '') await registry.store.refresh()
  const { revision, start } = startOf(registry, request)
  const prefix = registry.key({ ...target, name: '' })
  const after = start === undefined ? undefined : prefix + start
  const narrow = prefixOf(registry, target, selection)
  const where = {
    prefix: narrow,
    ...(after === undefined ? {} : { after }),
    ...(revision === undefined ? {} : { revision }),
  }
  // Whoever is content with any version gets it whole: upstream's cache does not page.
  const limit = request.resourceVersion === '0' ? 0 : (request.limit ?? 0)
  try {
    // With selectors a page is filled from as much of the collection as it takes.
    const range = registry.store.range(selection.everything && limit > 0 ? { ...where, limit } : where)
    let entries: readonly StoredEntry[] = range.entries
    let { remaining } = range
    if (target.kind.storedAs !== undefined || target.kind.custom !== undefined)
      entries = await registry.views(target.kind, entries)
    if (!selection.everything) {
      const chosen = entries.filter(entry => selection.mayMatch(entry) && selection.matches(entry.object))
      entries = limit > 0 ? chosen.slice(0, limit) : chosen
      remaining = chosen.length - entries.length
    }
    const last = entries.at(-1)
    return {
      resourceVersion: String(range.revision),
      entries,
      ...(remaining > 0 && last !== undefined
        ? { continue: encodeToken({ rv: range.revision, start: last.key.slice(prefix.length) }) }
        : {}),
      ...(remaining > 0 && selection.everything ? { remainingItemCount: remaining } : {}),
    }
  } catch (error) {
    if (start !== undefined && hasReason(error, 'Expired')) throw tokenExpired(start)
    throw error
  }
}
