import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import { apiError, type Status } from '../../../kube/status.ts'
import { anonymous, type UserInfo } from '../auth/user-info.ts'
import { type Attributes, requestAttributes } from '../auth/attributes.ts'
import type { FrontProxy } from '../auth/front-proxy.ts'
import { isAuthorized, requireAuthorized } from '../auth/authorizer.ts'
import { type Flow, type FlowController, TooManyRequests } from '../flowcontrol/flow-controller.ts'
import type { Kind } from '../kinds/kind.ts'
import type { Registry } from '../registry/registry.ts'
import { failureStatus } from '../rest/failure-status.ts'
import { handleRequest, streamViewOf } from '../rest/handle-request.ts'
import { contentTypes } from '../rest/negotiate.ts'
import type { View } from '../rest/represent.ts'
import { parseResourcePath, requireReadable, type ResourcePath, verbOf } from '../rest/resource-path.ts'
import { booleanOf, type RestRequest, timeoutSecondsOf, watchRequestOf } from '../rest/rest-request.ts'
import { verbsOf } from '../schema/endpoints.ts'
import { JsonLines, type WatchLines } from '../rest/watch-lines.ts'
import { type Answer, compressed, noCache, warningHeaders } from './answer.ts'
import { answerPath, type ServedPaths } from './answer-path.ts'
import { labelsOf, type RequestLabels } from './api-metrics.ts'
import type { StreamRequest } from './http2-streams.ts'
import { isLongRunning, kindOf, type PassedRequests } from './passed-requests.ts'
import type { PeerSocket } from './connection-user.ts'
import { failureAnswer, jsonFailure, tooManyRequests } from './failure-answer.ts'
import type { RequestHeaders } from './impersonation.ts'
import { type Authentication, userOfRequest } from './request-user.ts'
import { streamWatch, type WatchStreamOptions } from './watch-stream.ts'

type FullRequest = IncomingMessage | Http2ServerRequest
type FullReply = ServerResponse | Http2ServerResponse
/** Of HTTP/1.1, of HTTP/2's compatibility layer, or of one of its streams by itself. */
type RawRequest = FullRequest | StreamRequest
type RawReply = FullReply | { stream: ServerHttp2Stream }

export interface ApiHandlerOptions extends ServedPaths {
  registry: Registry
  /** What others answer. */
  passed: PassedRequests
  /** Who may be carried out now. */
  flow: FlowController
  /** Whether a request without credentials is answered at all. */
  anonymousAuth: boolean
  frontProxy: FrontProxy | undefined
  log: Logger
}

const noQuery = new URLSearchParams()

const connectionOf = (raw: RawRequest): { key: object; socket: PeerSocket } => {
  const session = 'stream' in raw ? raw.stream.session : undefined
  return { key: session ?? raw.socket, socket: raw.socket as TLSSocket }
}

const header = (raw: RawRequest, name: string): string | undefined => {
  const value = raw.headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}

