import type { Duplex } from 'node:stream'

export interface SocketEnd {
  socket: Duplex
  /** What was read from it already. */
  head: Buffer
}

const lingerMs = 5_000

/** When one side is closed, the other may still write what it has (the outcome of a command, often), and is closed then. */
const hold = (socket: Duplex, other: Duplex, onError: (error: unknown) => void): Promise<void> => {
  if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true)
  if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(0)
  socket.on('error', onError)
  return new Promise(resolve => {
    socket.once('close', () => {
      other.end()
      setTimeout(() => other.destroy(), lingerMs).unref()
      resolve()
    })
  })
}

/** Raw bytes both ways, each at the pace of its reader, until both connections are closed. */
export const joinSockets = async (
  client: SocketEnd,
  server: SocketEnd,
  onError: (end: 'client' | 'server', error: unknown) => void = () => {},
): Promise<void> => {
  if (client.head.length > 0) server.socket.write(client.head)
  if (server.head.length > 0) client.socket.write(server.head)
  client.socket.pipe(server.socket)
  server.socket.pipe(client.socket)
  await Promise.all([
    hold(client.socket, server.socket, error => onError('client', error)),
    hold(server.socket, client.socket, error => onError('server', error)),
  ])
}
