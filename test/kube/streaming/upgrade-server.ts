import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { ApiError } from '../../../kube/status.ts'
import { SpdyConnection } from '../../../kube/streaming/spdy/spdy-connection.ts'
import { refuseUpgrade } from '../../../kube/streaming/upgrade.ts'

/** An HTTP server on a free port that hands every upgrade to `serve`. */
export const upgradeServer = async (
  serve: (request: IncomingMessage, socket: Duplex, head: Buffer) => Promise<void>,
): Promise<{ port: number; close(): Promise<void> }> => {
  const sockets = new Set<Duplex>()
  const server = createServer()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.add(socket)
    serve(request, socket, head).catch((error: unknown) => {
      if (error instanceof ApiError) refuseUpgrade(socket, error)
      else socket.destroy()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise<void>(resolve => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/** A client's SPDY upgrade; the answer's status, headers and, when it was taken, the connection. */
export const dialSpdy = (
  port: number,
  protocols: readonly string[],
): Promise<{ response: IncomingMessage; connection?: SpdyConnection }> =>
  new Promise((resolve, reject) => {
    const request = httpRequest({
      port,
      host: '127.0.0.1',
      method: 'POST',
      headers: { Connection: 'Upgrade', Upgrade: 'SPDY/3.1', 'X-Stream-Protocol-Version': [...protocols] },
    })
    request.once('upgrade', (response, socket, head) =>
      resolve({ response, connection: new SpdyConnection(socket, { role: 'client', head }) }),
    )
    request.once('response', response => resolve({ response: response.resume() }))
    request.once('error', reject)
    request.end()
  })

export const textOf = async (stream: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
