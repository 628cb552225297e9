import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Logger } from 'pino'
import type { ContainerStreams } from '../../../host/container-engine.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { ApiError, apiError } from '../../../kube/status.ts'
import { servePortForward } from '../../../kube/streaming/port-forward/accept-port-forward.ts'
import { refuseUpgrade } from '../../../kube/streaming/upgrade.ts'
import type { ContainerView, KubeletView } from '../kubelet-view.ts'
import { callerOf, mayUse } from './authenticate.ts'
import { parseKubeletPath, type KubeletPath } from './kubelet-path.ts'
import { KubeletServerMetrics } from './kubelet-server-metrics.ts'
import { parseLogQuery } from './log-query.ts'
import { podList, runningPodList } from './pod-lists.ts'
import { serveAttach, serveExec } from './serve-command.ts'
import { serveLogs } from './serve-logs.ts'

export interface KubeletServerOptions {
  address: string
  /** 0 chooses a free one. */
  port: number
  /** PEM texts. */
  cert: string
  key: string
  clientCa: string
  view: KubeletView
  streams: ContainerStreams
  signal: AbortSignal
  log: Logger
  /** Common names that may use the API besides the group system:masters. */
  allowedNames?: readonly string[]
}

export interface KubeletServer {
  port: number
  /** Resolves when the signal has aborted and every connection is closed. */
  done: Promise<void>
}

/** Throws ApiError Unauthorized or Forbidden. */
const authorize = (request: IncomingMessage, allowed: readonly string[]): void => {
  const caller = callerOf(request.socket as TLSSocket)
  if (caller === undefined) throw apiError('Unauthorized', 'Unauthorized')
  if (!mayUse(caller, allowed))
    throw apiError('Forbidden', `Forbidden (user=${caller.name}, verb=get, resource=nodes, subresource=proxy)`)
}

const findContainer = (view: KubeletView, path: Exclude<KubeletPath, { kind: 'portForward' }>): ContainerView => {
  const { namespace, pod, uid, container } = path
  const found = view.container(namespace, pod, uid, container)
  if (found === undefined || !found.running) throw apiError('NotFound', `container not found ("${container}")`)
  return found
}

const findLogged = (view: KubeletView, path: Exclude<KubeletPath, { kind: 'portForward' }>, previous: boolean) => {
  const { namespace, pod, uid, container } = path
  const known = view.pods().find(p => p.metadata?.namespace === namespace && p.metadata?.name === pod)
  if (known === undefined) throw apiError('NotFound', `pod "${pod}" cannot be found - no logs available`)
  const found = previous
    ? view.previousContainer(namespace, pod, uid, container)
    : view.container(namespace, pod, uid, container)
  if (found !== undefined) return found
  throw apiError(
    'BadRequest',
    previous
      ? `previous terminated container "${container}" in pod "${pod}" not found`
      : `container "${container}" in pod "${pod}" is not available`,
  )
}

const toApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : apiError('InternalError', messageOf(error))

type Fastify = typeof import('fastify').fastify

// Not async: what fastify makes is a thenable, and to await it is to start it.
const makeApp = (fastify: Fastify, options: KubeletServerOptions) =>
  fastify({
    https: { cert: options.cert, key: options.key, ca: options.clientCa, requestCert: true, rejectUnauthorized: false },
    forceCloseConnections: true,
    // Errors are answered as plain text, in upstream's manner.
    exposeHeadRoutes: false,
  })

type App = ReturnType<typeof makeApp>

const addRoutes = (app: App, options: KubeletServerOptions, metrics: KubeletServerMetrics): void => {
  const { view, allowedNames = [] } = options
  app.addHook('onRequest', async request => {
    if (request.url.split('?')[0] !== '/healthz') authorize(request.raw, allowedNames)
  })
  app.setErrorHandler(async (error, _request, reply) => {
    const failure = toApiError(error)
    await reply.code(failure.code).type('text/plain; charset=utf-8').send(failure.message)
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain').send('404 page not found\n'))
  app.get('/healthz', (_request, reply) =>
    view.ready() ? reply.send('ok') : reply.code(500).send('the container engine does not answer'),
  )
  const pods = () => podList(view.pods())
  app.get('/pods', pods)
  app.get('/pods/', pods)
  app.get('/runningpods/', () => runningPodList(view))
  app.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()))
  addLogs(app, options, metrics)
  const needUpgrade = async () => {
    throw apiError('BadRequest', 'Upgrade request required')
  }
  for (const prefix of ['exec', 'attach', 'portForward'])
    app.route({ method: ['GET', 'POST'], url: `/${prefix}/*`, handler: needUpgrade })
}

