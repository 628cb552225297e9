import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Test } from 'tap'
import type { JsonObject } from '../../../../kube/patch/json-value.ts'
import type { Authority } from '../http/test-certificates.ts'

export interface Review extends JsonObject {
  uid: string
  operation: string
  name?: string
  namespace?: string
  object: JsonObject | null
  oldObject: JsonObject | null
}

/** What a path of the server answers: the `response` of a review, or anything at all, by hand. */
export type WebhookAnswer = (review: Review, response: ServerResponse, request: IncomingMessage) => JsonObject | void

const bodyOf = async (request: IncomingMessage): Promise<JsonObject> => {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString()) as JsonObject
}

/** `response.patch` and its type. */
export const patchOf = (...operations: object[]): JsonObject => ({
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})

/** An HTTPS server on loopback that answers AdmissionReviews by path, and keeps what it was asked. */
export const startWebhookServer = async (
  t: Test,
  authority: Authority,
  {
    answers,
    names = ['127.0.0.1'],
    host = '127.0.0.1',
    port = 0,
  }: {
    answers: Record<string, WebhookAnswer>
    names?: readonly string[]
    host?: string
    port?: number
  },
) => {
  const { cert, key } = await authority.server(names)
  const seen: (Review & { path: string })[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer({ cert, key }, (request, response) => {
    void (async () => {
      const [path = '', query = ''] = (request.url ?? '').split('?')
      const review = await bodyOf(request)
      const asked = review['request'] as Review
      seen.push({ ...asked, path, query, serverName: (request.socket as { servername?: string }).servername })
      const answer = answers[path]?.(asked, response, request)
      if (answer === undefined) return
      const text = JSON.stringify({
        kind: 'AdmissionReview',
        apiVersion: 'admission.k8s.io/v1',
        response: { uid: asked.uid, allowed: true, ...answer },
      })
      response.writeHead(200, { 'content-type': 'application/json' }).end(text)
    })()
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('secureConnection', () => connections++)
  await new Promise<void>(resolve => server.listen(port, host, resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const bound = (server.address() as AddressInfo).port
  return {
    port: bound,
    seen,
    connections: () => connections,
    url: (path: string) => `https://${host}:${bound}${path}`,
    caBundle: Buffer.from(authority.cert).toString('base64'),
  }
}
