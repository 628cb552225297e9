import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { listenError } from './listen-error.ts'
import { servePacket, type Site } from './dns-service.ts'

export interface Listener {
  /** A reload gives the same socket new blocks. */
  site: Site
  readonly port: number
  close(): Promise<void>
}

const noop = (): void => {}

/** Binds UDP; throws HOST_UNFIT when the port is taken, PERMISSION_DENIED. Port 0 is any. */
export const listenUdp = async (address: string, port: number, site: Site): Promise<Listener> => {
  const family = isIPv6(address) ? 6 : 4
  const socket: Socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    // Every send would otherwise go through a name look-up, of an address.
    lookup: (hostname, _options, done) => done(null, hostname, family),
    recvBufferSize: 1 << 20,
  })
  const listener: Listener = {
    site,
    port: 0,
    close: () => new Promise(resolve => socket.close(() => resolve())),
  }
  socket.on('message', (bytes, { address: from, port: fromPort }) =>
    servePacket(listener.site, {
      bytes,
      transport: 'udp',
      client: { address: from, port: fromPort },
      send: reply => socket.send(reply, fromPort, from, noop),
    }),
  )
  await new Promise<void>((resolve, reject) => {
    socket.once('error', cause => reject(listenError('UDP', `${address}:${port}`, cause)))
    socket.bind({ address, port }, () => resolve())
  })
  socket.removeAllListeners('error')
  // What is left are errors of single sends; the client asks again.
  socket.on('error', noop)
  return Object.assign(listener, { port: socket.address().port })
}
