import type { Cidr, Ip } from '../../../../kube/ip-address.ts'
import { cidrContains, firstOf, formatIp, lastOf, parseCidr, parseIp } from '../../../../kube/ip-address.ts'
import { readsFirst, readsSecond } from '../cost.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import { CelOpaque } from '../value.ts'

const ipType = 'net.IP'
const cidrType = 'net.CIDR'

class CelIp extends CelOpaque {
  readonly typeName = ipType
  readonly ip: Ip
  constructor(ip: Ip) {
    super()
    this.ip = ip
  }

  get key(): string {
    return formatIp(this.ip)
  }
}

class CelCidr extends CelOpaque {
  readonly typeName = cidrType
  readonly cidr: Cidr
  constructor(cidr: Cidr) {
    super()
    this.cidr = cidr
  }

  get key(): string {
    return `${formatIp(this.cidr.ip)}/${this.cidr.prefix}`
  }
}

/** `::ffff:1.2.3.4` is an IPv4 address in disguise: not allowed where an address is asked for. */
const isMapped = (ip: Ip): boolean => ip.family === 6 && ip.value >> 32n === 0xffffn

const quoted = JSON.stringify

const readIp = (text: string): Ip => {
  let ip: Ip
  try {
    if (text.includes('%')) throw new Error('zone')
    ip = parseIp(text)
  } catch {
    const why = text.includes('%')
      ? `IP address ${quoted(text)} with zone value is not allowed`
      : `IP Address ${quoted(text)} parse error during conversion from string: ParseAddr(${quoted(text)}): unable to parse IP`
    return fail(why)
  }
  return isMapped(ip) ? fail(`IPv4-mapped IPv6 address ${quoted(text)} is not allowed`) : ip
}

const readCidr = (text: string): Cidr => {
  let cidr: Cidr
  try {
    if (!/\/(?:0|[1-9]\d*)$/.test(text)) throw new Error('no prefix length')
    cidr = parseCidr(text)
  } catch {
    return fail(
      `network address parse error during conversion from string: netip.ParsePrefix(${quoted(text)}): unable to parse`,
    )
  }
  return isMapped(cidr.ip) ? fail(`IPv4-mapped IPv6 address ${quoted(text)} is not allowed`) : cidr
}

const isReadable = (read: () => unknown): boolean => {
  try {
    read()
    return true
  } catch {
    return false
  }
}

const within = (network: string, ip: Ip): boolean => cidrContains(parseCidr(network), ip)

const isLinkLocal = (ip: Ip): boolean => within('169.254.0.0/16', ip) || within('fe80::/10', ip)
const isLoopback = (ip: Ip): boolean => within('127.0.0.0/8', ip) || within('::1/128', ip)
const isMulticast = (ip: Ip): boolean => within('224.0.0.0/4', ip) || within('ff00::/8', ip)
const isLinkLocalMulticast = (ip: Ip): boolean => within('224.0.0.0/24', ip) || within('ff02::/16', ip)
const isBroadcast = (ip: Ip): boolean => within('255.255.255.255/32', ip)

/** Private ranges count as global unicast, as in Go's net/netip. */
const isGlobalUnicast = (ip: Ip): boolean =>
  ip.value !== 0n && !isBroadcast(ip) && !isLoopback(ip) && !isMulticast(ip) && !isLinkLocal(ip)

const containsCidr = (outer: Cidr, inner: Cidr): boolean =>
  outer.prefix <= inner.prefix && cidrContains(outer, firstOf(inner)) && cidrContains(outer, lastOf(inner))

const addIps = (table: FunctionTableBuilder): void => {
  const is = (name: string, holds: (ip: Ip) => boolean): void => {
    table.add(`[${ipType}].${name}(): bool`, (a: CelIp) => holds(a.ip))
  }
  table
    .add(`ip(string): ${ipType}`, (text: string) => new CelIp(readIp(text)), readsFirst)
    .add('isIP(string): bool', (text: string) => isReadable(() => readIp(text)), readsFirst)
    .add('ip.isCanonical(string): bool', (text: string) => formatIp(readIp(text)) === text, readsFirst)
    .add(`[${ipType}].family(): int`, (a: CelIp) => BigInt(a.ip.family))
    .add(`string(${ipType}): string`, (a: CelIp) => a.key)
  is('isUnspecified', ip => ip.value === 0n)
  is('isLoopback', isLoopback)
  is('isLinkLocalMulticast', isLinkLocalMulticast)
  is('isLinkLocalUnicast', isLinkLocal)
  is('isGlobalUnicast', isGlobalUnicast)
}

const addCidrs = (table: FunctionTableBuilder): void => {
  table
    .add(`cidr(string): ${cidrType}`, (text: string) => new CelCidr(readCidr(text)), readsFirst)
    .add('isCIDR(string): bool', (text: string) => isReadable(() => readCidr(text)), readsFirst)
    .add(`string(${cidrType}): string`, (a: CelCidr) => a.key)
    .add(`[${cidrType}].ip(): ${ipType}`, (a: CelCidr) => new CelIp(a.cidr.ip))
    .add(`[${cidrType}].prefixLength(): int`, (a: CelCidr) => BigInt(a.cidr.prefix))
    .add(`[${cidrType}].masked(): ${cidrType}`, (a: CelCidr) => new CelCidr({ ...a.cidr, ip: firstOf(a.cidr) }))
    .add(`[${cidrType}].containsIP(${ipType}): bool`, (a: CelCidr, b: CelIp) => cidrContains(a.cidr, b.ip))
    .add(
      `[${cidrType}].containsIP(string): bool`,
      (a: CelCidr, b: string) => cidrContains(a.cidr, readIp(b)),
      readsSecond,
    )
    .add(`[${cidrType}].containsCIDR(${cidrType}): bool`, (a: CelCidr, b: CelCidr) => containsCidr(a.cidr, b.cidr))
    .add(
      `[${cidrType}].containsCIDR(string): bool`,
      (a: CelCidr, b: string) => containsCidr(a.cidr, readCidr(b)),
      readsSecond,
    )
}

/** Kubernetes' IP and CIDR libraries. */
export const addAddresses = (table: FunctionTableBuilder): void => {
  addIps(table)
  addCidrs(table)
}
