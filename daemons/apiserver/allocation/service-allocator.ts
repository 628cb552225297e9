import type { Service } from 'kubernetes-types/core/v1.js'
import { isIPv4 } from 'node:net'
import { apiError } from '../../../kube/status.ts'
import type { Draft } from '../kinds/draft.ts'
import { invalid } from '../kinds/field-error.ts'
import type { FieldError } from '../kinds/kind.ts'
import { needsClusterIp, needsHealthCheckPort, needsNodePort } from '../kinds/service-update.ts'
import type { NumberPool } from './number-pool.ts'
import { ipv4ToNumber, nodePortPool, numberToIpv4, serviceIpPool } from './service-ranges.ts'

type Row = Draft<Service>
type Spec = NonNullable<Row['spec']>

/** What one write took, and what it no longer needs: exactly one of the two is given back, by the write's outcome. */
export interface Allocation {
  takenIps: number[]
  takenPorts: number[]
  obsoleteIps: number[]
  obsoletePorts: number[]
}

export interface AllocatorOptions {
  serviceClusterIpRange: string
  serviceNodePortRange: string
  random?: () => number
}

/** The address a Service holds; undefined for none, for headless ones, and for those of another family. */
const heldIp = (spec: Spec | undefined): number | undefined => {
  const text = spec?.clusterIP || spec?.clusterIPs?.[0]
  return needsClusterIp(spec) && text && isIPv4(text) ? ipv4ToNumber(text) : undefined
}

const heldPorts = (spec: Spec | undefined): number[] => {
  const ports =
    needsNodePort(spec) || spec?.type === 'LoadBalancer' ? (spec?.ports ?? []).map(p => p.nodePort ?? 0) : []
  if (needsHealthCheckPort(spec)) ports.push(spec?.healthCheckNodePort ?? 0)
  return [...new Set(ports.filter(port => port > 0))]
}

/** Gives Services their cluster addresses and node ports, in the words of upstream's errors. */
export class ServiceAllocator {
  readonly #ips: NumberPool
  readonly #ports: NumberPool
  readonly #ipRange: string
  readonly #portRange: string

  /** Throws SkiffError INVALID_INPUT or NOT_IMPLEMENTED on a range it cannot serve. */
  constructor({ serviceClusterIpRange, serviceNodePortRange, random }: AllocatorOptions) {
    this.#ipRange = serviceClusterIpRange
    this.#portRange = serviceNodePortRange
    this.#ips = serviceIpPool(serviceClusterIpRange, random)
    this.#ports = nodePortPool(serviceNodePortRange, random)
  }

  /** Starts over from what the stored Services hold. */
  rebuild(services: readonly Row[]): void {
    this.#ips.clear()
    this.#ports.clear()
    for (const { spec } of services) {
      const ip = heldIp(spec)
      if (ip !== undefined) this.#ips.take(ip)
      for (const port of heldPorts(spec)) this.#ports.take(port)
    }
  }

  /**
   * Fills in what `service` lacks, in place. With errors, what was taken so far has been given back.
   * Throws ApiError InternalError when a range is used up.
   */
  allocate(service: Row, old: Row | undefined): { allocation: Allocation; errors: FieldError[] } {
    const allocation: Allocation = { takenIps: [], takenPorts: [], obsoleteIps: [], obsoletePorts: [] }
    const spec = (service.spec ??= {})
    try {
      const errors = [
        ...this.#allocateIp(spec, old?.spec, allocation),
        ...this.#allocatePorts(spec, old?.spec, allocation),
      ]
      if (errors.length > 0) this.settle(allocation, false)
      return { allocation, errors }
    } catch (error) {
      this.settle(allocation, false)
      throw error
    }
  }

  /** Gives back what the write no longer needs, or, where it failed, what it took. */
  settle(allocation: Allocation, committed: boolean): void {
    for (const ip of committed ? allocation.obsoleteIps : allocation.takenIps) this.#ips.release(ip)
    for (const port of committed ? allocation.obsoletePorts : allocation.takenPorts) this.#ports.release(port)
  }

  /** A Service that is gone. */
  release({ spec }: Row): void {
    const ip = heldIp(spec)
    if (ip !== undefined) this.#ips.release(ip)
    for (const port of heldPorts(spec)) this.#ports.release(port)
  }

