import { createSecureServer, type Http2SecureServer, type Http2Session } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { IncomingMessage } from 'node:http'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import type { ApiHandler } from './api-handler.ts'
import { serveRequests } from './http1-requests.ts'
import { serveStreams } from './http2-streams.ts'
import { bodyLimit } from './status-answer.ts'

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

/** Upstream's bound on a request. */
const bodyTimeoutMs = 60_000
const keepAliveMs = 100_000
/** How long requests under way may take while the server stops. */
const closeGraceMs = 2000

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

const secureOptions = (tls: HttpServerOptions['tls']) => ({
  allowHTTP1: true,
  cert: tls.cert,
  key: tls.key,
  ca: [...tls.clientCa],
  requestCert: true,
  rejectUnauthorized: false,
  settings: { maxConcurrentStreams: 2000 },
  // Of HTTP/1.1: longer than clients keep theirs, so that none sends a request as the connection closes.
  keepAliveTimeout: keepAliveMs,
})

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
  const servers = addresses.map(() => createSecureServer(secure))
  const limits = { bodyBytes: bodyLimit, bodyTimeoutMs }
  for (const server of servers) {
    serveRequests(server, handler, limits)
    serveStreams(server, handler, limits)
  }
  const connections = serveConnections(servers, handler)
  let bound = port
  try {
    for (const [index, server] of servers.entries())
      bound = await listen(server, addresses[index] ?? '127.0.0.1', bound)
  } catch (error) {
    // Those that have their address already would keep the process alive.
    for (const server of servers) server.close()
    throw error
  }
  return {
    port: bound,
    close: () => closeServers(servers, connections, handler),
  }
}
