import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { messageOf, SkiffError } from '../kube/errors.ts'
import { withNetns } from './netns.ts'

const AF_INET = 2
/** SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC */
const TCP_SOCKET = 1 | 0o4000 | 0o2000000

let makeSocket: ((domain: number, type: number, protocol: number) => number) | undefined

const loadSocket = (): NonNullable<typeof makeSocket> => {
  if (makeSocket === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    makeSocket = koffi.load(null).func('int socket(int domain, int type, int protocol)') as unknown as NonNullable<
      typeof makeSocket
    >
  }
  return makeSocket
}

/**
 * A TCP connection to 127.0.0.1:port inside the network namespace at `path`. A socket belongs for life to the namespace
 * it was made in: it is made inside, and connected by Node outside, without waiting. No helper process, nothing to
 * install. Throws NOT_FOUND when the namespace is gone, UNAVAILABLE when nobody listens there.
 */
export const connectInNetns = async (path: string, port: number, signal: AbortSignal): Promise<Duplex> => {
  signal.throwIfAborted()
  const open = loadSocket()
  const fd = withNetns(path, () => open(AF_INET, TCP_SOCKET, 0))
  if (fd < 0) throw new SkiffError('HOST_UNFIT', `no socket could be made in ${path}`)
  // manualStart: reading a socket that is not connected yet would fail at once.
  const socket = new Socket({ fd, allowHalfOpen: true, manualStart: true } as ConstructorParameters<typeof Socket>[0])
  return new Promise((resolve, reject) => {
    const abort = () => socket.destroy(signal.reason as Error)
    const fail = (cause: Error) => {
      signal.removeEventListener('abort', abort)
      if (signal.aborted) reject(signal.reason as Error)
      else reject(new SkiffError('UNAVAILABLE', `dial tcp4 127.0.0.1:${port}: ${messageOf(cause)}`, { cause }))
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.once('close', () => signal.removeEventListener('abort', abort))
    socket.once('error', fail)
    socket.connect({ host: '127.0.0.1', port }, () => {
      socket.off('error', fail)
      // Errors after this end the stream; whoever reads it is told by its close.
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}
