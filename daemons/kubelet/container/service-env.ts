import type { Service } from 'kubernetes-types/core/v1.js'

const variable = (name: string): string => name.toUpperCase().replaceAll('-', '_')

const variablesOf = (service: Service): [string, string][] => {
  const prefix = variable(service.metadata?.name ?? '')
  const ip = service.spec?.clusterIP ?? ''
  const ports = service.spec?.ports ?? []
  const first = ports[0]
  if (first === undefined) return []
  // A colon-less host in the URL of an IPv6 address would be ambiguous.
  const host = ip.includes(':') ? `[${ip}]` : ip
  const url = (port: number, protocol: string) => `${protocol.toLowerCase()}://${host}:${port}`
  return [
    [`${prefix}_SERVICE_HOST`, ip],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports.flatMap(({ name, port }): [string, string][] =>
      name === undefined || name === '' ? [] : [[`${prefix}_SERVICE_PORT_${variable(name)}`, String(port)]],
    ),
    [`${prefix}_PORT`, url(first.port, first.protocol ?? 'TCP')],
    ...ports.flatMap(({ port, protocol = 'TCP' }): [string, string][] => {
      const one = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
      return [
        [one, url(port, protocol)],
        [`${one}_PROTO`, protocol.toLowerCase()],
        [`${one}_PORT`, String(port)],
        [`${one}_ADDR`, ip],
      ]
    }),
  ]
}

/**
 * Docker-link variables of the Services a pod sees: its namespace's, and always `kubernetes` of the default one
 * (which alone is left when enableServiceLinks is false). Pure.
 */
export const serviceEnv = (
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean,
): Map<string, string> => {
  const usable = (s: Service) =>
    s.spec?.clusterIP !== undefined && s.spec.clusterIP !== '' && s.spec.clusterIP !== 'None'
  const master = (s: Service) => s.metadata?.namespace === 'default' && s.metadata.name === 'kubernetes'
  const own = (s: Service) => enableServiceLinks && s.metadata?.namespace === namespace
  // The pod's own namespace wins over the master service when both have the name.
  const seen = [...services.filter(s => master(s) && usable(s)), ...services.filter(s => own(s) && usable(s))]
  return new Map(seen.flatMap(variablesOf))
}
