import { isIPv4 } from 'node:net'
import { SkiffError } from './errors.ts'

/** An IPv4 range: its first address and prefix length. */
export interface Cidr4 {
  /** As an unsigned 32-bit number. */
  first: number
  prefix: number
}

/** `10.0.0.1` as an unsigned 32-bit number; INVALID_INPUT when it is no IPv4 address. */
export const ipv4ToNumber = (text: string): number => {
  if (!isIPv4(text)) throw new SkiffError('INVALID_INPUT', `${JSON.stringify(text)} is not an IPv4 address`)
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

export const numberToIpv4 = (value: number): string =>
  [24, 16, 8, 0].map(shift => Math.floor(value / 2 ** shift) % 256).join('.')

/** `10.96.0.0/16`; INVALID_INPUT when it is malformed or its address is not the first of the range. */
export const parseCidr4 = (text: string): Cidr4 => {
  const [address = '', length = '', ...rest] = text.split('/')
  const prefix = Number(length)
  if (rest.length > 0 || !/^\d{1,2}$/.test(length) || prefix > 32)
    throw new SkiffError('INVALID_INPUT', `${JSON.stringify(text)} is not an IPv4 range such as 10.96.0.0/16`)
  const first = ipv4ToNumber(address)
  if (first % 2 ** (32 - prefix) !== 0)
    throw new SkiffError('INVALID_INPUT', `${text}: ${address} is not the first address of a /${prefix}`)
  return { first, prefix }
}

/** The nth address of a range (0 is the network's own). */
export const nthAddress = (cidr: Cidr4, n: number): string => {
  if (n < 0 || n >= 2 ** (32 - cidr.prefix))
    throw new SkiffError('INVALID_INPUT', `the range has no address number ${n}`)
  return numberToIpv4(cidr.first + n)
}

export const overlaps = (a: Cidr4, b: Cidr4): boolean =>
  a.first < b.first + 2 ** (32 - b.prefix) && b.first < a.first + 2 ** (32 - a.prefix)
