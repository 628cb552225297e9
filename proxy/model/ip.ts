import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

export type Family = 'ip' | 'ip6'

declare const brand: unique symbol
/** An address as text, checked by node:net: safe as one word of a rule. */
export type Ip = string & { readonly [brand]: 'Ip' }
/** `address/length`, checked likewise. */
export type Cidr = string & { readonly [brand]: 'Cidr' }
/** An integer from 1 to 65535. */
export type Port = number & { readonly [brand]: 'Port' }

/** The address when it is one of this family, else undefined: the other family is somebody else's business. */
export const parseIp = (value: unknown, family: Family): Ip | undefined => {
  if (typeof value !== 'string') return undefined
  // A zone (`fe80::1%eth0`) would pass isIPv6, but no rule can carry it.
  const right = family === 'ip' ? isIPv4(value) : isIPv6(value) && !value.includes('%')
  return right ? (value as Ip) : undefined
}

export const parseCidr = (value: unknown, family: Family): Cidr | undefined => {
  if (typeof value !== 'string') return undefined
  const [address, length, ...rest] = value.trim().split('/')
  const longest = family === 'ip' ? 32 : 128
  if (parseIp(address, family) === undefined || rest.length > 0 || length === undefined) return undefined
  if (!/^\d{1,3}$/.test(length) || Number(length) > longest) return undefined
  return `${address}/${Number(length)}` as Cidr
}

export const parsePort = (value: unknown): Port | undefined =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65535 ? (value as Port) : undefined

/** True when the address (or the network's own address) lies in the network; false across families. */
export const cidrContains = (cidr: string, address: string): boolean => {
  const [network = '', length = ''] = cidr.split('/')
  const family = isIP(network)
  if (family === 0 || isIP(address) !== family) return false
  const type = family === 4 ? 'ipv4' : 'ipv6'
  const list = new BlockList()
  list.addSubnet(network, length === '' ? (family === 4 ? 32 : 128) : Number(length), type)
  return list.check(address, type)
}

/** `10.0.0.1:80` or `[fd00::1]:80`: how --to-destination and the comments write an endpoint. */
export const joinHostPort = (address: Ip, port: Port): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
