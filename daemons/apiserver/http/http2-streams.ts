import type { Http2SecureServer, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { constants } from 'node:http2'
import type { Socket } from 'node:net'
import { ListPieces } from '../rest/list-pieces.ts'
import { type Answer, bodyLength } from './answer.ts'
import { bodyTooLarge, statusAnswer } from './status-answer.ts'

/** A request as it came on a stream of HTTP/2, with the names that Node's compatibility layer has for its parts. */
export interface StreamRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[]
  readonly stream: ServerHttp2Stream
  readonly socket: Socket
}

/** What answers. `undefined`: it has taken the stream, and answers on it as it likes. */
export interface StreamHandler {
  /** Whether a request is for `handle`; what is not goes through the compatibility layer. */
  answersWhole(url: string): boolean
  expectsBody(request: StreamRequest): boolean
  handle(request: StreamRequest, reply: { stream: ServerHttp2Stream }, body: Buffer): Promise<Answer | undefined>
}

export interface StreamLimits {
  bodyBytes: number
  /** How long a body may pause. */
  bodyTimeoutMs: number
}

const empty = Buffer.alloc(0)

/**
 * Rejects with ApiError RequestEntityTooLarge; never settles for a client that goes away. A body that is as long as it
 * was said to be leaves the stream paused before its end: Node destroys a stream as soon as both sides have ended, and
 * makes an error for the write that is still on its way then, which costs as much as reading the body.
 */
const readBody = ({ stream, headers }: StreamRequest, limits: StreamLimits): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    const said = Number(headers['content-length'])
    let bytes = 0
    let timed = false
    let whole = false
    const finish = (): void => {
      whole = true
      if (timed) stream.setTimeout(0)
      resolve(chunks.length === 1 ? (chunks[0] ?? empty) : Buffer.concat(chunks, bytes))
    }
    // Most bodies come whole: only what is still to come when a turn is over is worth a timer.
    setImmediate(() => {
      timed = !whole && !stream.destroyed
      if (timed) stream.setTimeout(limits.bodyTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL))
    })
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > limits.bodyBytes) {
        stream.removeAllListeners('data')
        stream.resume()
        return reject(bodyTooLarge(limits.bodyBytes))
      }
      chunks.push(chunk)
      if (bytes !== said) return
      stream.pause()
      finish()
    })
    stream.once('end', finish)
  })

/** One piece after the other, each when the one before is on its way. */
const sendPieces = (stream: ServerHttp2Stream, pieces: Iterator<Buffer>): void => {
  const next = (): void => {
    if (stream.destroyed || stream.closed) return
    const { value, done } = pieces.next()
    if (done === true) stream.end()
    else stream.write(value, next)
  }
  next()
}

/** Lets a paused stream end; one whose client leaves it open although it sent all it said it would is closed. */
const letEnd = (stream: ServerHttp2Stream): void => {
  stream.resume()
  setImmediate(() => {
    if (!stream.destroyed && !stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
  })
}

const send = (stream: ServerHttp2Stream, method: string, answer: Answer): void => {
  if (stream.destroyed || stream.closed) return
  const { status, headers, body } = answer
  const length = bodyLength(answer)
  const bodiless = method === 'HEAD' || status === 304 || status === 204
  const head = { ':status': status, ...headers, ...(status === 304 ? {} : { 'content-length': length }) }
  if (bodiless || length === 0) {
    stream.respond(head, { endStream: true })
    if (stream.isPaused()) letEnd(stream)
    return
  }
  stream.respond(head)
  if (stream.isPaused()) stream.once('finish', () => letEnd(stream))
  if (body instanceof ListPieces) sendPieces(stream, body[Symbol.iterator]())
  else stream.end(body)
}

const serve = async (request: StreamRequest, handler: StreamHandler, limits: StreamLimits): Promise<void> => {
  const { stream, method } = request
  let answer: Answer | undefined
  try {
    // A body from somebody who may not write is not waited for: the refusal is.
    const body = stream.endAfterHeaders || !handler.expectsBody(request) ? empty : await readBody(request, limits)
    answer = await handler.handle(request, { stream }, body)
  } catch (error) {
    answer = statusAnswer(error)
  }
  if (answer !== undefined) send(stream, method, answer)
  else if (stream.isPaused()) letEnd(stream)
}

/**
 * Takes HTTP/2's streams off the compatibility layer, whose request and response objects cost as much as all the rest
 * of a small answer (docs/adr/0010-http2-streams.md). HTTP/1.1 goes its own way, and so does what `answersWhole` leaves.
 */
export const serveStreams = (server: Http2SecureServer, handler: StreamHandler, limits: StreamLimits): void => {
  const compatibility = server.listeners('stream')
  server.removeAllListeners('stream')
  server.on('stream', (stream, headers, ...rest: unknown[]) => {
    const url = headers[':path'] ?? '/'
    const socket = stream.session?.socket
    if (socket === undefined || !handler.answersWhole(url)) {
      for (const listener of compatibility) listener.call(server, stream, headers, ...rest)
      return
    }
    // A client that resets its stream is no failure of ours.
    stream.on('error', () => {})
    const rawHeaders = Array.isArray(rest[1]) ? (rest[1] as string[]) : []
    const method = headers[':method'] ?? 'GET'
    void serve({ method, url, headers, rawHeaders, stream, socket }, handler, limits)
  })
}
