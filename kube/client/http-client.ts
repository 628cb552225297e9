import type { IncomingHttpHeaders } from 'node:http'
import { constants, type ClientHttp2Stream } from 'node:http2'
import { messageOf, SkiffError } from '../errors.ts'
import type { KubeObject, ObjectList, WatchEvent } from '../object.ts'
import { apiVersionOf, pathOf, type Resource } from '../resource.ts'
import { ApiError, statusCodes, type Status, type StatusReason } from '../status.ts'
import type {
  DeleteOptions,
  KubeClient,
  ListOptions,
  PatchOptions,
  PatchType,
  ReadOptions,
  WatchOptions,
  WriteOptions,
} from './client.ts'
import { defaultTimeouts, Http2Session, type SessionTimeouts } from './http2-session.ts'
import type { ClientConfig } from './kubeconfig.ts'
import { LineDecoder } from './line-decoder.ts'

export interface HttpClientOptions {
  /** Its part before the slash names the manager of the fields that are written. */
  userAgent?: string
  /** Deadline of everything but watches. Default 60 s. */
  requestTimeoutMs?: number
  session?: Partial<SessionTimeouts>
}

const patchTypes: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

type Query = Record<string, string | number | boolean | undefined>

const withQuery = (path: string, query: Query): string => {
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query))
    if (value !== undefined && value !== '' && value !== false) search.set(key, String(value))
  const text = search.toString()
  return text === '' ? path : `${path}?${text}`
}

const writeQuery = (options: WriteOptions): Query => ({
  fieldManager: options.fieldManager,
  dryRun: options.dryRun === true ? 'All' : undefined,
})

const isStatus = (value: unknown): value is Status =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status' && 'code' in value

/** The failure a response carries; a body that is no Status (a proxy's page) becomes one by its HTTP code. */
export const failureOf = (code: number, body: string): ApiError => {
  try {
    const parsed: unknown = JSON.parse(body)
    if (isStatus(parsed)) return new ApiError(parsed)
  } catch {
    // Not JSON: answered below.
  }
  const reasons = Object.entries(statusCodes) as [StatusReason, number][]
  const reason = reasons.find(([, reasonCode]) => reasonCode === code)?.[0]
  const message = `the server answered ${code}${body === '' ? '' : `: ${body.slice(0, 500)}`}`
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    ...(reason === undefined ? {} : { reason }),
    code,
  })
}

/** One line of a watch. Throws ApiError for an ERROR event, SkiffError CORRUPT for what is no event. */
export const parseWatchLine = <T>(line: string): WatchEvent<T> => {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch (cause) {
    throw new SkiffError('CORRUPT', `a watch line is not JSON: ${line.slice(0, 200)}`, { cause })
  }
  const { type, object } = (typeof parsed === 'object' && parsed !== null ? parsed : {}) as {
    type?: unknown
    object?: unknown
  }
  if (type === 'ERROR') throw isStatus(object) ? new ApiError(object) : failureOf(500, line)
  const known = type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK'
  if (!known || typeof object !== 'object' || object === null)
    throw new SkiffError('CORRUPT', `a watch line is not an event: ${line.slice(0, 200)}`)
  return { type, object: object as T }
}

class HttpClient implements KubeClient {
  readonly #session: Http2Session
  readonly #headers: Record<string, string>
  readonly #timeoutMs: number

