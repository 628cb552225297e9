import { createSecureServer, type Http2SecureServer, type Http2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import { fastify, type FastifyReply, type RouteGenericInterface } from 'fastify'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import type { Answer } from './answer.ts'
import type { ApiHandler } from './api-handler.ts'
import { serveStreams } from './http2-streams.ts'
import { bodyLimit, statusAnswer } from './status-answer.ts'

export interface HttpServerOptions {
  handler: ApiHandler
  addresses: readonly string[]
  port: number
  /** PEM texts. */
  tls: {
    cert: string
    key: string
    /** Everybody who signs certificates that are shown to this server. */
    clientCa: readonly string[]
  }
}

export interface HttpServer {
  port: number
  /** Ends watches, lets answers finish for a moment, then closes every connection. */
  close(): Promise<void>
}

const empty = Buffer.alloc(0)
const bodiless = new Set(['GET', 'HEAD'])
/** Upstream's bound on a request. */
const bodyTimeoutMs = 60_000
/** How long requests under way may take while the server stops. */
const closeGraceMs = 2000

type Reply = FastifyReply<RouteGenericInterface, Http2SecureServer>

/** As bytes: to the type of a text the framework would add a charset. */
const send = (reply: Reply, { status, headers, body }: Answer): Reply =>
  reply
    .code(status)
    .headers(headers)
    .send(typeof body === 'string' ? Buffer.from(body) : body)

const listen = (server: Http2SecureServer, address: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', cause =>
      reject(
        new SkiffError('HOST_UNFIT', `cannot listen on ${address} port ${port}: ${messageOf(cause)}`, {
          cause,
          remedy: 'name another --secure-port or --bind-address, or stop what uses it',
        }),
      ),
    )
    server.listen({ host: address, port }, () => resolve((server.address() as AddressInfo).port))
  })

type Secure = ReturnType<typeof secureOptions>

const secureOptions = (tls: HttpServerOptions['tls']) => ({
  allowHTTP1: true,
  cert: tls.cert,
  key: tls.key,
  ca: [...tls.clientCa],
  requestCert: true,
  rejectUnauthorized: false,
  settings: { maxConcurrentStreams: 2000 },
})

// Not async: what fastify makes is a thenable, and to await it is to start it.
const makeApp = (handler: ApiHandler, secure: Secure) => {
  const app = fastify({
    http2: true,
    https: secure,
    bodyLimit,
    exposeHeadRoutes: false,
    // Idle connections carry watches: they are not to be closed for being quiet.
    http2SessionTimeout: 0,
    routerOptions: { querystringParser: () => ({}) },
    frameworkErrors: (error, _, reply) => void send(reply, statusAnswer(error)),
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body))
  app.setErrorHandler((error: Error, _, reply) => send(reply, statusAnswer(error)))
  app.addHook('onRequest', async (request, reply) => {
    const { 'content-length': length = '', 'transfer-encoding': coding } = request.headers
    const hasBody = (length !== '' && length !== '0') || coding !== undefined || !bodiless.has(request.method)
    if (!handler.passesOn(request.raw) && (!hasBody || handler.expectsBody(request.raw))) return
    const answer = await handler.handle(request.raw, reply.raw, empty)
    return answer === undefined
      ? reply.hijack()
      : send(request.raw.httpVersionMajor > 1 ? reply : reply.header('connection', 'close'), answer)
  })
  app.all('/*', async (request, reply) => {
    const body = Buffer.isBuffer(request.body) ? request.body : empty
    const answer = await handler.handle(request.raw, reply.raw, body)
    if (answer === undefined) return reply.hijack()
    return send(reply, answer)
  })
  return app
}

/** The connections of all servers, so that they can be ended. */
interface Connections {
  sockets: Set<Socket>
  sessions: Set<Http2Session>
}

const serveConnections = (servers: readonly Http2SecureServer[], handler: ApiHandler): Connections => {
  const sockets = new Set<Socket>()
  const sessions = new Set<Http2Session>()
  for (const server of servers) {
    server.on('secureConnection', socket => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    server.on('session', session => {
      sessions.add(session)
      session.once('close', () => sessions.delete(session))
    })
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void handler.upgrade(request, socket, head).catch(() => socket.destroy())
    })
  }
  return { sockets, sessions }
}

const closeServers = async (
  servers: readonly Http2SecureServer[],
  { sockets, sessions }: Connections,
  handler: ApiHandler,
): Promise<void> => {
  handler.endWatches()
  const closed = Promise.all(servers.map(server => new Promise<void>(resolve => server.close(() => resolve()))))
  for (const session of sessions) session.close()
  const grace = setTimeout(() => sockets.forEach(socket => socket.destroy()), closeGraceMs)
  await Promise.race([handler.idle(), closed])
  // What is answered is flushed; connections that only wait for their next request would never end by themselves.
  await new Promise<void>(resolve => setImmediate(resolve))
  for (const socket of sockets) socket.destroySoon()
  await closed
  clearTimeout(grace)
}

/**
 * HTTPS on every address, HTTP/2 and HTTP/1.1 on the same port. Client certificates are asked for and checked by the
 * TLS layer, but a connection without one is let in: health and version are for everybody.
 */
export const serveHttp = async ({ handler, addresses, port, tls }: HttpServerOptions): Promise<HttpServer> => {
  const secure = secureOptions(tls)
  const app = makeApp(handler, secure)
  await app.ready()
  const servers = [
    app.server,
    ...addresses.slice(1).map(() => createSecureServer(secure, (request, response) => app.routing(request, response))),
  ]
  for (const server of servers) serveStreams(server, handler, { bodyBytes: bodyLimit, bodyTimeoutMs })
  const connections = serveConnections(servers, handler)
  let bound = port
  for (const [index, server] of servers.entries()) bound = await listen(server, addresses[index] ?? '127.0.0.1', bound)
  return {
    port: bound,
    close: () => closeServers(servers, connections, handler),
  }
}
