import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { apiError } from '../../../kube/status.ts'
import type { Aggregator } from '../aggregator/aggregator.ts'
import { type Attributes, requestAttributes } from '../auth/attributes.ts'
import { requireAuthorized } from '../auth/authorizer.ts'
import type { UserInfo } from '../auth/user-info.ts'
import type { Kind } from '../kinds/kind.ts'
import type { FullReply } from '../proxy/copy-answer.ts'
import type { FullRequest } from '../proxy/forward-request.ts'
import { admitConnect } from '../registry/admit-connect.ts'
import { notFound } from '../registry/api-errors.ts'
import type { SubresourceProxy } from '../proxy/subresource-proxy.ts'
import type { Registry, RequestContext } from '../registry/registry.ts'
import type { ResourcePath } from '../rest/resource-path.ts'
import type { StreamingSubresource, StreamTarget } from '../streaming/streaming-subresource.ts'

/** A request that somebody else answers. */
export interface PassedRequest {
  path: ResourcePath | undefined
  query: URLSearchParams
  user: UserInfo
  /** What it wants, in the words of authorization. */
  wanted: Attributes
}

export interface PassedRequestsOptions {
  registry: Registry
  /** Made when the first log or exec is asked for. */
  streams(): Promise<readonly StreamingSubresource[]>
  aggregator: Pick<Aggregator, 'serves' | 'serve' | 'upgrade'>
  /** Made when the first proxy subresource is asked for. */
  proxy(): Promise<SubresourceProxy>
  log: Logger
}

const streaming = new Set(['log', 'exec', 'attach', 'portforward'])
const streamingPath = new RegExp(`/(${[...streaming].join('|')}|proxy)(/|[?]|$)`)
const proxyMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** A stream has no body, and no place for warnings: its answer is the stream. */
const streamContext = (user: UserInfo): RequestContext => ({
  user,
  dryRun: false,
  fieldManager: '',
  fieldValidation: 'Ignore',
  decodeFindings: [],
  warn: () => {},
})

/** The row a path names. Throws ApiError NotFound. */
export const kindOf = (registry: Registry, path: ResourcePath): Kind => {
  const kind = registry.kind(path.group, path.version, path.plural)
  const scopeFits = kind !== undefined && (kind.namespaced || path.namespace === '')
  const nameFits = kind?.namespaced !== true || path.name === '' || path.namespace !== ''
  if (kind === undefined || !scopeFits || !nameFits)
    throw apiError('NotFound', 'the server could not find the requested resource', {})
  return kind
}

const isPlainSegment = (segment: string): boolean => {
  try {
    const text = decodeURIComponent(segment)
    return text !== '' && text !== '.' && text !== '..' && !text.includes('/')
  } catch {
    return false
  }
}

/**
 * A path that is authorized here and read again elsewhere must be read the same way in both places: `//`, `..` and `%2F`
 * are taken apart differently by different servers. Throws ApiError BadRequest.
 */
const requirePlainPath = (url: string): void => {
  const segments = (url.split('?', 1)[0] ?? '').split('/').slice(1)
  if (segments.at(-1) === '') segments.pop()
  const odd = segments.find(segment => !isPlainSegment(segment))
  if (odd !== undefined)
    throw apiError('BadRequest', `the path of the request has a part ${JSON.stringify(odd)}, which is not passed on`)
}

/** Whether a request that is passed on may take as long as its client likes: it takes no seat for that long. */
export const isLongRunning = (verb: string, path: ResourcePath | undefined): boolean =>
  verb === 'watch' || (path !== undefined && (streaming.has(path.subresource) || path.subresource === 'proxy'))

const isProxied = ({ group, subresource }: ResourcePath): boolean => group === '' && subresource === 'proxy'

/** Requests that are passed on as they come, body and all: to kubelets and to aggregated API servers. */
export class PassedRequests {
  readonly #options: PassedRequestsOptions
  readonly #registry: Registry
  constructor(options: PassedRequestsOptions) {
    this.#options = options
    this.#registry = options.registry
  }

  /** Whether a request may be for others; cheap, and without a look at what it names. */
  mayTake(url: string): boolean {
    return streamingPath.test(url) || this.#options.aggregator.serves(url)
  }

