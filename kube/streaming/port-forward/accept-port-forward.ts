import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { acceptWebSocket } from '../accept-web-socket.ts'
import { SpdyConnection } from '../spdy/spdy-connection.ts'
import { acceptSpdy, negotiate, offeredProtocols, offeredSubprotocols, upgradeKind } from '../upgrade.ts'
import { ForwardPairs, type Dial } from './forward-pairs.ts'

const PROTOCOL = 'portforward.k8s.io'
/** kubectl since 1.31: SPDY inside WebSocket messages, so that proxies that know only WebSocket let it through. */
const TUNNEL = `SPDY/3.1+${PROTOCOL}`

/**
 * Takes an upgrade request for `portforward` over and serves it until the client leaves. `dial` opens a connection to a
 * port of the pod. Throws ApiError before anything is written when no protocol is common.
 */
export const servePortForward = async (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  options: { dial: Dial; signal: AbortSignal },
): Promise<void> => {
  let transport = socket
  let rest = head
  if (upgradeKind(request) === 'spdy') {
    acceptSpdy(socket, negotiate(offeredProtocols(request), [PROTOCOL], PROTOCOL))
  } else {
    const { forwardPorts, portProtocols, portsOf } = await import('./websocket-ports.ts')
    const protocol = negotiate(offeredSubprotocols(request), [TUNNEL, ...Object.keys(portProtocols)], '')
    const ports = portProtocols[protocol]
    if (ports !== undefined) {
      const wanted = portsOf(request)
      return forwardPorts(await acceptWebSocket(request, socket, head, protocol), wanted, { ...ports, ...options })
    }
    const { createWebSocketStream } = await import('ws')
    transport = createWebSocketStream(await acceptWebSocket(request, socket, head, TUNNEL))
    rest = Buffer.alloc(0)
  }
  const stop = new AbortController()
  const pairs = new ForwardPairs(options.dial, AbortSignal.any([stop.signal, options.signal]))
  const connection = new SpdyConnection(transport, {
    role: 'server',
    head: rest,
    onStream: stream => pairs.add(stream),
  })
  const abort = () => connection.destroy()
  options.signal.addEventListener('abort', abort, { once: true })
  await connection.closed
  options.signal.removeEventListener('abort', abort)
  stop.abort(new Error('the client closed the connection'))
}
