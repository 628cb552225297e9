import { isIP } from 'node:net'
import { SkiffError } from './errors.ts'

/** An address as a number: arithmetic on ranges is plain addition. */
export interface Ip {
  readonly family: 4 | 6
  readonly value: bigint
}

/** `10.244.0.1/24`: an address with its prefix length; the host bits are kept. */
export interface Cidr {
  readonly ip: Ip
  readonly prefix: number
}

const bitsOf = (family: 4 | 6): number => (family === 4 ? 32 : 128)

const v6Groups = (text: string): number[] => {
  // A dotted tail (::ffff:10.0.0.1) is two groups in disguise.
  const tail = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const plain =
    tail === null
      ? text
      : `${tail[1]}${((Number(tail[2]) << 8) | Number(tail[3])).toString(16)}:${((Number(tail[4]) << 8) | Number(tail[5])).toString(16)}`
  const [head = '', rest] = plain.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':').map(group => Number.parseInt(group, 16)))
  if (rest === undefined) return groups(head)
  const left = groups(head)
  const right = groups(rest)
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right]
}

/** The bytes of an address in network order: 4 or 16. Throws INVALID_INPUT. */
export const ipBytes = (text: string): Buffer => {
  const family = isIP(text)
  if (family === 4) return Buffer.from(text.split('.').map(Number))
  if (family === 0 || text.includes('%'))
    throw new SkiffError('INVALID_INPUT', `${JSON.stringify(text)} is not an IP address`)
  return Buffer.from(v6Groups(text).flatMap(group => [group >> 8, group & 0xff]))
}

/** The text of 4 or 16 bytes; IPv6 as RFC 5952 wants it (the longest run of zeros is shortened, lower case). */
export const ipText = (bytes: Uint8Array): string => {
  if (bytes.length === 4) return bytes.join('.')
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0))
  let best = { at: -1, length: 1 }
  for (let i = 0; i < 8; i++) {
    let length = 0
    while (i + length < 8 && groups[i + length] === 0) length++
    if (length > best.length) best = { at: i, length }
  }
  const hex = groups.map(group => group.toString(16))
  if (best.at < 0) return hex.join(':')
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`
}

/** Throws INVALID_INPUT. */
export const parseIp = (text: string): Ip => {
  const bytes = ipBytes(text)
  return { family: bytes.length === 4 ? 4 : 6, value: BigInt(`0x${bytes.toString('hex')}`) }
}

export const formatIp = (ip: Ip): string =>
  ipText(Buffer.from(ip.value.toString(16).padStart(bitsOf(ip.family) / 4, '0'), 'hex'))

/** Throws INVALID_INPUT: `10.0.0.0/8`, never a bare address. */
export const parseCidr = (text: string): Cidr => {
  const [address = '', length = ''] = text.split('/')
  const prefix = /^\d{1,3}$/.test(length) ? Number(length) : -1
  if (isIP(address) === 0 || prefix < 0 || text.split('/').length !== 2)
    throw new SkiffError('INVALID_INPUT', `${JSON.stringify(text)} is not a CIDR such as 10.244.0.0/24`)
  const ip = parseIp(address)
  if (prefix > bitsOf(ip.family))
    throw new SkiffError('INVALID_INPUT', `${JSON.stringify(text)}: a prefix has at most ${bitsOf(ip.family)} bits`)
  return { ip, prefix }
}

const sizeOf = (cidr: Cidr): bigint => 1n << BigInt(bitsOf(cidr.ip.family) - cidr.prefix)

/** The first address of the block (its network address). */
export const firstOf = (cidr: Cidr): Ip => ({
  family: cidr.ip.family,
  value: cidr.ip.value - (cidr.ip.value % sizeOf(cidr)),
})

/** The last address of the block (IPv4: its broadcast address). */
export const lastOf = (cidr: Cidr): Ip => ({
  family: cidr.ip.family,
  value: firstOf(cidr).value + sizeOf(cidr) - 1n,
})

export const cidrContains = (cidr: Cidr, ip: Ip): boolean =>
  cidr.ip.family === ip.family && ip.value >= firstOf(cidr).value && ip.value <= lastOf(cidr).value

/** `10.244.0.0/24`, host bits cleared. */
export const formatNetwork = (cidr: Cidr): string => `${formatIp(firstOf(cidr))}/${cidr.prefix}`

/** A CIDR that is named by its own first address, as ranges are configured. Throws INVALID_INPUT. */
export const parseNetwork = (text: string): Cidr => {
  const cidr = parseCidr(text)
  if (firstOf(cidr).value !== cidr.ip.value)
    throw new SkiffError('INVALID_INPUT', `${text}: ${formatIp(cidr.ip)} is not the first address of a /${cidr.prefix}`)
  return cidr
}

/** The nth address of a block (0 is the network's own). Throws INVALID_INPUT past its end. */
export const nthOf = (cidr: Cidr, n: number): Ip => {
  if (n < 0 || BigInt(n) >= sizeOf(cidr))
    throw new SkiffError('INVALID_INPUT', `${formatNetwork(cidr)} has no address number ${n}`)
  return { family: cidr.ip.family, value: firstOf(cidr).value + BigInt(n) }
}

/** True when two blocks share an address; never across families. */
export const cidrsOverlap = (a: Cidr, b: Cidr): boolean => cidrContains(a, firstOf(b)) || cidrContains(b, firstOf(a))
