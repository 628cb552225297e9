import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { objectKey } from '../../kube/object.ts'
import { joinHostPort, parseIp, parsePort, type Ip, type Port } from './ip.ts'
import type { NodeView, PlanProblem } from './service-port-plan.ts'

/** One address and port out of a Service's EndpointSlices. */
export interface Endpoint {
  ip: Ip
  port: Port
  /** `10.244.0.3:8080` */
  address: string
  local: boolean
  ready: boolean
  serving: boolean
  terminating: boolean
  zoneHints: readonly string[]
  nodeHints: readonly string[]
}

/** `http/TCP`: a slice's port serves the Service port of the same name and protocol. */
export const portKey = (name: string, protocol: string): string => `${name}/${protocol.toUpperCase()}`

const names = (rows: unknown): string[] =>
  Array.isArray(rows) ? rows.flatMap(row => (typeof row?.name === 'string' ? [row.name as string] : [])) : []

/** The same address may stand in two slices while it moves from one to the other: the readier row counts. */
const merged = (a: Endpoint, b: Endpoint): Endpoint => {
  const better = !a.ready && (b.ready || (!a.serving && b.serving)) ? b : a
  return { ...better, local: a.local || b.local }
}

/**
 * All slices of one Service -> endpoints by port name and protocol, each list free of duplicates and sorted by
 * address, so that the same endpoints always give the same rules. Conditions that are not set mean ready and serving
 * (discovery/v1's own rule).
 */
export const endpointsByPort = (
  slices: readonly EndpointSlice[],
  node: NodeView,
): { byPort: Map<string, Endpoint[]>; problems: PlanProblem[] } => {
  const found = new Map<string, Map<string, Endpoint>>()
  const problems: PlanProblem[] = []
  const type = node.family === 'ip' ? 'IPv4' : 'IPv6'
  for (const slice of slices) {
    if (slice.addressType !== type) continue
    for (const row of slice.ports ?? []) {
      const port = parsePort(row.port)
      if (port === undefined) continue
      const key = portKey(row.name ?? '', row.protocol ?? 'TCP')
      const list = found.get(key) ?? new Map<string, Endpoint>()
      found.set(key, list)
      for (const endpoint of slice.endpoints ?? []) {
        // Consumers may use the first address alone (discovery/v1): all of one endpoint are interchangeable.
        const ip = parseIp(endpoint.addresses?.[0], node.family)
        if (ip === undefined) {
          const object = `EndpointSlice ${JSON.stringify(objectKey(slice))}`
          problems.push({ object, field: 'endpoints[].addresses', message: `no ${type} address` })
          continue
        }
        const ready = endpoint.conditions?.ready !== false
        const hints = (endpoint.hints ?? {}) as { forZones?: unknown; forNodes?: unknown }
        const entry: Endpoint = {
          ip,
          port,
          address: joinHostPort(ip, port),
          local: endpoint.nodeName !== undefined && endpoint.nodeName === node.nodeName,
          ready,
          serving: endpoint.conditions?.serving ?? ready,
          terminating: endpoint.conditions?.terminating === true,
          zoneHints: names(hints.forZones),
          nodeHints: names(hints.forNodes),
        }
        const known = list.get(entry.address)
        list.set(entry.address, known === undefined ? entry : merged(known, entry))
      }
    }
  }
  const byPort = new Map(
    [...found].map(([key, list]) => [
      key,
      [...list.values()].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0)),
    ]),
  )
  return { byPort, problems }
}
