import { createRequire } from 'node:module'
import { getSystemErrorName } from 'node:util'
import type { NetlinkSocket } from 'netlink/dist/netlink.js'
import { messageOf, SkiffError, type ErrorCode } from '../../kube/errors.ts'
import type { Link, LinkAddress, LinkChange, LinkSpec, OpenLinks, Route } from './links.ts'
import {
  decodeAddress,
  decodeLink,
  decodeRoute,
  encodeAddress,
  encodeLinkChange,
  encodeLinkIndex,
  encodeLinkSpec,
  encodeRoute,
  rtm,
} from './rtnetlink-messages.ts'

// The package's entry point also loads its Wi-Fi and WireGuard tables (30 ms); its socket layer alone loads in 5 ms,
// less still by require, which spares the search for its exports. A CNI plugin pays this on every pod start.
const netlink = createRequire(import.meta.url)('netlink/dist/netlink.js') as typeof import('netlink/dist/netlink.js')

const NETLINK_ROUTE = 0
const NLMSG_ERROR = 2
const flags = { dump: 0x300, create: 0x400, exclusive: 0x200 } as const
const TIMEOUT_MS = 5000

const codes: Record<string, ErrorCode> = {
  EEXIST: 'CONFLICT',
  EBUSY: 'CONFLICT',
  ENODEV: 'NOT_FOUND',
  ENOENT: 'NOT_FOUND',
  ESRCH: 'NOT_FOUND',
  EADDRNOTAVAIL: 'NOT_FOUND',
  ENXIO: 'NOT_FOUND',
  EPERM: 'PERMISSION_DENIED',
  EACCES: 'PERMISSION_DENIED',
  EINVAL: 'INVALID_INPUT',
  ERANGE: 'INVALID_INPUT',
  EOPNOTSUPP: 'HOST_UNFIT',
}

/** Every routing address family at once, in the first byte of a dump request. */
const anyFamily = (length: number): Buffer => Buffer.alloc(length)

/**
 * rtnetlink over the `netlink` package's socket, in the namespace the calling thread is in when it is made (so inside
 * `withNetns` it stays in the target). The socket keeps the process alive only while a request is under way.
 */
export class RtLinks implements OpenLinks {
  readonly #socket: NetlinkSocket
  constructor() {
    this.#socket = netlink.createNetlink(NETLINK_ROUTE)
    // Late acknowledgements arrive after their request was answered; the package would throw on an error without a listener.
    this.#socket.on('error', () => {})
  }

  async list(): Promise<Link[]> {
    return (await this.#dump(rtm.getLink, rtm.newLink, anyFamily(16), 'list links')).map(decodeLink)
  }

  async create(spec: LinkSpec): Promise<void> {
    await this.#request(rtm.newLink, encodeLinkSpec(spec), flags.create | flags.exclusive, `create link ${spec.name}`)
  }

  async change(index: number, change: LinkChange): Promise<void> {
    await this.#request(rtm.newLink, encodeLinkChange(index, change), 0, `change link ${index}`)
  }

  async remove(index: number): Promise<void> {
    await this.#request(rtm.delLink, encodeLinkIndex(index), 0, `remove link ${index}`)
  }

  async addresses(): Promise<LinkAddress[]> {
    const bodies = await this.#dump(rtm.getAddr, rtm.newAddr, anyFamily(8), 'list addresses')
    return bodies.flatMap(body => decodeAddress(body) ?? [])
  }

  async changeAddress(op: 'add' | 'remove', address: LinkAddress): Promise<void> {
    const [type, extra] = op === 'add' ? [rtm.newAddr, flags.create | flags.exclusive] : [rtm.delAddr, 0]
    await this.#request(type, encodeAddress(address), extra, `${op} address ${address.address} on link ${address.link}`)
  }

  async routes(): Promise<Route[]> {
    const bodies = await this.#dump(rtm.getRoute, rtm.newRoute, anyFamily(12), 'list routes')
    return bodies.flatMap(body => decodeRoute(body) ?? [])
  }

  async changeRoute(op: 'add' | 'remove', route: Route): Promise<void> {
    const [type, extra] = op === 'add' ? [rtm.newRoute, flags.create | flags.exclusive] : [rtm.delRoute, 0]
    await this.#request(type, encodeRoute(route), extra, `${op} route to ${route.destination}`)
  }

  close(): void {
    this.#socket.close()
  }

  async #dump(type: number, wanted: number, body: Buffer, what: string): Promise<Buffer[]> {
    const messages = await this.#request(type, body, flags.dump, what)
    return messages.filter(message => message.type === wanted).map(message => message.data)
  }

  async #request(type: number, body: Buffer, extraFlags: number, what: string) {
    let messages
    try {
      ;[messages] = await this.#socket.request(type, body, {
        flags: extraFlags,
        timeout: TIMEOUT_MS,
        checkError: false,
      })
    } catch (cause) {
      throw new SkiffError('UNAVAILABLE', `netlink: ${what}: ${messageOf(cause)}`, { cause })
    }
    const first = messages[0]
    const errno = first?.type === NLMSG_ERROR ? first.data.readInt32LE() : 0
    if (errno === 0) return messages
    const name = getSystemErrorName(errno)
    throw new SkiffError(codes[name] ?? 'UNAVAILABLE', `netlink: ${what}: ${name}`)
  }
}
