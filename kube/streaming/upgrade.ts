import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { apiError, type ApiError } from '../status.ts'

export type UpgradeKind = 'spdy' | 'websocket'

/** Which of the two protocols a request asks to switch to; throws ApiError BadRequest when it is neither. */
export const upgradeKind = (request: IncomingMessage): UpgradeKind => {
  const wanted = (request.headers.upgrade ?? '').toLowerCase()
  if (wanted === 'spdy/3.1') return 'spdy'
  if (wanted === 'websocket') return 'websocket'
  throw apiError('BadRequest', `unable to upgrade: missing upgrade headers in request (Upgrade: ${wanted || 'none'})`)
}

const listed = (value: string | string[] | undefined): string[] =>
  (Array.isArray(value) ? value : [value ?? '']).flatMap(text => text.split(',')).flatMap(text => text.trim() || [])

/** The stream protocols a client offers over SPDY (`X-Stream-Protocol-Version`), best first. */
export const offeredProtocols = (request: IncomingMessage): string[] =>
  listed(request.headersDistinct['x-stream-protocol-version'])

/** The WebSocket subprotocols a client offers, best first. */
export const offeredSubprotocols = (request: IncomingMessage): string[] =>
  listed(request.headers['sec-websocket-protocol'])

/** The client's first choice that we speak too. A client that names none is an old one: it gets `unnamed`. */
export const negotiate = (offered: readonly string[], spoken: readonly string[], unnamed: string): string => {
  if (offered.length === 0) return unnamed
  const agreed = offered.find(protocol => spoken.includes(protocol))
  if (agreed !== undefined) return agreed
  throw apiError(
    'Forbidden',
    `unable to upgrade: unable to negotiate protocol: client supports [${offered.join(' ')}], server accepts [${spoken.join(' ')}]`,
  )
}

/** Answers a SPDY upgrade; from here on the socket speaks SPDY. */
export const acceptSpdy = (socket: Duplex, protocol: string): void => {
  socket.write(
    [
      'HTTP/1.1 101 Switching Protocols',
      'Connection: Upgrade',
      'Upgrade: SPDY/3.1',
      ...(protocol === '' ? [] : [`X-Stream-Protocol-Version: ${protocol}`]),
      '\r\n',
    ].join('\r\n'),
  )
}

/** Answers an upgrade that is refused with the error's Status, and closes. */
export const refuseUpgrade = (socket: Duplex, error: ApiError): void => {
  const body = Buffer.from(JSON.stringify(error.status))
  socket.end(
    [
      `HTTP/1.1 ${error.code} ${error.reason || 'Error'}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'Connection: close',
      '\r\n',
    ].join('\r\n') + body.toString(),
  )
}
