import { createServer, type Server } from 'node:http'
import type { ServicePortPlan } from '../../proxy/model/service-port-plan.ts'

interface Row {
  server: Server
  service: string
  localEndpoints: number
}

/** `namespace/name` out of a portal name. */
const serviceOf = (plan: ServicePortPlan): string => plan.name.split(':')[0] ?? plan.name

/**
 * spec.healthCheckNodePort: a load balancer asks each node whether it has endpoints of a Service whose
 * externalTrafficPolicy is Local, and sends nothing where the answer is 503.
 */
export class HealthCheckPorts {
  readonly #rows = new Map<number, Row>()
  readonly #onError: (port: number, error: unknown) => void
  readonly #eligible: () => boolean
  constructor(eligible: () => boolean, onError: (port: number, error: unknown) => void) {
    this.#eligible = eligible
    this.#onError = onError
  }

  /** Opens, updates and closes ports so that they fit the plans. */
  update(plans: readonly ServicePortPlan[]): void {
    const wanted = new Map<number, { service: string; endpoints: Set<string> }>()
    for (const plan of plans) {
      if (plan.healthCheckNodePort === undefined) continue
      const row = wanted.get(plan.healthCheckNodePort) ?? { service: serviceOf(plan), endpoints: new Set<string>() }
      for (const endpoint of plan.localEndpoints) row.endpoints.add(endpoint.ip)
      wanted.set(plan.healthCheckNodePort, row)
    }
    for (const [port, row] of this.#rows) {
      if (wanted.has(port)) continue
      row.server.close()
      this.#rows.delete(port)
    }
    for (const [port, { service, endpoints }] of wanted) {
      const row = this.#rows.get(port) ?? this.#open(port)
      row.service = service
      row.localEndpoints = endpoints.size
    }
  }

  #open(port: number): Row {
    const row: Row = { server: createServer(), service: '', localEndpoints: 0 }
    row.server.on('request', (_request, response) => {
      const [namespace = '', name = ''] = row.service.split('/')
      const healthy = row.localEndpoints > 0 && this.#eligible()
      response.writeHead(healthy ? 200 : 503, { 'content-type': 'application/json', connection: 'close' })
      const body = {
        service: { namespace, name },
        localEndpoints: row.localEndpoints,
        serviceProxyHealthy: this.#eligible(),
      }
      response.end(JSON.stringify(body))
    })
    row.server.on('error', error => {
      this.#rows.delete(port)
      this.#onError(port, error)
    })
    row.server.listen(port)
    this.#rows.set(port, row)
    return row
  }

  close(): void {
    this.update([])
  }
}
