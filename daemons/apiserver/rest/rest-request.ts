import type { UserInfo } from '../admission/plugin.ts'
import type { Kind } from '../kinds/kind.ts'
import type { DeleteRequest } from '../registry/delete-object.ts'
import type { ListRequest } from '../registry/read-objects.ts'
import type { RequestContext } from '../registry/registry.ts'
import { isJsonObject } from '../../../kube/patch/json-value.ts'
import { apiError } from '../../../kube/status.ts'
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
}

export interface RestReply {
  status: number
  contentType: string
  body: Buffer
  /** Texts for Warning headers. */
  warnings: readonly string[]
}

const validations = ['Ignore', 'Warn', 'Strict'] as const

const wantsDryRun = (values: readonly string[]): boolean => {
  const other = values.find(value => value !== 'All' && value !== '')
  if (other !== undefined)
    throw apiError('BadRequest', `Invalid value: ${JSON.stringify(other)}: dryRun supports only "All"`)
  return values.includes('All')
}

/** What the query and headers say about how a write is to be done. */
export const contextOf = (request: RestRequest, warnings: string[]): RequestContext => {
  const { query, user, userAgent = '' } = request
  const validation = query.get('fieldValidation') ?? ''
  const fieldValidation = validation === '' ? 'Warn' : validations.find(known => known === validation)
  if (fieldValidation === undefined)
    throw apiError(
      'BadRequest',
      `fieldValidation: Unsupported value: ${JSON.stringify(validation)}: supported values: "Ignore", "Strict", "Warn"`,
    )
  const asked = query.get('fieldManager') ?? ''
  if (asked.length > 128) throw apiError('BadRequest', 'fieldManager: Too long: may not be more than 128 bytes')
  return {
    user,
    dryRun: wantsDryRun(query.getAll('dryRun')),
    // Upstream names an unnamed writer by its program, except where an apply insists on a name.
    fieldManager: asked !== '' ? asked : (userAgent.split('/')[0] ?? '').slice(0, 128) || 'unknown',
    fieldValidation,
    decodeFindings: [],
    warn: text => {
      if (!warnings.includes(text)) warnings.push(text)
    },
  }
}

const numberOf = (query: URLSearchParams, name: string): number | undefined => {
  const text = query.get(name)
  if (text === null || text === '') return undefined
  if (!/^-?\d{1,15}$/.test(text)) throw apiError('BadRequest', `${name}: ${JSON.stringify(text)} is not a number`)
  return Number(text)
}

export const booleanOf = (query: URLSearchParams, name: string): boolean | undefined => {
  const text = query.get(name)
  return text === null ? undefined : text !== 'false' && text !== '0'
}

export const timeoutSecondsOf = (query: URLSearchParams): number | undefined => numberOf(query, 'timeoutSeconds')

export const listRequestOf = (query: URLSearchParams): ListRequest => ({
  labelSelector: query.get('labelSelector') ?? undefined,
  fieldSelector: query.get('fieldSelector') ?? undefined,
  limit: numberOf(query, 'limit'),
  continue: query.get('continue') ?? undefined,
  resourceVersion: query.get('resourceVersion') ?? undefined,
  resourceVersionMatch: query.get('resourceVersionMatch') ?? undefined,
})

const policies = ['Orphan', 'Background', 'Foreground']

/** DeleteOptions out of the body and the query; the body wins, as upstream reads them. */
export const deleteRequestOf = (query: URLSearchParams, body: unknown): DeleteRequest & { dryRun: boolean } => {
  const options = isJsonObject(body) ? body : {}
  const preconditions = isJsonObject(options['preconditions']) ? options['preconditions'] : {}
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const grace = options['gracePeriodSeconds']
  const orphan = options['orphanDependents']
  const policy = text(options['propagationPolicy']) ?? query.get('propagationPolicy') ?? undefined
  if (policy !== undefined && !policies.includes(policy))
    throw apiError(
      'Invalid',
      `DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Background", "Foreground", "Orphan", "nil"`,
    )
  const dryRuns = options['dryRun']
  return {
    gracePeriodSeconds: typeof grace === 'number' ? grace : numberOf(query, 'gracePeriodSeconds'),
    propagationPolicy: policy,
    orphanDependents: typeof orphan === 'boolean' ? orphan : booleanOf(query, 'orphanDependents'),
    preconditions: { uid: text(preconditions['uid']), resourceVersion: text(preconditions['resourceVersion']) },
    dryRun:
      wantsDryRun(query.getAll('dryRun')) ||
      (Array.isArray(dryRuns) && wantsDryRun(dryRuns.filter(value => typeof value === 'string'))),
  }
}
