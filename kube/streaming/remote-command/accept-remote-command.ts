import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { upgradeKind } from '../upgrade.ts'
import type { RemoteCommand, RemoteCommandStreams } from './remote-command.ts'

/**
 * Takes an upgrade request for `exec` or `attach` over: SPDY/3.1 or WebSocket, whichever it asks for. Throws ApiError
 * before anything is written when it asks for neither or no protocol is common; TIMEOUT when the streams never come.
 */
export const acceptRemoteCommand = async (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  streams: RemoteCommandStreams,
): Promise<RemoteCommand> => {
  if (upgradeKind(request) === 'spdy') {
    const { acceptSpdyCommand } = await import('./spdy-command.ts')
    return acceptSpdyCommand(request, socket, head, streams)
  }
  const { acceptWebSocketCommand } = await import('./websocket-command.ts')
  return acceptWebSocketCommand(request, socket, head, streams)
}
