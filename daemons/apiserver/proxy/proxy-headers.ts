import type { IncomingHttpHeaders } from 'node:http'

/** A request or an answer, of HTTP/1.1 or of HTTP/2's compatibility layer. */
interface Message {
  headers: IncomingHttpHeaders
  rawHeaders: string[]
}

export type HeaderLists = Record<string, string[]>

/** Headers of one connection, not of what goes through it (RFC 9110, 7.6.1). */
const hopByHop = new Set([
  'connection', 'proxy-connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'te', 'trailer',
  'transfer-encoding', 'upgrade', 'http2-settings', 'expect',
]) // prettier-ignore

/** Who the client is to this server is nobody else's business; whom it is to others is said anew. */
const credentials = /^(authorization$|impersonate-|x-remote-)/

export const webSocketTokenPrefix = 'base64url.bearer.authorization.k8s.io.'

/** Every header that is to be passed on, by its lower-case name, its values apart. */
export const passedHeaders = ({ headers, rawHeaders }: Message): HeaderLists => {
  const named = new Set((headers.connection ?? '').split(',').map(name => name.trim().toLowerCase()))
  const passed: HeaderLists = {}
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    if (name.startsWith(':') || hopByHop.has(name) || named.has(name)) continue
    ;(passed[name] ??= []).push(rawHeaders[i + 1] ?? '')
  }
  return passed
}

/** A browser's token comes among its subprotocols: it is for this server alone. */
export const withoutToken = (values: readonly string[]): string[] => {
  const kept = values.flatMap(value => value.split(',').map(text => text.trim()))
  return [kept.filter(text => text !== '' && !text.startsWith(webSocketTokenPrefix)).join(', ')].filter(Boolean)
}

/** Of a request that is passed on: without credentials, and with what a proxy adds. `from`: the client's address. */
export const requestHeaders = (message: Message, from: string | undefined): HeaderLists => {
  const passed = passedHeaders(message)
  for (const name of Object.keys(passed)) if (credentials.test(name)) delete passed[name]
  const protocols = passed['sec-websocket-protocol']
  if (protocols !== undefined) {
    delete passed['sec-websocket-protocol']
    const kept = withoutToken(protocols)
    if (kept.length > 0) passed['sec-websocket-protocol'] = kept
  }
  const authority = message.headers[':authority']
  if (passed['host'] === undefined && typeof authority === 'string') passed['host'] = [authority]
  if (from !== undefined) passed['x-forwarded-for'] = [[...(passed['x-forwarded-for'] ?? []), from].join(', ')]
  return passed
}
