import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageOf, SkiffError } from '../../kube/errors.ts'
import type { WorkQueue } from '../../kube/client/work-queue.ts'

/** The figures of work queues in the text format of Prometheus, under upstream's names. */
export const renderMetrics = (queues: ReadonlyMap<string, WorkQueue>): string => {
  const rows = [
    { name: 'workqueue_adds_total', type: 'counter', help: 'Keys added.', of: (q: WorkQueue) => q.stats.adds },
    { name: 'workqueue_depth', type: 'gauge', help: 'Keys that wait.', of: (q: WorkQueue) => q.depth },
    {
      name: 'workqueue_retries_total',
      type: 'counter',
      help: 'Keys that failed.',
      of: (q: WorkQueue) => q.stats.retries,
    },
  ]
  const lines = rows.flatMap(({ name, type, help, of }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...[...queues].map(([queue, q]) => `${name}{name="${queue}"} ${of(q)}`),
  ])
  const durations = [
    {
      name: 'workqueue_work_duration_seconds',
      help: 'Time of work on a key.',
      of: (q: WorkQueue) => q.stats.workSeconds,
    },
    {
      name: 'workqueue_queue_duration_seconds',
      help: 'Time a key waited.',
      of: (q: WorkQueue) => q.stats.queueSeconds,
    },
  ]
  for (const { name, help, of } of durations)
    lines.push(
      `# HELP ${name} ${help}`,
      `# TYPE ${name} summary`,
      ...[...queues].flatMap(([queue, q]) => [
        `${name}_sum{name="${queue}"} ${of(q)}`,
        `${name}_count{name="${queue}"} ${q.stats.done}`,
      ]),
    )
  return `${lines.join('\n')}\n`
}

export interface HealthServer {
  port: number
  close(): Promise<void>
}

/** Serves /healthz, /livez, /readyz and /metrics. Throws SkiffError HOST_UNFIT when the port is taken. */
export const startHealthServer = async (
  where: { address: string; port: number },
  queues: ReadonlyMap<string, WorkQueue>,
): Promise<HealthServer> => {
  const server: Server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]
    const isHealth = path === '/healthz' || path === '/livez' || path === '/readyz'
    response.writeHead(isHealth || path === '/metrics' ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8' })
    response.end(isHealth ? 'ok' : path === '/metrics' ? renderMetrics(queues) : 'not found')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause =>
      reject(
        new SkiffError('HOST_UNFIT', `cannot listen on ${where.address}:${where.port}: ${messageOf(cause)}`, {
          cause,
          remedy: 'set --bind-address and --secure-port to an address that is free (0 serves nothing)',
        }),
      ),
    )
    server.listen(where.port, where.address, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
