import { SkiffError, messageOf } from '../../kube/errors.ts'
import type { IngressMetrics } from './metrics.ts'

export interface HttpEndpoint {
  address: string
  close(): Promise<void>
}

const parseBindAddress = (text: string): { host: string; port: number } => {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d+)$/.exec(text)
  if (match === null || Number(match[3]) > 65_535)
    throw new SkiffError('INVALID_INPUT', `--healthz-bind-address: ${JSON.stringify(text)} is not address:port`)
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port: Number(match[3]) }
}

/** /healthz says 200 while nginx runs with a configuration in force, /metrics what happened. */
export const serveHttp = async (
  bindAddress: string,
  parts: { healthy: () => boolean; metrics: IngressMetrics },
): Promise<HttpEndpoint> => {
  const where = parseBindAddress(bindAddress)
  // Imported here: nginx must not wait for an HTTP framework to load.
  const { fastify } = await import('fastify')
  const app = fastify({ forceCloseConnections: true })
  app.get('/healthz', (_request, reply) => {
    const healthy = parts.healthy()
    return reply
      .code(healthy ? 200 : 503)
      .type('text/plain')
      .send(healthy ? 'ok' : 'nginx is not in force')
  })
  app.get('/metrics', async (_request, reply) =>
    reply.type(parts.metrics.registry.contentType).send(await parts.metrics.registry.metrics()),
  )
  try {
    const address = await app.listen(where)
    return { address, close: () => app.close() }
  } catch (cause) {
    const text = `--healthz-bind-address ${bindAddress}: ${messageOf(cause)}`
    throw new SkiffError('HOST_UNFIT', text, { cause, remedy: 'free the port or name another' })
  }
}
