import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import type { Authority } from '../http/test-certificates.ts'

export interface Seen {
  method: string
  url: string
  headers: IncomingMessage['headers']
  /** CN of the certificate that was shown; '' for none. */
  client: string
  body: string
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const json = (response: ServerResponse, value: object, type = 'application/json'): void => {
  response.writeHead(200, { 'content-type': type }).end(JSON.stringify(value))
}

const resources = [
  { name: 'fruits', singularName: 'fruit', namespaced: true, kind: 'Fruit', verbs: ['get', 'list', 'watch', 'create'] },
  { name: 'fruits/status', singularName: '', namespaced: true, kind: 'Fruit', verbs: ['get', 'update'] },
]

const openApiV2 = {
  swagger: '2.0',
  info: { title: 'fruit', version: 'v1' },
  paths: {
    '/apis/fruit.example.com/v1/fruits': { get: { responses: { 200: { schema: { $ref: '#/definitions/Fruit' } } } } },
    '/apis/other.example.com/v1/others': { get: {} },
  },
  definitions: { Fruit: { type: 'object', properties: { peel: { type: 'string' } } }, Unused: { type: 'object' } },
}

/** An aggregated API server on loopback that serves fruit.example.com/v1; what else it answers is up to the test. */
export const startAggregatedServer = async (
  t: Test,
  authority: Authority,
  {
    answers = {},
    frontProxyCa,
    host = '127.0.0.1',
  }: { answers?: Record<string, Answer>; frontProxyCa?: string; host?: string } = {},
) => {
  const { cert, key } = await authority.server(['fruit.default.svc'])
  const seen: Seen[] = []
  const sockets = new Set<Socket>()
  const documents: Record<string, Answer> = {
    '/apis/fruit.example.com/v1': (_, response) =>
      json(response, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'fruit.example.com/v1', resources }),
    '/openapi/v2': (_, response) => json(response, openApiV2),
    '/openapi/v3/apis/fruit.example.com/v1': (request, response) => {
      const text = JSON.stringify({ openapi: '3.0.0', info: { title: 'fruit', version: 'v1' }, paths: {} })
      const etag = `"${createHash('sha256').update(text).digest('hex')}"`
      if (request.headers['if-none-match'] === etag) response.writeHead(304).end()
      else response.writeHead(200, { 'content-type': 'application/json', etag }).end(text)
    },
    ...answers,
  }
  const tls = frontProxyCa === undefined ? {} : { ca: frontProxyCa, requestCert: true, rejectUnauthorized: false }
  const server = createServer({ cert, key, ...tls }, (request, response) => {
    const chunks: Buffer[] = []
    const socket = request.socket as TLSSocket
    const peer = socket.authorized ? socket.getPeerCertificate().subject?.CN : ''
    const entry: Seen = {
      method: request.method ?? '',
      url: request.url ?? '',
      headers: request.headers,
      client: String(peer ?? ''),
      body: '',
    }
    seen.push(entry)
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => (entry.body = Buffer.concat(chunks).toString()))
    const answer = documents[(request.url ?? '').split('?')[0] ?? '']
    if (answer === undefined) response.writeHead(404).end()
    else answer(request, response)
  })
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>(resolve => server.close(() => resolve()))
  }
  t.teardown(close)
  return { server, seen, close, port: (server.address() as AddressInfo).port }
}

export const apiService = (spec: object, name = 'v1.fruit.example.com') => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name },
  spec: { group: 'fruit.example.com', version: 'v1', groupPriorityMinimum: 2000, versionPriority: 15, ...spec },
})

/** What leads to loopback without a network: the name of a host, which needs no endpoints. */
export const externalService = (host = '127.0.0.1') => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'fruit' },
  spec: { type: 'ExternalName', externalName: host },
})
