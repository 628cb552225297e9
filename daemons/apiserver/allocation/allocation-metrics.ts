import { Counter, Gauge, type Registry } from 'prom-client'
import { formatIp, parseIp } from '../../../kube/ip-address.ts'
import type { Store } from '../store/store.ts'
import { ipAddressPrefix, nodePortPrefix } from './service-claims.ts'
import { inRange, type PortRange } from './service-range.ts'
import type { ServiceRanges } from './service-ranges.ts'

/** What the repair loop found, in the words of upstream's metrics. */
export type RepairFinding = 'invalid' | 'outOfRange' | 'repair' | 'duplicate' | 'leak' | 'unknown'

const counter = (name: string, help: string, labelNames: readonly string[]) =>
  new Counter({ name, help, labelNames, registers: [] })

/** Counts addresses and ports given out, by upstream's names; how many there are is looked up when somebody asks. */
export class AllocationMetrics {
  readonly #addresses = counter('kube_apiserver_clusterip_allocator_allocation_total', 'Cluster IPs allocations.', [
    'cidr',
    'scope',
  ])
  readonly #addressErrors = counter(
    'kube_apiserver_clusterip_allocator_allocation_errors_total',
    'Errors trying to allocate Cluster IPs.',
    ['cidr', 'scope'],
  )
  readonly #ports = counter('kube_apiserver_nodeport_allocator_allocation_total', 'NodePort allocations.', ['scope'])
  readonly #portErrors = counter(
    'kube_apiserver_nodeport_allocator_allocation_errors_total',
    'Errors trying to allocate a NodePort.',
    ['scope'],
  )
  readonly #addressRepairs = counter(
    'apiserver_clusterip_repair_ip_errors_total',
    'ClusterIPs that the repair loop found wrong, by what was wrong.',
    ['type'],
  )
  readonly #portRepairs = counter(
    'apiserver_nodeport_repair_port_errors_total',
    'NodePorts that the repair loop found wrong, by what was wrong.',
    ['type'],
  )
  #look: { store: Store; ranges: ServiceRanges; ports: PortRange } | undefined

  /** Where the numbers are that are there. */
  watch(look: { store: Store; ranges: ServiceRanges; ports: PortRange }): void {
    this.#look = look
  }

  clusterIp(cidr: string, scope: string, taken: boolean): void {
    ;(taken ? this.#addresses : this.#addressErrors).inc({ cidr, scope })
  }

  nodePort(scope: string, taken: boolean): void {
    ;(taken ? this.#ports : this.#portErrors).inc({ scope })
  }

  repaired(what: 'clusterIp' | 'nodePort', type: RepairFinding): void {
    ;(what === 'clusterIp' ? this.#addressRepairs : this.#portRepairs).inc({ type })
  }

  addTo(register: Registry): void {
    const counters = [this.#addresses, this.#addressErrors, this.#ports, this.#portErrors, this.#addressRepairs, this.#portRepairs] // prettier-ignore
    for (const one of counters) register.registerMetric(one)
    this.#addGauge(register, 'clusterip_allocator_allocated_ips', 'allocated IPs for Services')
    this.#addGauge(register, 'clusterip_allocator_available_ips', 'available IPs for Services')
    this.#addGauge(register, 'nodeport_allocator_allocated_ports', 'allocated NodePorts')
    this.#addGauge(register, 'nodeport_allocator_available_ports', 'available NodePorts')
  }

  #addGauge(register: Registry, name: string, what: string): void {
    const labelNames = name.startsWith('clusterip') ? ['cidr'] : []
    const figures = () => this.#figures(name)
    new Gauge({
      name: `kube_apiserver_${name}`,
      help: `Number of ${what}.`,
      labelNames,
      registers: [register],
      collect() {
        this.reset()
        for (const { labels, value } of figures()) this.set(labels, value)
      },
    })
  }

  #figures(name: string): { labels: Record<string, string>; value: number }[] {
    if (this.#look === undefined) return []
    const { store, ranges, ports } = this.#look
    const available = name.includes('_available_')
    if (!name.startsWith('clusterip')) {
      const used = store.range({ prefix: nodePortPrefix }).entries.length
      return [{ labels: {}, value: available ? Math.max(0, ports.size - used) : used }]
    }
    const addresses = store
      .range({ prefix: ipAddressPrefix })
      .entries.map(({ key }) => formatIp(parseIp(key.slice(ipAddressPrefix.length))))
    return ranges.all.map(range => {
      const used = addresses.filter(address => inRange(range, address)).length
      return { labels: { cidr: range.cidr }, value: available ? Math.max(0, range.size - used) : used }
    })
  }
}
