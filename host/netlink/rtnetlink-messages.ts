import { formatNetwork, ipBytes, ipText, parseCidr } from '../../kube/ip-address.ts'
import { decodeAttributes, encodeAttributes, u32, u8, zeroTerminated, type Attribute } from './attributes.ts'
import type { Link, LinkAddress, LinkChange, LinkSpec, Route } from './links.ts'

/** Message types and attribute numbers of rtnetlink(7), from linux/rtnetlink.h, if_link.h and veth.h. */
export const rtm = {
  newLink: 16,
  delLink: 17,
  getLink: 18,
  newAddr: 20,
  delAddr: 21,
  getAddr: 22,
  newRoute: 24,
  delRoute: 25,
  getRoute: 26,
} as const

const ifla = { address: 1, ifname: 3, mtu: 4, master: 10, linkinfo: 18, netNsFd: 28 } as const
const linkInfo = { kind: 1, data: 2, slaveKind: 4, slaveData: 5 } as const
const VETH_INFO_PEER = 1
const IFLA_BRPORT_MODE = 4 // hairpin
const ifa = { address: 1, local: 2 } as const
const rta = { destination: 1, outputLink: 4, gateway: 5, priority: 6, metrics: 8, table: 15 } as const
const RTAX_MTU = 2
const IFF_UP = 1
const IFF_PROMISC = 0x100
const AF_INET = 2
const AF_INET6 = 10
const RT_TABLE_MAIN = 254
const RTPROT_STATIC = 4
const RTN_UNICAST = 1

const ifinfomsg = (fields: { index?: number; flags?: number; change?: number } = {}): Buffer => {
  const bytes = Buffer.alloc(16)
  bytes.writeInt32LE(fields.index ?? 0, 4)
  bytes.writeUInt32LE(fields.flags ?? 0, 8)
  bytes.writeUInt32LE(fields.change ?? 0, 12)
  return bytes
}

const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex')

/** The body of RTM_NEWLINK that creates a link. A bridge is created up; a veth too, but for its peer. */
export const encodeLinkSpec = (spec: LinkSpec): Buffer => {
  const attributes: Attribute[] = [[ifla.ifname, zeroTerminated(spec.name)]]
  if (spec.mtu !== undefined) attributes.push([ifla.mtu, u32(spec.mtu)])
  const info: Attribute[] = [[linkInfo.kind, Buffer.from(spec.kind)]]
  if (spec.kind === 'bridge') {
    if (spec.mac !== undefined) attributes.push([ifla.address, macBytes(spec.mac)])
  } else {
    const peer: Attribute[] = [[ifla.ifname, zeroTerminated(spec.peer.name)]]
    if (spec.mtu !== undefined) peer.push([ifla.mtu, u32(spec.mtu)])
    if (spec.peer.mac !== undefined) peer.push([ifla.address, macBytes(spec.peer.mac)])
    if (spec.peer.netns !== undefined) peer.push([ifla.netNsFd, u32(spec.peer.netns)])
    if (spec.master !== undefined) attributes.push([ifla.master, u32(spec.master)])
    info.push([linkInfo.data, [[VETH_INFO_PEER, Buffer.concat([ifinfomsg(), encodeAttributes(peer)])]]])
  }
  attributes.push([ifla.linkinfo, info])
  return Buffer.concat([ifinfomsg({ flags: IFF_UP, change: IFF_UP }), encodeAttributes(attributes)])
}

/** The body of RTM_NEWLINK that changes a link. */
export const encodeLinkChange = (index: number, change: LinkChange): Buffer => {
  let flags = 0
  let mask = 0
  for (const [wanted, bit] of [
    [change.up, IFF_UP],
    [change.promiscuous, IFF_PROMISC],
  ] as const) {
    if (wanted === undefined) continue
    mask |= bit
    if (wanted) flags |= bit
  }
  const attributes: Attribute[] = []
  if (change.mtu !== undefined) attributes.push([ifla.mtu, u32(change.mtu)])
  if (change.master !== undefined) attributes.push([ifla.master, u32(change.master)])
  if (change.hairpin !== undefined)
    attributes.push([
      ifla.linkinfo,
      [
        [linkInfo.slaveKind, Buffer.from('bridge')],
        [linkInfo.slaveData, [[IFLA_BRPORT_MODE, u8(change.hairpin ? 1 : 0)]]],
      ],
    ])
  return Buffer.concat([ifinfomsg({ index, flags, change: mask }), encodeAttributes(attributes)])
}

export const encodeLinkIndex = (index: number): Buffer => ifinfomsg({ index })

const textOf = (bytes: Buffer | undefined): string => bytes?.toString().replace(/\0.*$/s, '') ?? ''
const u32Of = (bytes: Buffer | undefined): number =>
  bytes !== undefined && bytes.length >= 4 ? bytes.readUInt32LE() : 0