const addLogs = (app: App, options: KubeletServerOptions, metrics: KubeletServerMetrics): void => {
  const { view, streams, signal } = options
  app.get('/containerLogs/*', async (request, reply) => {
    const url = new URL(request.url, 'https://kubelet')
    const path = parseKubeletPath(url.pathname)
    if (path?.kind !== 'logs') return reply.callNotFound()
    const query = parseLogQuery(url.searchParams, Date.now())
    const { id } = findLogged(view, path, query.previous)
    // From `take` on the raw response is serveLogs'; its failures before that are answered like any other.
    const take = (): ServerResponse => {
      reply.hijack()
      return reply.raw
    }
    await metrics.during('containerLogs', () => serveLogs(id, query, { streams, response: reply.raw, take, signal }))
    return reply
  })
}

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

const upgrader = (options: KubeletServerOptions, metrics: KubeletServerMetrics): Upgrade => {
  const { view, streams, signal, log, allowedNames = [] } = options
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    authorize(request, allowedNames)
    const url = new URL(request.url ?? '/', 'https://kubelet')
    const path = parseKubeletPath(url.pathname)
    if (path === undefined || path.kind === 'logs') throw apiError('NotFound', '404 page not found')
    if (path.kind === 'portForward') {
      const sandbox = view.sandboxId(path.namespace, path.pod)
      if (sandbox === undefined) throw apiError('NotFound', `pod not found ("${path.pod}_${path.namespace}")`)
      const dial = (port: number, stop: AbortSignal) => streams.connect(sandbox, port, stop)
      return metrics.during('portForward', () => servePortForward(request, socket, head, { dial, signal }))
    }
    const container = findContainer(view, path)
    const command = { request, socket, head, query: url.searchParams, container, streams, signal }
    return metrics.during(path.kind, () => (path.kind === 'exec' ? serveExec(command) : serveAttach(command)))
  }
  return (request, socket, head) => {
    socket.on('error', () => {})
    upgrade(request, socket, head).catch((error: unknown) => {
      // ApiErrors are thrown only while the socket still speaks HTTP.
      if (error instanceof ApiError) return refuseUpgrade(socket, error)
      log.warn({ err: messageOf(error), path: request.url }, 'stream failed')
      socket.destroy()
    })
  }
}

/** The node's HTTPS API: pods, logs, exec, attach, port-forward. Throws HOST_UNFIT when the address cannot be had. */
export const startKubeletServer = async (options: KubeletServerOptions): Promise<KubeletServer> => {
  const metrics = new KubeletServerMetrics()
  const { fastify } = await import('fastify')
  const app = makeApp(fastify, options)
  addRoutes(app, options, metrics)
  app.server.on('upgrade', upgrader(options, metrics))
  return listen(app, options)
}

const listen = async (app: App, { address, port, signal }: KubeletServerOptions): Promise<KubeletServer> => {
  try {
    await app.listen({ host: address, port })
  } catch (cause) {
    throw new SkiffError('HOST_UNFIT', `cannot listen on ${address}:${port}: ${messageOf(cause)}`, {
      cause,
      remedy: 'end what holds the port, or choose another with --port',
    })
  }
  const bound = app.server.address()
  const done = new Promise<void>((resolve, reject) => {
    const stop = () => app.close().then(resolve, reject)
    if (signal.aborted) void stop()
    else signal.addEventListener('abort', () => void stop(), { once: true })
  })
  return { port: typeof bound === 'object' && bound !== null ? bound.port : port, done }
}
