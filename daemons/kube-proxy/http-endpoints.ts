import type { FastifyInstance } from 'fastify'
import { SkiffError, messageOf } from '../../kube/errors.ts'
import type { KubeProxyMetrics } from './metrics.ts'
import type { ProxyHealth } from './proxy-health.ts'

export interface Endpoint {
  /** Where it listens, with the port the kernel chose for port 0. */
  address: string
  close(): Promise<void>
}

/** `127.0.0.1:10256`, `[::1]:10256` or `:10256` (every address). */
export const parseBindAddress = (flag: string, text: string): { host: string; port: number } => {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535)
    throw new SkiffError('INVALID_INPUT', `--${flag}: ${JSON.stringify(text)} is not address:port`)
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port }
}

const listen = async (app: FastifyInstance, flag: string, text: string): Promise<Endpoint> => {
  try {
    const address = await app.listen(parseBindAddress(flag, text))
    return { address, close: () => app.close() }
  } catch (cause) {
    if (cause instanceof SkiffError) throw cause
    throw new SkiffError('HOST_UNFIT', `--${flag} ${text}: ${messageOf(cause)}`, {
      cause,
      remedy: 'free the port or name another',
    })
  }
}

// Imported here: the rules must not wait for an HTTP framework to load.
const newApp = async (): Promise<FastifyInstance> => (await import('fastify')).fastify({ forceCloseConnections: true })

/** /healthz: fit for new traffic; /livez: the proxy itself works. */
export const serveHealth = async (bindAddress: string, health: ProxyHealth): Promise<Endpoint> => {
  const app = await newApp()
  app.get('/healthz', (_request, reply) => {
    const { alive, body } = health.status()
    return reply.code(alive && body.nodeEligible ? 200 : 503).send(body)
  })
  app.get('/livez', (_request, reply) => {
    const { alive, body } = health.status()
    return reply.code(alive ? 200 : 503).send(body)
  })
  return listen(app, 'healthz-bind-address', bindAddress)
}

export interface MetricsServer {
  bindAddress: string
  metrics: KubeProxyMetrics
  mode: string
  config: unknown
}

export const serveMetrics = async ({ bindAddress, metrics, mode, config }: MetricsServer): Promise<Endpoint> => {
  const app = await newApp()
  app.get('/healthz', (_request, reply) => reply.type('text/plain').send('ok'))
  app.get('/proxyMode', (_request, reply) => reply.type('text/plain').send(mode))
  app.get('/configz', (_request, reply) => reply.send({ 'kubeproxy.config.k8s.io': config }))
  app.get('/metrics', async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
  return listen(app, 'metrics-bind-address', bindAddress)
}
