import { isIP } from 'node:net'
import type { Namespace, Pod, Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'

export interface NamedPort {
  /** '' for a port without a name. */
  name: string
  /** Lower case: `tcp`. */
  protocol: string
  port: number
}

export interface ServiceEntry {
  namespace: string
  name: string
  kind: 'cluster' | 'headless' | 'external'
  clusterIps: readonly string[]
  externalName: string
  ports: readonly NamedPort[]
}

export interface EndpointEntry {
  ip: string
  /** The endpoint's own hostname, '' for none. */
  hostname: string
  podName: string
  ports: readonly NamedPort[]
  /** `namespace/service`. */
  service: string
}

const portsOf = (
  ports: readonly { name?: string | undefined; protocol?: string | undefined; port?: number | undefined }[] | undefined,
): NamedPort[] =>
  (ports ?? []).flatMap(({ name, protocol, port }) =>
    port === undefined ? [] : [{ name: name ?? '', protocol: (protocol ?? 'TCP').toLowerCase(), port }],
  )

const keyOf = (object: { metadata?: { namespace?: string; name?: string } }): string =>
  `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`

/** A Service as DNS sees it. */
export const serviceEntry = (service: Service): ServiceEntry => {
  const { spec, metadata } = service
  const ips = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP])
  const usable = ips.filter(ip => isIP(ip) !== 0)
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    kind:
      spec?.type === 'ExternalName' ? 'external' : ips.includes('None') || usable.length === 0 ? 'headless' : 'cluster',
    clusterIps: usable,
    externalName: spec?.externalName ?? '',
    ports: portsOf(spec?.ports),
  }
}

/** The ready endpoints of a slice. Where a Service publishes unready addresses, its slices say that they are ready. */
export const endpointEntries = (slice: EndpointSlice): EndpointEntry[] => {
  const owner = slice.metadata?.labels?.['kubernetes.io/service-name']
  if (owner === undefined || slice.addressType === 'FQDN') return []
  const ports = portsOf(slice.ports)
  return slice.endpoints
    .filter(endpoint => endpoint.conditions?.ready !== false)
    .flatMap(endpoint =>
      endpoint.addresses.map(ip => ({
        ip,
        hostname: endpoint.hostname ?? '',
        podName: endpoint.targetRef?.kind === 'Pod' ? (endpoint.targetRef.name ?? '') : '',
        ports,
        service: `${slice.metadata?.namespace ?? ''}/${owner}`,
      })),
    )
}

/** Values under a key, each belonging to an owner that can take all of its own back. */
class OwnedMap<V> {
  readonly #byKey = new Map<string, Map<string, V[]>>()
  readonly #keysOf = new Map<string, Set<string>>()
  replace(owner: string, values: readonly (readonly [key: string, value: V])[]): void {
    for (const key of this.#keysOf.get(owner) ?? []) {
      const owners = this.#byKey.get(key)
      owners?.delete(owner)
      if (owners?.size === 0) this.#byKey.delete(key)
    }
    this.#keysOf.delete(owner)
    if (values.length === 0) return
    this.#keysOf.set(owner, new Set(values.map(([key]) => key)))
    for (const [key, value] of values) {
      const owners = this.#byKey.get(key) ?? new Map<string, V[]>()
      this.#byKey.set(key, owners)
      const list = owners.get(owner)
      if (list === undefined) owners.set(owner, [value])
      else list.push(value)
    }
  }
  get(key: string): V[] {
    return [...(this.#byKey.get(key)?.values() ?? [])].flat()
  }
}

/**
 * What DNS answers from, changed object by object as events come in, so that a question costs a few map look-ups
 * whatever the size of the cluster. `generation` moves with every change that an answer could depend on.
 */
export class ClusterIndex {
  generation = 1
  readonly #namespaces = new Set<string>()
  readonly #services = new Map<string, ServiceEntry>()
  readonly #serviceText = new Map<string, string>()
  readonly #sliceText = new Map<string, string>()
  readonly #servicesByIp = new OwnedMap<string>()
  readonly #endpoints = new OwnedMap<EndpointEntry>()
  readonly #endpointsByIp = new OwnedMap<EndpointEntry>()
  readonly #podsByIp = new OwnedMap<string>()

  setNamespace(namespace: Namespace): void {
    const name = namespace.metadata?.name ?? ''
    if (!this.#namespaces.has(name)) this.generation++
    this.#namespaces.add(name)
  }
  removeNamespace(namespace: Namespace): void {
    if (this.#namespaces.delete(namespace.metadata?.name ?? '')) this.generation++
  }
  setService(service: Service): void {
    const entry = serviceEntry(service)
    const key = keyOf(service)
    // Most updates (status, annotations) change nothing that DNS says: they must not empty the caches.
    const text = JSON.stringify(entry)
    if (this.#serviceText.get(key) === text) return
    this.#serviceText.set(key, text)
    this.#services.set(key, entry)
    this.#servicesByIp.replace(
      key,
      entry.clusterIps.map(ip => [ip, key] as const),
    )
    this.generation++
  }
  removeService(service: Service): void {
    const key = keyOf(service)
    if (!this.#services.delete(key)) return
    this.#serviceText.delete(key)
    this.#servicesByIp.replace(key, [])
    this.generation++
  }
  setSlice(slice: EndpointSlice): void {
    this.#replaceSlice(keyOf(slice), endpointEntries(slice))
  }
  removeSlice(slice: EndpointSlice): void {
    this.#replaceSlice(keyOf(slice), [])
  }
  setPod(pod: Pod): void {
    const ended = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'
    const ips = ended ? [] : (pod.status?.podIPs?.flatMap(({ ip }) => ip ?? []) ?? [])
    this.#podsByIp.replace(
      keyOf(pod),
      ips.map(ip => [ip, pod.metadata?.namespace ?? ''] as const),
    )
    this.generation++
  }
  removePod(pod: Pod): void {
    this.#podsByIp.replace(keyOf(pod), [])
    this.generation++
  }

  hasNamespace(name: string): boolean {
    return this.#namespaces.has(name)
  }
  service(namespace: string, name: string): ServiceEntry | undefined {
    return this.#services.get(`${namespace}/${name}`)
  }
  serviceByIp(ip: string): ServiceEntry | undefined {
    const key = this.#servicesByIp.get(ip)[0]
    return key === undefined ? undefined : this.#services.get(key)
  }
  /** Ready endpoints; one that stands in two slices (while it moves) is given once. */
  endpoints(service: ServiceEntry): EndpointEntry[] {
    const all = this.#endpoints.get(`${service.namespace}/${service.name}`)
    const seen = new Set<string>()
    return all.filter(entry => {
      const id = `${entry.ip} ${entry.hostname} ${entry.ports.map(port => `${port.name}/${port.protocol}/${port.port}`).join()}`
      return !seen.has(id) && seen.add(id)
    })
  }
  endpointsByIp(ip: string): EndpointEntry[] {
    return this.#endpointsByIp.get(ip)
  }
  podNamespaces(ip: string): string[] {
    return this.#podsByIp.get(ip)
  }

  #replaceSlice(key: string, entries: readonly EndpointEntry[]): void {
    const text = JSON.stringify(entries)
    if ((this.#sliceText.get(key) ?? '[]') === text) return
    if (entries.length === 0) this.#sliceText.delete(key)
    else this.#sliceText.set(key, text)
    this.#endpoints.replace(
      key,
      entries.map(entry => [entry.service, entry] as const),
    )
    this.#endpointsByIp.replace(
      key,
      entries.map(entry => [entry.ip, entry] as const),
    )
    this.generation++
  }
}
