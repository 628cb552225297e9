import type { IncomingMessage } from 'node:http'
import type { UserInfo } from '../auth/user-info.ts'
import { dialErrorText } from '../admission/webhook/webhook-errors.ts'
import type { FullReply } from '../proxy/copy-answer.ts'
import {
  type AnswerHead,
  type Backend,
  type ForwardedRequest,
  forwardRequest,
  forwardUpgrade,
  type FullRequest,
} from '../proxy/forward-request.ts'
import type { SocketEnd } from '../proxy/join-sockets.ts'
import { type HeaderLists, requestHeaders } from '../proxy/proxy-headers.ts'
import type { RemoteApi } from './api-service.ts'
import type { RemoteConnections } from './remote-connections.ts'

interface Remote {
  api: RemoteApi
  available: boolean
}

/** A key of `extra` may hold what a header's name may not: it is escaped as in a URL, as upstream's client does it. */
const headerKey = (key: string): string =>
  Array.from(Buffer.from(key), byte => {
    const character = String.fromCharCode(byte)
    return /[!#$&'*+\-.^_`|~0-9A-Za-z]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }).join('')

/** Who asks, as the front proxy's certificate vouches for it. */
export const identityHeaders = ({ name, uid, groups, extra = {} }: UserInfo): HeaderLists => ({
  'x-remote-user': [name],
  ...(uid === undefined || uid === '' ? {} : { 'x-remote-uid': [uid] }),
  ...(groups.length === 0 ? {} : { 'x-remote-group': [...groups] }),
  ...Object.fromEntries(
    Object.entries(extra).map(([key, values]) => [`x-remote-extra-${headerKey(key)}`.toLowerCase(), [...values]]),
  ),
})

const forwarded = (from: FullRequest, user: UserInfo, backend: Backend, more: HeaderLists = {}): ForwardedRequest => ({
  method: from.method ?? 'GET',
  path: from.url ?? '/',
  headers: {
    ...requestHeaders(from, from.socket.remoteAddress),
    ...more,
    ...identityHeaders(user),
    host: [backend.name],
  },
})

/** As upstream tells it, which is no Status. */
const plainError = (to: FullReply, status: number, text: string): void => {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }
  if ('stream' in to) to.writeHead(status, headers).end(`${text}\n`)
  else to.writeHead(status, headers).end(`${text}\n`)
}

/** A client must not be sent elsewhere with what it believes to be the API. */
const withoutRedirect = (answer: AnswerHead): AnswerHead =>
  answer.status >= 300 && answer.status <= 399 && answer.headers['location'] !== undefined
    ? {
        status: 502,
        headers: { 'content-type': ['text/plain'] },
        body: Buffer.from('the backend attempted to redirect this request, which is not permitted'),
      }
    : answer

const backendOf = ({ api, available }: Remote, connections: RemoteConnections): Backend | undefined => {
  if (!available) return undefined
  try {
    return connections.backend(api)
  } catch {
    return undefined
  }
}

const unavailable = 'service unavailable'

/** Hands a request to the server of its group version; one that cannot be reached gives 503. */
export const passOnRequest = async (
  { from, to, user }: { from: FullRequest; to: FullReply; user: UserInfo },
  remote: Remote,
  connections: RemoteConnections,
): Promise<void> => {
  const backend = backendOf(remote, connections)
  if (backend === undefined) return plainError(to, 503, unavailable)
  try {
    await forwardRequest({ from, to }, backend, forwarded(from, user, backend), withoutRedirect)
  } catch (error) {
    if (to.headersSent) throw error
    plainError(to, 503, `error trying to reach service: ${dialErrorText(error, backend.name)}`)
  }
}

const refuseUpgrade = ({ socket }: SocketEnd, text: string): void => {
  if (socket.writable)
    socket.end(
      `HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text) + 1}\r\nConnection: close\r\n\r\n${text}\n`,
    )
}

export const passOnUpgrade = async (
  { from, client, user }: { from: IncomingMessage; client: SocketEnd; user: UserInfo },
  remote: Remote,
  connections: RemoteConnections,
): Promise<void> => {
  const backend = backendOf(remote, connections)
  if (backend === undefined) return refuseUpgrade(client, unavailable)
  const upgrade = { connection: ['Upgrade'], upgrade: [from.headers.upgrade ?? ''] }
  try {
    await forwardUpgrade(client, backend, forwarded(from, user, backend, upgrade))
  } catch (error) {
    refuseUpgrade(client, `error trying to reach service: ${dialErrorText(error, backend.name)}`)
  }
}
