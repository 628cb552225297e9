import type { Store } from '../store/store.ts'
import type { AllocationMetrics } from './allocation-metrics.ts'
import { ipAddressKey, nodePortKey } from './service-claims.ts'
import { addressAt, chooseFree, inRange, type PortRange } from './service-range.ts'
import type { ServiceRanges } from './service-ranges.ts'

/** How a number was got, in the words of upstream's metrics. */
type Scope = 'static' | 'dynamic'

export interface NumberTakerOptions {
  store: Store
  ranges: ServiceRanges
  ports: PortRange
  metrics: AllocationMetrics
  random: () => number
}

/**
 * Which numbers are free: those without a record in the store that no write of this process is about to make one for.
 * What is taken here is only kept from others in this process; the record is what holds it.
 */
export class NumberTaker {
  readonly #options: NumberTakerOptions
  readonly #underWay = new Set<string>()

  constructor(options: NumberTakerOptions) {
    this.#options = options
  }

  #take(key: string): boolean {
    if (this.#underWay.has(key) || this.#options.store.get(key) !== undefined) return false
    this.#underWay.add(key)
    return true
  }

  /** The writes that took these are through, or failed. */
  settle(keys: Iterable<string>): void {
    for (const key of keys) this.#underWay.delete(key)
  }

  /** The address that was taken, or why none was. */
  address(family: string, wanted: string): { address: string; key: string } | { why: string } {
    const { ranges, metrics } = this.#options
    if (wanted !== '') {
      const range = ranges.ready.find(one => inRange(one, wanted))
      if (range === undefined) return { why: 'the provided network does not match the current range' }
      const key = ipAddressKey(wanted)
      const taken = this.#take(key)
      metrics.clusterIp(range.cidr, 'static', taken)
      return taken ? { address: wanted, key } : { why: 'provided IP is already allocated' }
    }
    for (const range of ranges.ready) {
      if (range.family !== family) continue
      const isFree = (offset: number) => this.#take(ipAddressKey(addressAt(range, offset)))
      const offset = chooseFree(range, isFree, this.#options.random)
      metrics.clusterIp(range.cidr, 'dynamic', offset !== undefined)
      if (offset === undefined) continue
      const address = addressAt(range, offset)
      return { address, key: ipAddressKey(address) }
    }
    return { why: 'range is full' }
  }

  /** `wanted` 0: any. */
  port(wanted: number): { port: number; key: string } | { why: string } {
    const { ports, random } = this.#options
    if (wanted !== 0) {
      if (wanted < ports.first || wanted > ports.last)
        return { why: `provided port is not in the valid range. The range of valid ports is ${ports.text}` }
      const key = nodePortKey(wanted)
      return this.#portTaken('static', this.#take(key))
        ? { port: wanted, key }
        : { why: 'provided port is already allocated' }
    }
    const offset = chooseFree(ports, at => this.#take(nodePortKey(ports.first + at)), random)
    if (!this.#portTaken('dynamic', offset !== undefined) || offset === undefined) return { why: 'range is full' }
    return { port: ports.first + offset, key: nodePortKey(ports.first + offset) }
  }

  #portTaken(scope: Scope, taken: boolean): boolean {
    this.#options.metrics.nodePort(scope, taken)
    return taken
  }
}
