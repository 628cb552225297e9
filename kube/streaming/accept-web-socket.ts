import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { apiError } from '../status.ts'

/** Answers a WebSocket upgrade with this subprotocol ('' for none). Throws ApiError BadRequest when the handshake is malformed. */
export const acceptWebSocket = async (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  subprotocol: string,
): Promise<WebSocket> => {
  const { WebSocketServer } = await import('ws')
  if (request.headers['sec-websocket-key'] === undefined || request.headers['sec-websocket-version'] !== '13')
    throw apiError('BadRequest', 'unable to upgrade: the WebSocket handshake names no key or another version than 13')
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // Terminal traffic is small and quick; deflating it would cost memory for every session.
    perMessageDeflate: false,
  })
  // `SPDY/3.1+portforward.k8s.io` is no token (it has a slash), so that `ws` would refuse the handshake; but that is
  // what kubectl sends and expects back. The choice is made already: it is kept from `ws` and put into the answer.
  delete request.headers['sec-websocket-protocol']
  server.on('headers', headers => {
    if (subprotocol !== '') headers.push(`Sec-WebSocket-Protocol: ${subprotocol}`)
  })
  return new Promise(resolve => {
    server.handleUpgrade(request, socket, head, accepted => {
      accepted.binaryType = 'nodebuffer'
      // A broken connection closes, and `close` is what everybody listens to.
      accepted.on('error', () => {})
      resolve(accepted)
    })
  })
}
