import type { Link, Route } from '../../host/netlink/links.ts'
import { firstOf, formatIp, formatNetwork, ipBytes, parseCidr } from '../../kube/ip-address.ts'
import { CniError, cniCodes, invalidConfig } from '../cni-error.ts'
import type { CniAddress, CniResult } from '../result.ts'
import type { BridgeConfig } from './bridge-config.ts'

/** One step of an ADD. Links are named, because an index is known only once its link is made. */
export type BridgeOp =
  | { kind: 'create-bridge'; name: string; mtu?: number; mac?: string }
  | { kind: 'change-bridge'; name: string; change: { up?: true; promiscuous?: true; mtu?: number } }
  | { kind: 'create-pair'; hostEnd: string; podEnd: string; bridge: string; mtu?: number; podMac?: string }
  | { kind: 'hairpin'; link: string }
  | { kind: 'add-address'; where: 'host' | 'pod'; link: string; address: string }
  | { kind: 'remove-address'; where: 'host'; link: string; address: string }
  | { kind: 'pod-up'; link: string }
  | { kind: 'pod-route'; link: string; route: Omit<Route, 'link'> }
  | { kind: 'sysctl'; key: string; value: string }
  | { kind: 'masquerade'; address: string }

/** What is there before the ADD. */
export interface BridgeState {
  bridge: Link | undefined
  /** Addresses on the bridge, with prefix lengths. */
  bridgeAddresses: readonly string[]
}

const ipOf = (address: string): string => address.split('/')[0] ?? ''
const familyOf = (address: string): 4 | 6 => parseCidr(address).ip.family
const isLinkLocal = (address: string): boolean => /^fe[89ab]/i.test(address)

/**
 * A hardware address made of the IPv4 address (the 0a:58 prefix is the one other CNI plugins use): when an address
 * is given out again, nobody's neighbour cache is wrong about it.
 */
export const macOf = (ip: string): string | undefined => {
  const bytes = ipBytes(ip)
  if (bytes.length !== 4) return undefined
  return ['0a', '58', ...[...bytes].map(byte => byte.toString(16).padStart(2, '0'))].join(':')
}

/** The addresses with a gateway each: the subnet's first address, where IPAM named none and the bridge is one. */
export const withGateways = (ips: readonly CniAddress[], isGateway: boolean): CniAddress[] =>
  ips.map(ip => {
    if (ip.gateway !== undefined || !isGateway) return ip
    const first = firstOf(parseCidr(ip.address))
    return { ...ip, gateway: formatIp({ family: first.family, value: first.value + 1n }) }
  })

const gatewayAddressOps = (config: BridgeConfig, ips: readonly CniAddress[], state: BridgeState): BridgeOp[] => {
  const wanted = ips.map(ip => `${ip.gateway ?? ''}/${parseCidr(ip.address).prefix}`)
  const ops: BridgeOp[] = []
  for (const family of [4, 6] as const) {
    const mine = wanted.filter(address => familyOf(address) === family)
    if (mine.length === 0) continue
    const foreign = state.bridgeAddresses.filter(
      address => familyOf(address) === family && !mine.includes(address) && !isLinkLocal(address),
    )
    for (const address of foreign) {
      if (!config.forceAddress)
        throw new CniError(
          cniCodes.failed,
          `${config.bridge} already has the address ${address}, not ${mine.join(', ')}`,
        )
      ops.push({ kind: 'remove-address', where: 'host', link: config.bridge, address })
    }
    for (const address of mine)
      if (!state.bridgeAddresses.includes(address))
        ops.push({ kind: 'add-address', where: 'host', link: config.bridge, address })
    const key = family === 4 ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding'
    ops.push({ kind: 'sysctl', key, value: '1' })
  }
  return ops
}

/** Routes of the pod: IPAM's, each by its own or its family's gateway, and the default route where asked for. */
export const podRoutes = (config: BridgeConfig, ips: readonly CniAddress[], ipam: CniResult): Omit<Route, 'link'>[] => {
  const gatewayOf = (family: 4 | 6) => ips.find(ip => familyOf(ip.address) === family)?.gateway
  const routes = ipam.routes.map(({ dst, gw }) => {
    const gateway = gw ?? gatewayOf(familyOf(dst))
    return { destination: formatNetwork(parseCidr(dst)), ...(gateway === undefined ? {} : { gateway }) }
  })
  if (!config.isDefaultGateway) return routes
  for (const family of [4, 6] as const) {
    const gateway = gatewayOf(family)
    const destination = family === 4 ? '0.0.0.0/0' : '::/0'
    if (gateway !== undefined && !routes.some(route => route.destination === destination))
      routes.push({ destination, gateway })
  }
  return routes
}

/** Everything an ADD does, in order. Pure: `state` is what was found, `hostEnd` a name nobody uses. */
export const planBridgeAdd = (
  config: BridgeConfig,
  ipam: CniResult,
  given: { state: BridgeState; hostEnd: string; ifName: string },
): BridgeOp[] => {
  const { state, hostEnd, ifName } = given
  if (config.ipamType !== '' && ipam.ips.length === 0) throw invalidConfig(`ipam: ${config.ipamType} gave no address`)
  if (state.bridge !== undefined && state.bridge.kind !== 'bridge')
    throw new CniError(cniCodes.failed, `${config.bridge} exists and is not a bridge`)
  const ips = withGateways(ipam.ips, config.isGateway)
  const mtu = config.mtu === 0 ? {} : { mtu: config.mtu }
  const gateway = ips[0]?.gateway
  // A fixed address also keeps the kernel from changing it with every port that comes and goes.
  const bridgeMac = config.isGateway && gateway !== undefined ? macOf(gateway) : undefined
  const ops: BridgeOp[] = []
  if (state.bridge === undefined)
    ops.push({
      kind: 'create-bridge',
      name: config.bridge,
      ...mtu,
      ...(bridgeMac === undefined ? {} : { mac: bridgeMac }),
    })
  else if (!state.bridge.up) ops.push({ kind: 'change-bridge', name: config.bridge, change: { up: true } })
  if (config.promiscMode && state.bridge?.promiscuous !== true)
    ops.push({ kind: 'change-bridge', name: config.bridge, change: { promiscuous: true } })
  const podMac = ips[0] === undefined ? undefined : macOf(ipOf(ips[0].address))
  ops.push({
    kind: 'create-pair',
    hostEnd,
    podEnd: ifName,
    bridge: config.bridge,
    ...mtu,
    ...(podMac === undefined ? {} : { podMac }),
  })
  if (config.hairpinMode) ops.push({ kind: 'hairpin', link: hostEnd })
  if (config.isGateway) ops.push(...gatewayAddressOps(config, ips, state))
  // Addresses before the link goes up: it then announces them at once.
  for (const ip of ips) ops.push({ kind: 'add-address', where: 'pod', link: ifName, address: ip.address })
  ops.push({ kind: 'pod-up', link: ifName })
  for (const route of podRoutes(config, ips, ipam)) ops.push({ kind: 'pod-route', link: ifName, route })
  if (config.ipMasq) for (const ip of ips) ops.push({ kind: 'masquerade', address: ip.address })
  return ops
}
