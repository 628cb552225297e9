import { readFileSync } from 'node:fs'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import type { SchedulerMetrics } from './metrics.ts'
import type { SchedulerOptions } from './options.ts'

export interface HealthServer {
  /** The port it listens on. */
  port: number
  close(): Promise<void>
}

const readPem = (flag: string, file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--${flag} ${file}: ${messageOf(cause)}`, { cause })
  }
}

/** /healthz, /livez, /readyz and /metrics. Throws HOST_UNFIT when the address cannot be had. */
export const startHealthServer = async (
  options: SchedulerOptions,
  metrics: SchedulerMetrics,
  ready: () => boolean,
): Promise<HealthServer> => {
  const { fastify } = await import('fastify')
  const tls =
    options.tlsCertFile === ''
      ? null
      : {
          cert: readPem('tls-cert-file', options.tlsCertFile),
          key: readPem('tls-private-key-file', options.tlsPrivateKeyFile),
        }
  const app = fastify({ https: tls, forceCloseConnections: true })
  const ok = () => 'ok'
  app.get('/healthz', ok)
  app.get('/livez', ok)
  app.get('/readyz', (_request, reply) => (ready() ? 'ok' : reply.code(503).send('informers have not synced')))
  app.get('/metrics', async (_request, reply) => {
    await reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
  try {
    await app.listen({ host: options.bindAddress, port: options.securePort })
  } catch (cause) {
    throw new SkiffError(
      'HOST_UNFIT',
      `cannot listen on ${options.bindAddress}:${options.securePort}: ${messageOf(cause)}`,
      {
        cause,
        remedy: 'end what holds the port, or choose another with --secure-port',
      },
    )
  }
  const address = app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { port, close: () => app.close() }
}
