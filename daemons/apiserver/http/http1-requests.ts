import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2SecureServer, Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { type Answer, bodyLength, wholeBody } from './answer.ts'
import type { StreamLimits } from './http2-streams.ts'
import { bodyTooLarge, statusAnswer } from './status-answer.ts'

type Request = IncomingMessage | Http2ServerRequest
type Response = ServerResponse | Http2ServerResponse
type Exchange = readonly [Request, Response]

/** What answers. `undefined`: it has taken the response, and answers on it as it likes. */
export interface RequestHandler {
  /** Whether somebody else answers: then nobody here reads the body. */
  passesOn(request: Request): boolean
  expectsBody(request: Request): boolean
  handle(request: Request, response: Response, body: Buffer): Promise<Answer | undefined>
}

const empty = Buffer.alloc(0)

const hasBody = ({ headers, method = '' }: Request): boolean => {
  const { 'content-length': length = '', 'transfer-encoding': coding } = headers
  return (length !== '' && length !== '0') || coding !== undefined || (method !== 'GET' && method !== 'HEAD')
}

/** Rejects with ApiError RequestEntityTooLarge; never settles for a client that goes away. */
const readBody = (request: Request, limits: StreamLimits): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > limits.bodyBytes) return reject(bodyTooLarge(limits.bodyBytes))
    const chunks: Buffer[] = []
    let bytes = 0
    // A client that pauses for too long gets no answer: it would not read one either.
    request.setTimeout(limits.bodyTimeoutMs, () => request.destroy())
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= limits.bodyBytes) return void chunks.push(chunk)
      request.removeAllListeners('data')
      request.resume()
      reject(bodyTooLarge(limits.bodyBytes))
    })
    request.once('end', () => {
      request.setTimeout(0)
      resolve(chunks.length === 1 ? (chunks[0] ?? empty) : Buffer.concat(chunks, bytes))
    })
  })

const send = ([request, response]: Exchange, answer: Answer, unread: boolean): void => {
  const { status, headers } = answer
  if (response.destroyed || response.headersSent) return
  response.statusCode = status
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (status !== 304) response.setHeader('content-length', bodyLength(answer))
  // A body that nobody reads would be taken for the next request.
  if (unread && request.httpVersionMajor === 1) response.setHeader('connection', 'close')
  if (request.method === 'HEAD' || status === 304 || status === 204) response.end()
  else response.end(wholeBody(answer))
}

const serve = async (exchange: Exchange, handler: RequestHandler, limits: StreamLimits): Promise<void> => {
  const [request, response] = exchange
  let answer: Answer | undefined
  let unread = hasBody(request)
  try {
    // A body from somebody who may not write is not waited for: the refusal is.
    const reads = unread && !handler.passesOn(request) && handler.expectsBody(request)
    const body = reads ? await readBody(request, limits) : empty
    if (reads) unread = false
    answer = await handler.handle(request, response, body)
  } catch (error) {
    answer = statusAnswer(error)
  }
  if (answer !== undefined) send(exchange, answer, unread)
}

/**
 * Answers what comes with a request and a response object: HTTP/1.1, and the streams of HTTP/2 that are left to Node's
 * compatibility layer.
 */
export const serveRequests = (server: Http2SecureServer, handler: RequestHandler, limits: StreamLimits): void => {
  server.on('request', (request, response) => {
    // A client that goes away is no failure of ours.
    response.on('error', () => {})
    void serve([request, response], handler, limits)
  })
}
