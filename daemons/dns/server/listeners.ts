import type { Site } from './dns-service.ts'
import { listenTcp } from './tcp-listener.ts'
import { listenUdp, type Listener } from './udp-listener.ts'

export interface ListenPoint {
  address: string
  port: number
}

/** `10.96.0.10:53`, `[::1]:53`. */
export const pointName = ({ address, port }: ListenPoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

interface Pair {
  udp: Listener
  tcp: Listener
}

const openPair = async ({ address, port }: ListenPoint, site: Site): Promise<Pair> => {
  // With port 0 the kernel chooses for TCP, and UDP follows: fewer programs hold UDP ports.
  const tcp = await listenTcp(address, port, site)
  try {
    return { tcp, udp: await listenUdp(address, tcp.port, site) }
  } catch (error) {
    await tcp.close()
    throw error
  }
}

/** The sockets of the daemon: UDP and TCP on every address and port. */
export class Listeners {
  readonly #open = new Map<string, Pair & { point: ListenPoint }>()

  /** Opens what is new, gives what stays its new blocks, closes the rest. When something cannot be opened, all stays as it was. */
  async apply(wanted: ReadonlyMap<string, { point: ListenPoint; site: Site }>): Promise<void> {
    const opened: [string, Pair & { point: ListenPoint }][] = []
    try {
      for (const [name, { point, site }] of wanted)
        if (!this.#open.has(name)) opened.push([name, { ...(await openPair(point, site)), point }])
    } catch (error) {
      for (const [, pair] of opened) await Promise.all([pair.udp.close(), pair.tcp.close()])
      throw error
    }
    for (const [name, pair] of opened) this.#open.set(name, pair)
    for (const [name, pair] of this.#open) {
      const site = wanted.get(name)?.site
      if (site !== undefined) {
        pair.udp.site = site
        pair.tcp.site = site
        continue
      }
      this.#open.delete(name)
      await Promise.all([pair.udp.close(), pair.tcp.close()])
    }
  }

  /** Where it listens, with the ports that the kernel chose. */
  points(): ListenPoint[] {
    return [...this.#open.values()].map(({ point, udp }) => ({ address: point.address, port: udp.port }))
  }

  async close(): Promise<void> {
    await this.apply(new Map())
  }
}