  #allocateIp(spec: Spec, before: Spec | undefined, allocation: Allocation): FieldError[] {
    const held = heldIp(before)
    if (!needsClusterIp(spec)) {
      if (held !== undefined) allocation.obsoleteIps.push(held)
      return []
    }
    const wanted = spec.clusterIP || spec.clusterIPs?.[0]
    if (wanted === 'None') return []
    const errors = familyErrors(spec)
    if (errors.length > 0) return errors
    if (!wanted) {
      const ip = this.#ips.takeAny()
      if (ip === undefined) throw apiError('InternalError', 'failed to allocate a serviceIP: range is full')
      allocation.takenIps.push(ip)
      spec.clusterIP = numberToIpv4(ip)
      spec.clusterIPs = [spec.clusterIP]
      return []
    }
    // What is no address is named by validation, and an address that changed too.
    if (!isIPv4(wanted) || held !== undefined) return []
    const ip = ipv4ToNumber(wanted)
    const refuse = (why: string) => [invalid('spec.clusterIPs', [wanted], `failed to allocate IP ${wanted}: ${why}`)]
    if (!this.#ips.includes(ip))
      return refuse(`the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${this.#ipRange}`)
    if (!this.#ips.take(ip)) return refuse('provided IP is already allocated')
    allocation.takenIps.push(ip)
    return []
  }

  #allocatePorts(spec: Spec, before: Spec | undefined, allocation: Allocation): FieldError[] {
    const held = new Set(heldPorts(before))
    const errors: FieldError[] = []
    const mine = new Set<number>()
    const ask = (port: number, path: string): void => {
      const known = held.has(port) || mine.has(port)
      mine.add(port)
      // One number may serve a TCP and a UDP port of the same Service.
      if (known) return
      const error = this.#takePort(port, path, allocation)
      if (error !== undefined) errors.push(error)
    }
    // Those who name a port come first: what is chosen at random must not meet them.
    const ports = needsNodePort(spec) ? (spec.ports ?? []) : []
    for (const [i, port] of ports.entries()) if (port.nodePort) ask(port.nodePort, `spec.ports[${i}].nodePort`)
    if (needsHealthCheckPort(spec) && spec.healthCheckNodePort)
      ask(spec.healthCheckNodePort, 'spec.healthCheckNodePort')
    if (errors.length > 0) return errors
    for (const port of ports) {
      if (port.nodePort) continue
      const twin = ports.find(p => p.nodePort && p.port === port.port && p.protocol !== port.protocol)?.nodePort
      const shared = twin && !ports.some(p => p.nodePort === twin && p.protocol === port.protocol) ? twin : undefined
      port.nodePort = shared ?? this.#takeAnyPort(allocation)
      mine.add(port.nodePort)
    }
    if (needsHealthCheckPort(spec) && !spec.healthCheckNodePort) {
      spec.healthCheckNodePort = this.#takeAnyPort(allocation)
      mine.add(spec.healthCheckNodePort)
    }
    allocation.obsoletePorts.push(...[...held].filter(port => !mine.has(port)))
    return []
  }

  #takePort(port: number, path: string, allocation: Allocation): FieldError | undefined {
    if (!this.#ports.includes(port))
      return invalid(
        path,
        port,
        `provided port is not in the valid range. The range of valid ports is ${this.#portRange}`,
      )
    if (!this.#ports.take(port)) return invalid(path, port, 'provided port is already allocated')
    allocation.takenPorts.push(port)
    return undefined
  }

  #takeAnyPort(allocation: Allocation): number {
    const port = this.#ports.takeAny()
    if (port === undefined) throw apiError('InternalError', 'failed to allocate a nodePort: range is full')
    allocation.takenPorts.push(port)
    return port
  }
}

/** Skiff's Services have IPv4 alone; only a headless one without selector may say otherwise, and never gets here. */
const familyErrors = (spec: Spec): FieldError[] => {
  const errors: FieldError[] = []
  for (const [i, family] of (spec.ipFamilies ?? []).entries())
    if (family === 'IPv6') errors.push(invalid(`spec.ipFamilies[${i}]`, family, 'not configured on this cluster'))
  if (spec.ipFamilyPolicy === 'RequireDualStack')
    errors.push(
      invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'),
    )
  return errors
}