class RawHeaders implements RequestHeaders {
  readonly #raw: RawRequest
  constructor(raw: RawRequest) {
    this.#raw = raw
  }
  get(name: string): string | undefined {
    return header(this.#raw, name)
  }
  all(name: string): string[] {
    const list: readonly string[] = this.#raw.rawHeaders
    return list.filter((_, index) => index % 2 === 1 && list[index - 1]?.toLowerCase() === name)
  }
  names(prefix: string): string[] {
    return Object.keys(this.#raw.headers).filter(name => name.startsWith(prefix))
  }
}

const split = (url: string): [string, URLSearchParams] => {
  const at = url.indexOf('?')
  return at < 0 ? [url, noQuery] : [url.slice(0, at), new URLSearchParams(url.slice(at + 1))]
}

const isWatch = (method: string, path: ResourcePath, query: URLSearchParams): boolean =>
  method === 'GET' && path.subresource === '' && query !== noQuery && (booleanOf(query, 'watch') ?? false)

/** What a request asks for, in the words of authorization. */
const attributesOf = (verb: string, path: ResourcePath | undefined, pathname: string, query: URLSearchParams) =>
  path === undefined
    ? ({ kind: 'path', verb, path: pathname } as const satisfies Attributes)
    : requestAttributes(verb, path, query === noQuery ? undefined : (query.get('fieldSelector') ?? undefined))

/** Upstream's random 30 to 60 minutes, so that the watches of a restarted server do not all come back at once. */
const watchTimeoutMs = (query: URLSearchParams): number => {
  const seconds = timeoutSecondsOf(query)
  return seconds === undefined || seconds <= 0 ? 1_800_000 * (1 + Math.random()) : seconds * 1000
}

/** What the client calls its request, or a name for it. */
const auditIdOf = (raw: RawRequest): string => header(raw, 'audit-id') || randomUUID()

/** Their tables are loaded by the first who asks for them. */
const protobufFrames = async (kind: Kind, view: View): Promise<WatchLines> => {
  const { ProtobufFrames } = await import('../rest/represent-protobuf.ts')
  return new ProtobufFrames(kind, view)
}

const isGone = (reply: RawReply): boolean => ('stream' in reply ? reply.stream : reply).destroyed

/** Everything the server answers, behind whatever listens. */
export class ApiHandler {
  readonly #options: ApiHandlerOptions
  readonly #registry: Registry
  readonly #passed: PassedRequests
  readonly #authentication: Authentication
  readonly #watches = new Set<{ end(): void }>()
  #inflight = 0
  #onIdle: (() => void)[] = []
  constructor(options: ApiHandlerOptions) {
    this.#options = options
    this.#registry = options.registry
    this.#passed = options.passed
    const { tokens, authorizer } = options.registry
    const { anonymousAuth, frontProxy } = options
    this.#authentication = { tokens, authorizer, anonymousAuth, frontProxy }
  }

  /** Ends every watch: clients take up again where they were. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end()
  }

  /** Resolves when no request is being carried out. */
  idle(): Promise<void> {
    return this.#inflight === 0 ? Promise.resolve() : new Promise(resolve => this.#onIdle.push(resolve))
  }

  /** Who asks, or for whom. Throws ApiError Unauthorized or Forbidden. */
  #userOf(raw: RawRequest): UserInfo {
    return userOfRequest(this.#authentication, connectionOf(raw), new RawHeaders(raw))
  }

  /** Whether the answer is one piece or a watch: what is passed on needs a request and a response with all their parts. */
  answersWhole(url: string): boolean {
    return !this.#passed.mayTake(url)
  }

  /** Whether somebody else answers: then nobody here reads the body. */
  passesOn({ url = '/' }: { url?: string | undefined }): boolean {
    return this.#passed.mayTake(url) && this.#passed.takes(url, parseResourcePath(split(url)[0]))
  }

  /** Whether a body is worth reading: who has no name may write only where a binding says so, however much they send. */
  expectsBody(raw: RawRequest): boolean {
    try {
      const user = this.#userOf(raw)
      if (user !== anonymous) return true
      const [pathname, query] = split(raw.url ?? '/')
      const path = parseResourcePath(pathname)
      const verb = path === undefined ? (raw.method ?? '').toLowerCase() : verbOf(raw.method ?? '', path, false)
      return isAuthorized(this.#registry.authorizer, user, attributesOf(verb, path, pathname, query))
    } catch {
      return false
    }
  }

  async handle(raw: RawRequest, reply: RawReply, body: Buffer): Promise<Answer | undefined> {
    const started = performance.now()
    const [pathname, query] = split(raw.url ?? '/')
    const method = raw.method ?? 'GET'
    const path = parseResourcePath(pathname)
    const verb = path === undefined ? method.toLowerCase() : verbOf(method, path, isWatch(method, path, query))
    const kind = path && this.#registry.kind(path.group, path.version, path.plural)
    const labels = labelsOf(verb, path, kind)
    const warnings: string[] = []
    let answer: Answer | undefined
    let flow: Flow | undefined
    let seated: Flow | undefined
    try {
      requireReadable(pathname)
      const user = this.#userOf(raw)
      const wanted = attributesOf(verb, path, pathname, query)
      const passes = 'httpVersion' in raw && 'writeHead' in reply && this.passesOn(raw)
      flow = this.#options.flow.classify(user, wanted)
      if (!passes || !isLongRunning(verb, path)) {
        requireAuthorized(this.#registry.authorizer, user, wanted)
        const waiting = this.#begin(flow, user, wanted, reply)
        if (waiting !== undefined) await waiting
        seated = flow
      }
      if (passes) {
        for (const [name, value] of Object.entries(flow.headers)) reply.setHeader(name, value)
        await this.#passed.serve(raw, reply, { path, query, user, wanted })
        this.#options.metrics.observe(labels, reply.statusCode, 0)
        return undefined
      }
      if (path === undefined) answer = await this.#answerPath(raw, method, { path: pathname, query })
      else {
        const request = this.#restRequest(raw, { path, query, user, body, warnings })
        if (verb === 'watch') {
          const view = streamViewOf(this.#registry, request)
          const lines =
            view.media === 'protobuf' ? await protobufFrames(request.kind, view) : this.#lines(request, view)
          // Its client may have gone while the tables were loaded.
          const more = { auditId: auditIdOf(raw), headers: flow.headers }
          if (!isGone(reply)) this.#watch(request, reply, { labels, lines, view, ...more })
          return undefined
        }
        answer = await this.#counted(method, () => this.#answerResource(request))
      }
      answer = await compressed(answer, header(raw, 'accept-encoding') ?? '')
    } catch (error) {
      answer = await this.#failure(error, raw, query)
      if (warnings.length > 0) answer.headers['warning'] = warningHeaders(warnings)
    } finally {
      if (seated !== undefined) this.#options.flow.end(seated)
    }
    if (flow !== undefined) Object.assign(answer.headers, flow.headers)
    answer.headers['audit-id'] = auditIdOf(raw)
    answer.headers['cache-control'] ??= noCache
    this.#options.metrics.observe(labels, answer.status, (performance.now() - started) / 1000)
    return answer
  }

  #statusOf(error: unknown): Status {
    const status = failureStatus(error)
    if (status.code === 500) this.#options.log.error({ err: error }, 'request failed')
    return status
  }

  #failure(error: unknown, raw: RawRequest, query: URLSearchParams): Promise<Answer> | Answer {
    if (error instanceof TooManyRequests) return tooManyRequests(error)
    const [accept, userAgent] = [header(raw, 'accept'), header(raw, 'user-agent')]
    return failureAnswer(this.#statusOf(error), { accept, query, userAgent })
  }

  #restRequest(
    raw: RawRequest,
    { path, ...rest }: Pick<RestRequest, 'path' | 'query' | 'user' | 'body' | 'warnings'>,
  ): RestRequest {
    return {
      method: raw.method ?? 'GET',
      path,
      kind: kindOf(this.#registry, path),
      accept: header(raw, 'accept'),
      contentType: header(raw, 'content-type'),
      userAgent: header(raw, 'user-agent'),
      ...rest,
    }
  }

  async #answerResource(request: RestRequest): Promise<Answer> {
    const { status, contentType, body, warnings } = await handleRequest(this.#registry, request)
    const headers: Answer['headers'] = { 'content-type': contentType }
    if (warnings.length > 0) headers['warning'] = warningHeaders(warnings)
    return { status, headers, body }
  }

  #answerPath(raw: RawRequest, method: string, { path, query }: { path: string; query: URLSearchParams }) {
    const accept = header(raw, 'accept') ?? ''
    return answerPath(this.#options, {
      method,
      path,
      query,
      accept,
      ifNoneMatch: header(raw, 'if-none-match'),
      ifModifiedSince: header(raw, 'if-modified-since'),
      userAgent: header(raw, 'user-agent'),
    })
  }

  /** Waits for its turn where there is no room (API Priority and Fairness). Rejects with TooManyRequests. */
  #begin(flow: Flow, user: UserInfo, wanted: Attributes, reply: RawReply): Promise<void> | undefined {
    const stream = 'stream' in reply ? reply.stream : reply
    return this.#options.flow.begin(flow, { user, wanted }, gone => stream.once('close', gone))
  }

  async #counted<T>(method: string, work: () => Promise<T>): Promise<T> {
    const { metrics } = this.#options
    const kind = method === 'GET' ? 'readOnly' : 'mutating'
    this.#inflight++
    metrics.inflight(kind, 1)
    try {
      return await work()
    } finally {
      this.#inflight--
      if (this.#inflight === 0) for (const resolve of this.#onIdle.splice(0)) resolve()
      metrics.inflight(kind, -1)
    }
  }

  #lines(request: RestRequest, view: View): WatchLines {
    return new JsonLines(request.kind, view, () => this.#registry.clock.now())
  }

  #watch(
    request: RestRequest,
    reply: RawReply,
    {
      labels,
      lines,
      view,
      ...answer
    }: { labels: RequestLabels; lines: WatchLines; view: View } & Pick<WatchStreamOptions, 'auditId' | 'headers'>,
  ): void {
    const { metrics } = this.#options
    const { kind, path, query } = request
    if (!verbsOf(kind).includes('watch'))
      throw apiError('MethodNotAllowed', 'the server does not allow this method on the requested resource')
    const eventLabels = { group: kind.group, version: kind.version, kind: kind.kind }
    const watch = streamWatch(this.#registry, reply, {
      target: { kind, namespace: path.namespace, name: path.name },
      request: watchRequestOf(query),
      lines,
      ...answer,
      contentType: view.media === 'json' ? contentTypes.json : `${contentTypes[view.media]};stream=watch`,
      timeoutMs: watchTimeoutMs(query),
      warnings: kind.deprecation === undefined ? [] : [kind.deprecation],
      onEvent: metrics.watchEvents(eventLabels),
    })
    this.#watches.add(watch)
    metrics.longRunning(labels, 1)
    void watch.done.then(() => {
      this.#watches.delete(watch)
      metrics.longRunning(labels, -1)
    })
  }

  /** A request with `Connection: Upgrade`. */
  async upgrade(raw: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy())
    try {
      const [pathname, query] = split(raw.url ?? '/')
      const user = this.#userOf(raw)
      const path = parseResourcePath(pathname)
      const method = raw.method ?? 'GET'
      const verb = path === undefined ? method.toLowerCase() : verbOf(method, path, isWatch(method, path, query))
      const wanted = attributesOf(verb, path, pathname, query)
      await this.#passed.upgrade(raw, { socket, head }, { path, query, user, wanted })
    } catch (error) {
      const { status, body } = jsonFailure(this.#statusOf(error))
      const text = String(body)
      if (socket.writable)
        socket.end(
          `HTTP/1.1 ${status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
        )
    }
  }
}
