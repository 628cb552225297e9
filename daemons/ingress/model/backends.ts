import type { Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import type { IngressBackend } from 'kubernetes-types/networking/v1.js'
import { endpointsByPort, portKey } from '../../../proxy/model/endpoints.ts'
import { usableEndpoints } from '../../../proxy/model/usable-endpoints.ts'
import type { Upstream } from './ingress-config.ts'

/** Where Services and slices are looked up. */
export interface BackendSource {
  service(key: string): Service | undefined
  slices(serviceKey: string): readonly EndpointSlice[]
}

export type BackendReading = { upstream: Upstream } | { wrong: string }

// Ingress traffic may come in on any node: no endpoint is nearer than another.
const nowhere = { family: 'ip' as const, nodeName: '', zone: '', nodeIps: [] }

/**
 * The endpoints behind a backend, asked directly: no detour over the ClusterIP, and nginx may choose by itself.
 * A Service that is missing or has no endpoint is no mistake of the Ingress: it answers 503 until there is one.
 */
export const readBackend = (namespace: string, backend: IngressBackend, source: BackendSource): BackendReading => {
  const { service: ref } = backend
  if (ref === undefined) return { wrong: 'backends other than Services are not built' }
  const key = `${namespace}/${ref.name}`
  const service = source.service(key)
  if (service === undefined) return { wrong: `there is no Service ${key}` }
  if (service.spec?.type === 'ExternalName') return { wrong: `Service ${key} is an ExternalName, which is not built` }
  const port = (service.spec?.ports ?? []).find(row =>
    ref.port?.name === undefined ? row.port === ref.port?.number : row.name === ref.port.name,
  )
  if (port === undefined)
    return { wrong: `Service ${key} has no port ${ref.port?.name ?? ref.port?.number ?? 'at all that was named'}` }
  const { byPort } = endpointsByPort(source.slices(key), nowhere)
  const endpoints = byPort.get(portKey(port.name ?? '', port.protocol ?? 'TCP')) ?? []
  return {
    upstream: {
      name: `${namespace}-${ref.name}-${port.port}`,
      servers: usableEndpoints(endpoints, nowhere).cluster.map(endpoint => endpoint.address),
    },
  }
}
