import { SkiffError } from '../../../kube/errors.ts'
import {
  type Cidr,
  firstOf,
  formatIp,
  formatNetwork,
  type Ip,
  lastOf,
  parseCidr,
  parseIp,
} from '../../../kube/ip-address.ts'

export type IpFamily = 'IPv4' | 'IPv6'

/** Numbers from 0 to `size` - 1; the first `lowBand` are given out of their own accord only when nothing else is left. */
export interface Band {
  size: number
  lowBand: number
}

/** The addresses that Services may have in a CIDR: without the network's own and, in IPv4, the broadcast one. */
export interface AddressRange extends Band {
  /** `10.96.0.0/16` */
  cidr: string
  family: IpFamily
  first: bigint
  last: bigint
}

/** Both ends included. */
export interface PortRange extends Band {
  /** `30000-32767` */
  text: string
  first: number
  last: number
}

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high)

/** Upstream: a sixteenth of the range, between 16 and 256 addresses; none of a range that is smaller than that. */
export const ipLowBand = (size: number): number => (size < 16 ? 0 : clamp(Math.floor(size / 16), 16, 256))

/** Upstream: a thirty-second of the range, between 16 and 128 ports. */
export const portLowBand = (size: number): number => (size < 16 ? 0 : clamp(Math.floor(size / 32), 16, 128))

export const familyOf = ({ family }: Ip): IpFamily => (family === 4 ? 'IPv4' : 'IPv6')

/** What is counted exactly in a double; no cluster has more Services. */
const maxSize = 2 ** 52
/** As upstream's allocator: larger ranges are refused. */
const shortestPrefix = { IPv4: 8, IPv6: 64 }

/** Undefined for a CIDR that leaves no address, or is too large to be one of Services. */
export const rangeOf = (cidr: Cidr): AddressRange | undefined => {
  const family = familyOf(cidr.ip)
  const network = firstOf(cidr).value
  const last = family === 'IPv4' ? lastOf(cidr).value - 1n : lastOf(cidr).value
  if (cidr.prefix < shortestPrefix[family] || last <= network) return undefined
  const size = Math.min(Number(last - network), maxSize)
  const lowBand = Math.min(ipLowBand(Number(lastOf(cidr).value - network + 1n)), size)
  return { cidr: formatNetwork(cidr), family, first: network + 1n, last, size, lowBand }
}

/**
 * `10.96.0.0/16` or `10.96.0.0/16,fd00:96::/108`: at most one range a family, the first is the one of Services that do
 * not say. Throws SkiffError INVALID_INPUT.
 */
export const parseServiceRanges = (flag: string): [AddressRange, ...AddressRange[]] => {
  const refuse = (why: string, cause?: unknown) =>
    new SkiffError('INVALID_INPUT', `--service-cluster-ip-range ${JSON.stringify(flag)}: ${why}`, {
      ...(cause === undefined ? {} : { cause }),
      remedy: 'give one range, such as 10.96.0.0/16, or one of each family: 10.96.0.0/16,fd00:96::/108',
    })
  const ranges = flag.split(',').map(text => {
    let cidr: Cidr
    try {
      cidr = parseCidr(text.trim())
    } catch (cause) {
      throw refuse(`${JSON.stringify(text.trim())} is not a range`, cause)
    }
    const range = rangeOf(cidr)
    if (range === undefined || range.size < 2)
      throw refuse(`${text} must be an IPv4 range of /8 to /30, or IPv6 of /64 to /126`)
    return range
  })
  const [primary, secondary, ...more] = ranges
  if (primary === undefined || more.length > 0) throw refuse('two ranges at most')
  if (primary.family === secondary?.family) throw refuse('two ranges must be of different IP families')
  return secondary === undefined ? [primary] : [primary, secondary]
}

/** `30000-32767`, both ends included. Throws SkiffError INVALID_INPUT. */
export const parsePortRange = (text: string): PortRange => {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? []
  const [first, last] = [Number(from), Number(to)]
  if (!(first >= 1 && last >= first && last <= 65535))
    throw new SkiffError('INVALID_INPUT', `--service-node-port-range: "${text}" is not a range of ports`, {
      remedy: 'give two ports, such as 30000-32767',
    })
  const size = last - first + 1
  return { text, first, last, size, lowBand: portLowBand(size) }
}

export const addressAt = ({ first, family }: AddressRange, offset: number): string =>
  formatIp({ family: family === 'IPv4' ? 4 : 6, value: first + BigInt(offset) })

/** `address` is known to be one. */
export const inRange = ({ family, first, last }: AddressRange, address: string): boolean => {
  const ip = parseIp(address)
  return familyOf(ip) === family && ip.value >= first && ip.value <= last
}

/**
 * A number that is free, searched from a random one on: above the low band first, so that hand-chosen numbers (which
 * people choose low) seldom meet it; upstream's KEP-3070 and KEP-3668. Undefined: none is.
 */
export const chooseFree = (
  { size, lowBand }: Band,
  isFree: (offset: number) => boolean,
  random: () => number,
): number | undefined => {
  const search = (from: number, count: number): number | undefined => {
    const start = Math.floor(random() * count)
    for (let i = 0; i < count; i++) {
      const offset = from + ((start + i) % count)
      if (isFree(offset)) return offset
    }
    return undefined
  }
  return search(lowBand, size - lowBand) ?? search(0, lowBand)
}
