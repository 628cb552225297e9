import { type Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import type { Http2ServerRequest } from 'node:http2'
import { type Agent, request as httpsRequest } from 'node:https'
import type { Readable } from 'node:stream'
import { type FullReply, copyAnswer } from './copy-answer.ts'
import { joinSockets, type SocketEnd } from './join-sockets.ts'
import { type HeaderLists, passedHeaders } from './proxy-headers.ts'

export type FullRequest = IncomingMessage | Http2ServerRequest

/** Where a request is passed on to. */
export interface Backend {
  secure: boolean
  host: string
  port: number
  agent: Agent | HttpAgent
  /** `10.0.0.1:443`, for messages. */
  name: string
}

export interface ForwardedRequest {
  method: string
  /** With its query. */
  path: string
  headers: HeaderLists
}

/** What becomes of an answer before the client sees it. */
export interface AnswerHead {
  status: number
  headers: HeaderLists
  /** In place of the backend's own body. */
  body?: Readable | Buffer
}

const connectTimeoutMs = 10_000
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS'])

const hasBody = (from: FullRequest): boolean =>
  'stream' in from
    ? !from.stream.endAfterHeaders
    : from.headers['transfer-encoding'] !== undefined || Number(from.headers['content-length'] ?? 0) > 0

const open = ({ secure, host, port, agent }: Backend, { method, path, headers }: ForwardedRequest): ClientRequest => {
  // Node takes some headers as texts only (`host`, to begin with).
  const sent = Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )
  const options = { host, port, agent, method, path, headers: sent, setHost: false }
  const request = (secure ? httpsRequest : httpRequest)(options)
  const timer = setTimeout(
    () => request.destroy(Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' })),
    connectTimeoutMs,
  )
  const settled = () => clearTimeout(timer)
  request.once('socket', socket => {
    if (request.reusedSocket) settled()
    else socket.once(secure ? 'secureConnect' : 'connect', settled)
  })
  request.once('close', settled)
  return request
}

/** The answer of a backend that could be reached. Rejects with the socket's error. */
const answered = (
  { from, to }: { from: FullRequest; to: FullReply },
  backend: Backend,
  request: ForwardedRequest,
): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const attempt = (): void => {
      const sent = open(backend, request)
      to.once('close', () => sent.destroy())
      sent.once('response', resolve)
      sent.once('error', (error: NodeJS.ErrnoException) => {
        // A kept connection that was closed at that very moment: what changes nothing is asked again.
        if (sent.reusedSocket && error.code === 'ECONNRESET' && idempotent.has(request.method) && !hasBody(from))
          attempt()
        else reject(error)
      })
      if (hasBody(from)) from.pipe(sent)
      else sent.end()
    }
    attempt()
  })

const sendHead = (to: FullReply, { status, headers }: AnswerHead): void => {
  if ('stream' in to) to.writeHead(status, headers)
  else {
    to.writeHead(status, headers)
    to.flushHeaders()
  }
}

const bodiless = new Set([204, 304])

/**
 * Passes a request on and its answer back, both as they come. `rewrite` may change the answer. Rejects with the
 * socket's error while nothing has been answered.
 */
export const forwardRequest = async (
  client: { from: FullRequest; to: FullReply },
  backend: Backend,
  request: ForwardedRequest,
  rewrite?: (answer: AnswerHead, body: IncomingMessage) => AnswerHead | Promise<AnswerHead>,
): Promise<void> => {
  const { to } = client
  const response = await answered(client, backend, request)
  const plain: AnswerHead = { status: response.statusCode ?? 502, headers: passedHeaders(response) }
  const head = rewrite === undefined ? plain : await rewrite(plain, response)
  sendHead(to, head)
  if (request.method === 'HEAD' || bodiless.has(head.status)) {
    response.resume()
    to.end()
  } else if (Buffer.isBuffer(head.body)) {
    response.resume()
    to.end(head.body)
  } else await copyAnswer(head.body ?? response, to)
}

/** Status line and headers as they came. */
const rawHead = ({ statusCode, statusMessage, rawHeaders }: IncomingMessage, close: boolean): string => {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`]
  for (let i = 0; i + 1 < rawHeaders.length; i += 2)
    // A body that is not upgraded comes decoded, and ends with the connection.
    if (!close || !/^(transfer-encoding|connection|keep-alive)$/i.test(rawHeaders[i] ?? ''))
      lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  if (close) lines.push('Connection: close')
  return `${lines.join('\r\n')}\r\n\r\n`
}

/**
 * Passes on a request to switch protocols; after that, bytes both ways. An answer that does not switch is handed to
 * `refuse`, or passed back as it is. Rejects with the socket's error.
 */
export const forwardUpgrade = async (
  client: SocketEnd,
  backend: Backend,
  request: ForwardedRequest,
  {
    refuse,
    onError,
  }: {
    refuse?: (response: IncomingMessage) => Promise<void>
    onError?: (end: 'client' | 'server', error: unknown) => void
  } = {},
): Promise<void> => {
  const sent = open(backend, request)
  const hangUp = () => sent.destroy()
  client.socket.once('close', hangUp)
  sent.end()
  const answer = await new Promise<{ response: IncomingMessage; server?: SocketEnd }>((resolve, reject) => {
    sent.once('upgrade', (response, socket, head) => resolve({ response, server: { socket, head } }))
    sent.once('response', response => resolve({ response }))
    sent.once('error', reject)
  })
  if (answer.server !== undefined) {
    client.socket.off('close', hangUp)
    client.socket.write(rawHead(answer.response, false))
    return joinSockets(client, answer.server, onError)
  }
  if (refuse !== undefined) return refuse(answer.response)
  client.socket.write(rawHead(answer.response, true))
  answer.response.pipe(client.socket)
  await new Promise<void>(resolve => client.socket.once('close', resolve))
}
