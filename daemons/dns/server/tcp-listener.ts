import { createServer, isIPv6, type Socket } from 'node:net'
import { servePacket, type Site } from './dns-service.ts'
import { listenError } from './listen-error.ts'
import type { Listener } from './udp-listener.ts'

const IDLE_MS = 10_000
const MAX_CONNECTIONS = 1000
/** Questions of one connection under way at once; the socket is not read while there are more. */
const MAX_PIPELINED = 100

const serveConnection = (socket: Socket, site: () => Site): void => {
  let buffered: Buffer = Buffer.alloc(0)
  let underWay = 0
  let paused = false
  const client = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
  const drain = (): void => {
    while (underWay < MAX_PIPELINED && buffered.length >= 2) {
      const end = 2 + buffered.readUInt16BE(0)
      if (buffered.length < end) break
      const bytes = buffered.subarray(2, end)
      buffered = buffered.subarray(end)
      // Shorter than a header, or a reply: a client that sends those will not send a question next.
      if (bytes.length < 12 || ((bytes[2] ?? 0) & 0x80) !== 0) return void socket.destroy()
      underWay++
      servePacket(site(), { bytes, transport: 'tcp', client, send: reply => answered(reply) })
    }
    const full = underWay >= MAX_PIPELINED
    if (full && !paused) socket.pause()
    if (!full && paused) socket.resume()
    paused = full
  }
  const answered = (reply: Buffer): void => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(reply.length)
    // Replies may leave in another order than the questions came (RFC 7766, 6.2.1.1).
    if (!socket.destroyed) socket.write(Buffer.concat([length, reply]))
    if (underWay-- === MAX_PIPELINED) setImmediate(drain)
  }
  // A client that does not read its replies is gone after the same time as a silent one.
  socket.setTimeout(IDLE_MS, () => socket.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', chunk => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
    drain()
  })
}

/** Binds TCP; throws as listenUdp does. */
export const listenTcp = async (address: string, port: number, site: Site): Promise<Listener> => {
  const sockets = new Set<Socket>()
  const listener: Listener = {
    site,
    port: 0,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serveConnection(socket, () => listener.site)
  })
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', cause => reject(listenError('TCP', `${address}:${port}`, cause)))
    server.listen({ host: address, port, ipv6Only: isIPv6(address) }, () => resolve())
  })
  const bound = server.address()
  return Object.assign(listener, { port: typeof bound === 'object' && bound !== null ? bound.port : port })
}
