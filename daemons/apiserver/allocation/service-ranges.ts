import { isIPv4 } from 'node:net'
import { SkiffError } from '../../../kube/errors.ts'
import { NumberPool } from './number-pool.ts'

export const ipv4ToNumber = (text: string): number => text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0)

export const numberToIpv4 = (value: number): string =>
  [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.')

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high)

/** Upstream: a sixteenth of the range, between 16 and 256 addresses; none of a range that is smaller than that. */
export const ipLowBand = (size: number): number => (size < 16 ? 0 : clamp(Math.floor(size / 16), 16, 256))

/** Upstream: a thirty-second of the range, between 16 and 128 ports. */
export const portLowBand = (size: number): number => (size < 16 ? 0 : clamp(Math.floor(size / 32), 16, 128))

/**
 * The addresses that Services may have in `10.96.0.0/16`: without the network's own and the broadcast one.
 * Throws SkiffError INVALID_INPUT, or NOT_IMPLEMENTED for an IPv6 or a second range.
 */
export const serviceIpPool = (range: string, random?: () => number): NumberPool => {
  if (range.includes(',') || range.includes(':'))
    throw new SkiffError('NOT_IMPLEMENTED', `--service-cluster-ip-range ${range}: Skiff serves one IPv4 range`, {
      remedy: 'give one IPv4 range, such as 10.96.0.0/16',
    })
  const [address = '', bits = ''] = range.split('/')
  const prefix = /^\d{1,2}$/.test(bits) ? Number(bits) : NaN
  if (!isIPv4(address) || !(prefix >= 8 && prefix <= 30))
    throw new SkiffError('INVALID_INPUT', `--service-cluster-ip-range: "${range}" is not an IPv4 range of /8 to /30`, {
      remedy: 'give one IPv4 range, such as 10.96.0.0/16',
    })
  const count = 2 ** (32 - prefix)
  const network = Math.floor(ipv4ToNumber(address) / count) * count
  return new NumberPool({ first: network + 1, size: count - 2, lowBand: ipLowBand(count), ...(random && { random }) })
}

/** `30000-32767`, both ends included. Throws SkiffError INVALID_INPUT. */
export const nodePortPool = (range: string, random?: () => number): NumberPool => {
  const [, from, to] = /^(\d{1,5})-(\d{1,5})$/.exec(range) ?? []
  const [first, last] = [Number(from), Number(to)]
  if (!(first >= 1 && last >= first && last <= 65535))
    throw new SkiffError('INVALID_INPUT', `--service-node-port-range: "${range}" is not a range of ports`, {
      remedy: 'give two ports, such as 30000-32767',
    })
  const size = last - first + 1
  return new NumberPool({ first, size, lowBand: portLowBand(size), ...(random && { random }) })
}
