import { apiError } from '../../../kube/status.ts'
import type { OpenIdDocument } from '../auth/tokens/openid-documents.ts'
import type { Answer } from './answer.ts'
import type { ApiMetrics } from './api-metrics.ts'
import { answerHealth, type HealthCheck } from './health.ts'
import { serverVersion } from './version.ts'

/** A document of discovery or OpenAPI. */
export interface ServedDocument {
  status: number
  contentType: string
  body: Buffer | string
  etag?: string
}

/** What there is besides resources. */
export interface ServedPaths {
  documents(path: string, accept: string, query: URLSearchParams): ServedDocument | undefined
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
}

const plain = { 'content-type': 'text/plain; charset=utf-8' }
const json = { 'content-type': 'application/json' }

/** Health, whole or of one check. */
const isHealthPath = (path: string): boolean => /^\/(healthz|livez|readyz)(\/|$)/.test(path)

/** What a person finds under `/`; the rest is told by discovery. */
const roots = ['/api', '/apis', '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version']

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
  const headers: Answer['headers'] = { 'content-type': document.contentType, vary: 'Accept' }
  if (document.etag !== undefined) {
    headers['etag'] = document.etag
    if (request.ifNoneMatch === document.etag) return { status: 304, headers, body: '' }
  }
  return { status: document.status, headers, body: document.body }
}