  constructor(config: ClientConfig, options: HttpClientOptions) {
    this.#session = new Http2Session(config, { ...defaultTimeouts, ...options.session })
    this.#timeoutMs = options.requestTimeoutMs ?? 60_000
    this.#headers = {
      accept: 'application/json',
      'user-agent': options.userAgent ?? 'skiff',
      ...(config.token === undefined ? {} : { authorization: `Bearer ${config.token}` }),
    }
  }

  close(): void {
    this.#session.close()
  }

  async get<T extends KubeObject>(resource: Resource<T>, name: string, options: ReadOptions = {}): Promise<T> {
    const path = pathOf(resource, { namespace: options.namespace, name })
    return this.#send<T>('GET', withQuery(path, { resourceVersion: options.resourceVersion }), options.signal)
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    const { namespace, signal, ...query } = options
    const list = await this.#send<ObjectList<T>>('GET', withQuery(pathOf(resource, { namespace }), query), signal)
    const apiVersion = apiVersionOf(resource)
    // Items of a typed list may come without their kind; events and owner references need it.
    for (const item of list.items) {
      item.apiVersion ??= apiVersion
      item.kind ??= resource.kind
    }
    return list
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { namespace, signal, ...query } = options
    const path = withQuery(pathOf(resource, { namespace }), { ...query, watch: true })
    const cancel = new AbortController()
    let stream: ClientHttp2Stream | undefined
    const stop = (reason: unknown): void => {
      cancel.abort(reason)
      stream?.close(constants.NGHTTP2_CANCEL)
    }
    const aborted = () => stop(signal.reason)
    // Only the beginning has a deadline; after that the connection's ping watches over a silent stream.
    const late = new SkiffError('TIMEOUT', `GET ${path}: no answer within ${this.#timeoutMs} ms`)
    const timer = setTimeout(() => stop(late), this.#timeoutMs)
    signal.addEventListener('abort', aborted, { once: true })
    try {
      signal.throwIfAborted()
      stream = await this.#open('GET', path, undefined)
      const code = await this.#responseCode(stream, cancel.signal)
      clearTimeout(timer)
      if (code !== 200) throw failureOf(code, (await this.#body(stream)).toString('utf8'))
      const lines = new LineDecoder()
      for await (const chunk of this.#chunks(stream))
        for (const line of lines.push(chunk)) yield parseWatchLine<T>(line)
      if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR || lines.pendingBytes > 0)
        throw this.#session.unavailable(new Error('the watch broke off'))
    } catch (error) {
      if (!signal.aborted) throw cancel.signal.aborted ? cancel.signal.reason : error
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
      stream?.close(constants.NGHTTP2_CANCEL)
    }
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const namespace = options.namespace ?? object.metadata?.namespace
    // POST goes to the collection, except to a subresource, which belongs to one object.
    const name = options.subresource === undefined ? undefined : (options.name ?? object.metadata?.name)
    const path = pathOf(resource, { namespace, name, subresource: options.subresource })
    return this.#send<T>('POST', withQuery(path, writeQuery(options)), options.signal, { body: object })
  }

  async update<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const namespace = options.namespace ?? object.metadata?.namespace
    const name = options.name ?? object.metadata?.name ?? ''
    const path = pathOf(resource, { namespace, name, subresource: options.subresource })
    return this.#send<T>('PUT', withQuery(path, writeQuery(options)), options.signal, { body: object })
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    name: string,
    patch: unknown,
    options: PatchOptions,
  ): Promise<T> {
    const path = pathOf(resource, { namespace: options.namespace, name, subresource: options.subresource })
    const query = { ...writeQuery(options), force: options.force }
    const contentType = patchTypes[options.type]
    return this.#send<T>('PATCH', withQuery(path, query), options.signal, { body: patch, contentType })
  }

  async delete<T extends KubeObject>(resource: Resource<T>, name: string, options: DeleteOptions = {}): Promise<void> {
    const { namespace, signal, ...fields } = options
    const body = { kind: 'DeleteOptions', apiVersion: 'v1', ...fields }
    await this.#send('DELETE', pathOf(resource, { namespace, name }), signal, { body })
  }

  /** One request and its whole answer, within the deadline. */
  async #send<T>(
    method: string,
    path: string,
    signal: AbortSignal | undefined,
    content?: { body: unknown; contentType?: string },
  ): Promise<T> {
    // Not AbortSignal.any and AbortSignal.timeout: each would outlive the request, by the caller's signal or its time.
    const cancel = new AbortController()
    let stream: ClientHttp2Stream | undefined
    const stop = (reason: unknown): void => {
      cancel.abort(reason)
      stream?.close(constants.NGHTTP2_CANCEL)
    }
    const aborted = () => stop(signal?.reason)
    const late = new SkiffError('TIMEOUT', `${method} ${path}: no answer within ${this.#timeoutMs} ms`)
    const timer = setTimeout(() => stop(late), this.#timeoutMs)
    signal?.addEventListener('abort', aborted, { once: true })
    try {
      signal?.throwIfAborted()
      stream = await this.#open(method, path, content)
      const code = await this.#responseCode(stream, cancel.signal)
      const body = (await this.#body(stream)).toString('utf8')
      if (code < 200 || code > 299) throw failureOf(code, body)
      return parseBody<T>(body, path)
    } catch (error) {
      throw cancel.signal.aborted ? cancel.signal.reason : error
    } finally {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
    }
  }

  async #open(
    method: string,
    path: string,
    content: { body: unknown; contentType?: string } | undefined,
  ): Promise<ClientHttp2Stream> {
    const headers: Record<string, string> = { ...this.#headers, ':method': method, ':path': path }
    if (content === undefined) return this.#session.request(headers, false)
    const body = Buffer.from(JSON.stringify(content.body))
    headers['content-type'] = content.contentType ?? 'application/json'
    headers['content-length'] = String(body.length)
    const stream = await this.#session.request(headers, true)
    stream.end(body)
    return stream
  }

  #responseCode(stream: ClientHttp2Stream, signal: AbortSignal): Promise<number> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        stream.close(constants.NGHTTP2_CANCEL)
        reject(signal.reason as Error)
      }
      if (signal.aborted) return stop()
      signal.addEventListener('abort', stop, { once: true })
      stream.once('response', (headers: IncomingHttpHeaders & { ':status'?: number }) => {
        signal.removeEventListener('abort', stop)
        resolve(headers[':status'] ?? 0)
      })
      stream.on('error', error => reject(this.#session.unavailable(error)))
      stream.once('close', () => {
        signal.removeEventListener('abort', stop)
        reject(this.#session.unavailable(new Error(`the stream was closed before an answer (${stream.rstCode})`)))
      })
    })
  }

  async *#chunks(stream: ClientHttp2Stream): AsyncIterable<Buffer> {
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk
    } catch (error) {
      throw this.#session.unavailable(error)
    }
  }

  async #body(stream: ClientHttp2Stream): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of this.#chunks(stream)) chunks.push(chunk)
    if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR)
      throw this.#session.unavailable(new Error('the answer broke off'))
    return Buffer.concat(chunks)
  }
}

const parseBody = <T>(body: string, path: string): T => {
  try {
    return JSON.parse(body) as T
  } catch (cause) {
    throw new SkiffError('CORRUPT', `${path}: the answer is not JSON: ${messageOf(cause)}`, { cause })
  }
}

/** A client of the API over one HTTP/2 connection (TLS unless the server's URL says http). */
export const createHttpClient = (
  config: ClientConfig,
  options: HttpClientOptions = {},
): KubeClient & { close(): void } => new HttpClient(config, options)
