import type { UnknownObject } from '../../../kube/object.ts'
import { apiError } from '../../../kube/status.ts'
import type { OpenIdDocument } from '../auth/tokens/openid-documents.ts'
import type { DocumentReply } from '../schema/documents.ts'
import type { Answer } from './answer.ts'
import type { ApiMetrics } from './api-metrics.ts'
import { answerHealth, type HealthCheck } from './health.ts'
import { wantsPretty } from '../rest/handle-request.ts'
import { serverVersion } from './version.ts'

/** What there is besides resources. */
export interface ServedPaths {
  documents(path: string, accept: string, query: URLSearchParams): DocumentReply | undefined
  checks: Readonly<Record<string, HealthCheck>>
  metrics: ApiMetrics
  /** By their paths: how tokens of this cluster are checked elsewhere. */
  openId: ReadonlyMap<string, OpenIdDocument>
}

export interface PathRequest {
  method: string
  path: string
  query: URLSearchParams
  accept: string
  ifNoneMatch: string | undefined
  ifModifiedSince: string | undefined
  userAgent: string | undefined
}

const plain = { 'content-type': 'text/plain; charset=utf-8' }
const json = { 'content-type': 'application/json' }

/** Health, whole or of one check. */
const isHealthPath = (path: string): boolean => /^\/(healthz|livez|readyz)(\/|$)/.test(path)

/** What a person finds under `/`; the rest is told by discovery. */
const roots = ['/api', '/apis', '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version']

/** A body that is JSON, in the form that is wanted; undefined: as it is. */
const bodyIn = async (
  body: Buffer,
  media: DocumentReply['media'],
  { query, userAgent }: PathRequest,
): Promise<Buffer | string> => {
  switch (media) {
    case 'json':
      return wantsPretty(query, userAgent) ? `${JSON.stringify(JSON.parse(String(body)), null, 2)}\n` : body
    case 'yaml':
      return (await import('yaml')).stringify(JSON.parse(String(body)))
    case 'protobuf': {
      const { protobufObject } = await import('../rest/protobuf-envelope.ts')
      return protobufObject({ apiVersion: 'v1', ...(JSON.parse(String(body)) as UnknownObject) })
    }
    case undefined:
      return body
  }
}

/** RFC 9110, 13.2.2: the date counts only where no tag is named. */
const isUnchanged = (document: DocumentReply, { ifNoneMatch, ifModifiedSince }: PathRequest): boolean => {
  const { etag, lastModifiedMs } = document
  if (ifNoneMatch !== undefined)
    return ifNoneMatch.split(',').some(tag => ['*', etag].includes(tag.trim().replace(/^W\//, '')))
  if (ifModifiedSince === undefined || lastModifiedMs === undefined) return false
  return Math.floor(lastModifiedMs / 1000) * 1000 <= Date.parse(ifModifiedSince)
}

const answerDocument = async (document: DocumentReply, request: PathRequest): Promise<Answer> => {
  const { status, contentType, media, etag, lastModifiedMs, cacheControl, maxAgeSeconds, location } = document
  const headers: Answer['headers'] = { 'content-type': contentType, vary: 'Accept' }
  if (etag !== undefined) headers['etag'] = etag
  if (cacheControl !== undefined) headers['cache-control'] = cacheControl
  if (maxAgeSeconds !== undefined) headers['expires'] = new Date(Date.now() + maxAgeSeconds * 1000).toUTCString()
  if (location !== undefined) return { status, headers: { ...headers, location }, body: '' }
  if (lastModifiedMs !== undefined) headers['last-modified'] = new Date(lastModifiedMs).toUTCString()
  if (status === 200 && isUnchanged(document, request)) return { status: 304, headers, body: '' }
  return { status, headers, body: await bodyIn(document.body, media, request) }
}

/** Version, health, metrics, discovery and OpenAPI. Throws ApiError NotFound or MethodNotAllowed. */
export const answerPath = async (served: ServedPaths, request: PathRequest): Promise<Answer> => {
  const { method, path, query } = request
  if (method !== 'GET' && method !== 'HEAD') throw apiError('MethodNotAllowed', `${path} can only be read`)
  if (path === '/') return { status: 200, headers: json, body: `${JSON.stringify({ paths: roots }, null, 2)}\n` }
  if (path === '/version' || path === '/version/')
    return { status: 200, headers: json, body: `${JSON.stringify(serverVersion, null, 2)}\n` }
  if (isHealthPath(path)) {
    const health = answerHealth(path, query, served.checks)
    if (health !== undefined) return { status: health.status, headers: plain, body: health.text }
  }
  const { metrics } = served
  if (path === '/metrics')
    return { status: 200, headers: { 'content-type': metrics.contentType }, body: await metrics.render() }
  const openId = served.openId.get(path.replace(/\/$/, ''))
  if (openId !== undefined)
    return {
      status: 200,
      headers: { 'content-type': openId.contentType, 'cache-control': 'public, max-age=3600' },
      // As bytes: to a text the framework would add a charset.
      body: Buffer.from(openId.body),
    }
  const document = served.documents(path, request.accept, query)
  if (document === undefined) throw apiError('NotFound', 'the server could not find the requested resource', {})
  return answerDocument(document, request)
}
