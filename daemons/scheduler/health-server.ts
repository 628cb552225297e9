import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
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

interface Answer {
  status: number
  body: string
  type?: string
}

const answerTo = async (path: string, metrics: SchedulerMetrics, ready: () => boolean): Promise<Answer> => {
  switch (path) {
    case '/healthz':
    case '/livez':
      return { status: 200, body: 'ok' }
    case '/readyz':
      return ready() ? { status: 200, body: 'ok' } : { status: 503, body: 'informers have not synced' }
    case '/metrics':
      return { status: 200, body: await metrics.registry.metrics(), type: metrics.registry.contentType }
    default:
      return { status: 404, body: `${path} is not served here` }
  }
}

const tlsOf = ({ tlsCertFile, tlsPrivateKeyFile }: SchedulerOptions) => ({
  cert: readPem('tls-cert-file', tlsCertFile),
  key: readPem('tls-private-key-file', tlsPrivateKeyFile),
})

/** /healthz, /livez, /readyz and /metrics. Throws HOST_UNFIT when the address cannot be had. */
export const startHealthServer = async (
  options: SchedulerOptions,
  metrics: SchedulerMetrics,
  ready: () => boolean,
): Promise<HealthServer> => {
  const serve: RequestListener = (request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/'
    answerTo(path, metrics, ready).then(
      ({ status, body, type = 'text/plain; charset=utf-8' }) =>
        response.writeHead(status, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(500).end(messageOf(error)),
    )
  }
  const server = options.tlsCertFile === '' ? createServer(serve) : createSecureServer(tlsOf(options), serve)
  const { bindAddress, securePort } = options
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause =>
      reject(
        new SkiffError('HOST_UNFIT', `cannot listen on ${bindAddress}:${securePort}: ${messageOf(cause)}`, {
          cause,
          remedy: 'end what holds the port, or choose another with --secure-port',
        }),
      ),
    )
    server.listen({ host: bindAddress, port: securePort }, resolve)
  })
  const { port } = server.address() as AddressInfo
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port, close }
}