export const decodeLink = (body: Buffer): Link => {
  const attributes = decodeAttributes(body.subarray(16))
  const info = decodeAttributes(attributes.get(ifla.linkinfo) ?? Buffer.alloc(0))
  const port = decodeAttributes(info.get(linkInfo.slaveData) ?? Buffer.alloc(0))
  const flags = body.readUInt32LE(8)
  const isPort = textOf(info.get(linkInfo.slaveKind)) === 'bridge'
  return {
    index: body.readInt32LE(4),
    name: textOf(attributes.get(ifla.ifname)),
    mac: [...(attributes.get(ifla.address) ?? [])].map(byte => byte.toString(16).padStart(2, '0')).join(':'),
    mtu: u32Of(attributes.get(ifla.mtu)),
    up: (flags & IFF_UP) !== 0,
    kind: textOf(info.get(linkInfo.kind)),
    master: u32Of(attributes.get(ifla.master)),
    promiscuous: (flags & IFF_PROMISC) !== 0,
    hairpin: isPort && port.get(IFLA_BRPORT_MODE)?.[0] === 1,
  }
}

export const encodeAddress = ({ link, address }: LinkAddress): Buffer => {
  const [ip = ''] = address.split('/')
  const bytes = ipBytes(ip)
  const header = Buffer.alloc(8)
  header[0] = bytes.length === 4 ? AF_INET : AF_INET6
  header[1] = parseCidr(address).prefix
  // IFA_F_NODAD: a pod's IPv6 address is ours alone, and duplicate detection would hold it back for a second.
  header[2] = bytes.length === 4 ? 0 : 0x02
  header.writeUInt32LE(link, 4)
  return Buffer.concat([
    header,
    encodeAttributes([
      [ifa.local, bytes],
      [ifa.address, bytes],
    ]),
  ])
}

export const decodeAddress = (body: Buffer): LinkAddress | undefined => {
  const attributes = decodeAttributes(body.subarray(8))
  // On a point-to-point link IFA_ADDRESS is the far end; IFA_LOCAL is ours. IPv6 has only IFA_ADDRESS.
  const ip = attributes.get(ifa.local) ?? attributes.get(ifa.address)
  if (ip === undefined || (body[0] !== AF_INET && body[0] !== AF_INET6)) return undefined
  return { link: body.readUInt32LE(4), address: `${ipText(ip)}/${body[1] ?? 0}` }
}

const scopes = { global: 0, link: 253 } as const

export const encodeRoute = (route: Route): Buffer => {
  const cidr = parseCidr(route.destination)
  const header = Buffer.alloc(12)
  header[0] = cidr.ip.family === 4 ? AF_INET : AF_INET6
  header[1] = cidr.prefix
  header[4] = RT_TABLE_MAIN
  header[5] = RTPROT_STATIC
  header[6] = scopes[route.scope ?? (route.gateway === undefined ? 'link' : 'global')]
  header[7] = RTN_UNICAST
  const attributes: Attribute[] = []
  const [network = ''] = formatNetwork(cidr).split('/')
  if (cidr.prefix > 0) attributes.push([rta.destination, ipBytes(network)])
  if (route.gateway !== undefined) attributes.push([rta.gateway, ipBytes(route.gateway)])
  if (route.link !== 0) attributes.push([rta.outputLink, u32(route.link)])
  if (route.metric !== undefined) attributes.push([rta.priority, u32(route.metric)])
  if (route.mtu !== undefined) attributes.push([rta.metrics, [[RTAX_MTU, u32(route.mtu)]]])
  return Buffer.concat([header, encodeAttributes(attributes)])
}

/** Undefined for routes of other tables (local, policy) and of other kinds (multicast, unreachable). */
export const decodeRoute = (body: Buffer): Route | undefined => {
  const family = body[0]
  const attributes = decodeAttributes(body.subarray(12))
  const table = attributes.has(rta.table) ? u32Of(attributes.get(rta.table)) : body[4]
  if ((family !== AF_INET && family !== AF_INET6) || table !== RT_TABLE_MAIN || body[7] !== RTN_UNICAST)
    return undefined
  const destination = attributes.get(rta.destination)
  const gateway = attributes.get(rta.gateway)
  const metric = u32Of(attributes.get(rta.priority))
  return {
    destination: `${destination === undefined ? (family === AF_INET ? '0.0.0.0' : '::') : ipText(destination)}/${body[1] ?? 0}`,
    link: u32Of(attributes.get(rta.outputLink)),
    ...(gateway === undefined ? {} : { gateway: ipText(gateway) }),
    ...(metric === 0 ? {} : { metric }),
    scope: body[6] === scopes.link ? 'link' : 'global',
  }
}