  takes(url: string, path: ResourcePath | undefined): boolean {
    if (this.#options.aggregator.serves(url)) return true
    return path !== undefined && (streaming.has(path.subresource) || isProxied(path))
  }

  /** Throws ApiError before anything is sent. */
  async serve(raw: FullRequest, reply: FullReply, request: PassedRequest): Promise<void> {
    try {
      await this.#serve(raw, reply, request)
    } catch (error) {
      // What has begun cannot become a Status any more: it is cut off.
      if (!reply.headersSent) throw error
      this.#options.log.warn({ err: error }, 'stream broke off')
      reply.destroy()
    }
  }

  async #serve(raw: FullRequest, reply: FullReply, request: PassedRequest): Promise<void> {
    if (this.#options.aggregator.serves(raw.url ?? '/')) {
      requirePlainPath(raw.url ?? '/')
      requireAuthorized(this.#registry.authorizer, request.user, request.wanted)
      return this.#options.aggregator.serve(raw, reply, request.user)
    }
    if (request.path !== undefined && isProxied(request.path))
      return (await this.#proxyFor(raw, request)).serve(raw, reply, request.path)
    const [stream, target] = await this.#streamTarget(request, raw.method ?? 'GET')
    if (stream.serve === undefined) throw apiError('BadRequest', 'Upgrade request required')
    return stream.serve(target, raw, reply)
  }

  /** A request with `Connection: Upgrade`. Throws ApiError before anything is sent. */
  async upgrade(raw: IncomingMessage, client: { socket: Duplex; head: Buffer }, request: PassedRequest): Promise<void> {
    const { path, user, wanted } = request
    const url = raw.url ?? '/'
    if (this.#options.aggregator.serves(url)) {
      requirePlainPath(url)
      requireAuthorized(this.#registry.authorizer, user, wanted)
      return this.#options.aggregator.upgrade(raw, client, user)
    }
    if (path !== undefined && isProxied(path)) return (await this.#proxyFor(raw, request)).upgrade(raw, client, path)
    if (path === undefined || !streaming.has(path.subresource))
      throw apiError('BadRequest', `${url.split('?', 1)[0]} cannot be upgraded`)
    const [stream, target] = await this.#streamTarget(request, raw.method ?? 'GET')
    if (stream.upgrade === undefined) throw apiError('BadRequest', `${path.subresource} cannot be upgraded`)
    await stream.upgrade(target, raw, client.socket, client.head)
  }

  /** Asks whether the request may be made at all: authorization, then admission (operation CONNECT). */
  async #proxyFor(raw: FullRequest, { path, user, wanted }: PassedRequest): Promise<SubresourceProxy> {
    requireAuthorized(this.#registry.authorizer, user, wanted)
    if (path === undefined) throw apiError('NotFound', 'the server could not find the requested resource', {})
    const kind = kindOf(this.#registry, path)
    if (!kind.subresources.includes('proxy'))
      throw apiError('NotFound', 'the server could not find the requested resource', {})
    if (!proxyMethods.has(raw.method ?? 'GET'))
      throw apiError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
    const { splitProxyPath } = await import('../proxy/subresource-proxy.ts')
    const { rest } = splitProxyPath((raw.url ?? '/').split('?', 1)[0] ?? '/')
    const query = new URLSearchParams(rest === '' ? {} : { path: rest })
    await admitConnect(this.#registry, { ...path, kind }, query, streamContext(user))
    return this.#options.proxy()
  }

  /** Who may use which stream of which pod; the pod and its node as they are stored. */
  async #streamTarget(
    { path, query, user }: PassedRequest,
    method: string,
  ): Promise<[StreamingSubresource, StreamTarget]> {
    if (path === undefined) throw apiError('NotFound', 'the server could not find the requested resource', {})
    // Running a command changes things, whatever the method that opens the stream.
    const verb = path.subresource === 'log' ? 'get' : 'create'
    requireAuthorized(this.#registry.authorizer, user, requestAttributes(verb, path, undefined))
    const kind = kindOf(this.#registry, path)
    const isServed = kind.subresources.includes(path.subresource)
    if (isServed) await admitConnect(this.#registry, { ...path, kind }, query, streamContext(user))
    const streams = isServed ? await this.#options.streams() : []
    const stream = streams.find(candidate => candidate.name === path.subresource)
    if (stream === undefined) throw apiError('NotFound', 'the server could not find the requested resource', {})
    if (!stream.methods.includes(method))
      throw apiError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
    const object = this.#registry.reader.get('', 'pods', path.namespace, path.name)
    if (object === undefined) throw notFound(kind, path.name)
    const nodeName = (object['spec'] as { nodeName?: string } | undefined)?.nodeName ?? ''
    const node = nodeName === '' ? undefined : this.#registry.reader.get('', 'nodes', '', nodeName)
    return [stream, { user, object, node, query }]
  }
}
