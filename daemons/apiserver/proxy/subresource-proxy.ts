import { type IncomingMessage, Agent as HttpAgent } from 'node:http'
import { Agent } from 'node:https'
import type { Duplex } from 'node:stream'
import { createGunzip, createGzip, createInflate, createDeflate } from 'node:zlib'
import { pipeline } from 'node:stream'
import { apiError } from '../../../kube/status.ts'
import type { AdmissionReader } from '../admission/plugin.ts'
import { dialErrorText } from '../admission/webhook/webhook-errors.ts'
import type { ResourcePath } from '../rest/resource-path.ts'
import type { FullReply } from './copy-answer.ts'
import {
  type AnswerHead,
  type Backend,
  type ForwardedRequest,
  forwardRequest,
  forwardUpgrade,
  type FullRequest,
} from './forward-request.ts'
import type { SocketEnd } from './join-sockets.ts'
import { requestHeaders } from './proxy-headers.ts'
import { nodeLocation, podLocation, type ProxyLocation, serviceLocation } from './proxy-location.ts'
import { LinkRewriter, type LinkScope, rewriteUrl } from './rewrite-links.ts'

export interface SubresourceProxyOptions {
  reader: AdmissionReader
  /** Asked for once a kubelet is. PEM texts: this server's identity towards kubelets, and who signed theirs. */
  kubelet(): { cert: string; key: string; ca: string }
}

const locate: Readonly<Record<string, typeof podLocation>> = {
  pods: podLocation,
  services: serviceLocation,
  nodes: nodeLocation,
}

/** The path of a request, in what leads to the proxy and what is beyond it: '' or `/…`, as it was sent. */
export const splitProxyPath = (path: string): { prepend: string; rest: string } => {
  const parts = path.split('/')
  const at = parts[3] === 'namespaces' ? 7 : 5
  return {
    prepend: parts.slice(0, at + 1).join('/'),
    rest: parts
      .slice(at + 1)
      .map(part => `/${part}`)
      .join(''),
  }
}

/** A page's own rules about other origins are not this server's. */
const corsHeader = /^access-control-allow-(credentials|headers|methods|origin)$/

const codings = {
  gzip: [createGunzip, createGzip],
  deflate: [createInflate, createDeflate],
} as const

/** A page with its links rewritten; undefined where it is coded in a way that is not known. */
const rewritten = (body: IncomingMessage, coding: string, scope: LinkScope): Duplex | undefined => {
  const links = new LinkRewriter(scope)
  // What breaks off is seen at the end of the line, and breaks the answer.
  if (coding === '') return pipeline(body, links, () => {})
  if (coding !== 'gzip' && coding !== 'deflate') return undefined
  const [decode, encode] = codings[coding]
  return pipeline(body, decode(), links, encode(), () => {})
}

/** What the client sees of an answer: links and redirects that lead through the proxy. */
export const rewriteAnswer = (head: AnswerHead, body: IncomingMessage, scope: LinkScope): AnswerHead => {
  const headers = Object.fromEntries(Object.entries(head.headers).filter(([name]) => !corsHeader.test(name)))
  const [location] = headers['location'] ?? []
  if (location !== undefined && location !== '')
    return { ...head, headers: { ...headers, location: [rewriteUrl(location, scope)] } }
  const type = (headers['content-type']?.[0] ?? '').split(';', 1)[0]?.trim()
  if (type !== 'text/html') return { ...head, headers }
  const page = rewritten(body, headers['content-encoding']?.[0] ?? '', scope)
  if (page === undefined) return { ...head, headers }
  const { 'content-length': _, ...unsized } = headers
  return { ...head, headers: unsized, body: page }
}

/** pods/proxy, services/proxy and nodes/proxy: any request, passed on to what it names. */
export class SubresourceProxy {
  readonly #reader: AdmissionReader
  readonly #kubelet: SubresourceProxyOptions['kubelet']
  #kubeletAgent: Agent | undefined
  // Whoever is behind a pod's or a node's port is not known: their certificates are not looked at, as upstream does not.
  readonly #secureAgent = new Agent({ keepAlive: true, timeout: 90_000, rejectUnauthorized: false })
  readonly #agent = new HttpAgent({ keepAlive: true, timeout: 90_000 })
  constructor({ reader, kubelet }: SubresourceProxyOptions) {
    this.#reader = reader
    this.#kubelet = kubelet
  }

  /** Throws ApiError NotFound, BadRequest or ServiceUnavailable, as upstream. */
  #locate({ plural, namespace, name }: ResourcePath): ProxyLocation {
    const find = locate[plural]
    if (find === undefined) throw apiError('NotFound', 'the server could not find the requested resource', {})
    return find(this.#reader, { namespace, id: name })
  }

  #agentOf({ kubelet, secure }: ProxyLocation): Agent | HttpAgent {
    if (!kubelet) return secure ? this.#secureAgent : this.#agent
    return (this.#kubeletAgent ??= new Agent({ ...this.#kubelet(), keepAlive: true, timeout: 90_000 }))
  }

  #backend(location: ProxyLocation): Backend {
    const { secure, host, port } = location
    const agent = this.#agentOf(location)
    return { secure, host, port, agent, name: `${host.includes(':') ? `[${host}]` : host}:${port}` }
  }

  #forwarded(from: FullRequest, more: Record<string, string[]> = {}): ForwardedRequest & { prepend: string } {
    const [pathname = '', query] = (from.url ?? '/').split(/\?(.*)/s)
    const { prepend, rest } = splitProxyPath(pathname)
    const uri = `${prepend}${rest}`
    return {
      prepend,
      method: from.method ?? 'GET',
      path: `${rest === '' ? '/' : rest}${query === undefined ? '' : `?${query}`}`,
      headers: { ...requestHeaders(from, from.socket.remoteAddress), ...more, 'x-forwarded-uri': [uri] },
    }
  }

  async serve(from: FullRequest, to: FullReply, path: ResourcePath): Promise<void> {
    const backend = this.#backend(this.#locate(path))
    const [pathname = '', query] = (from.url ?? '/').split(/\?(.*)/s)
    const { rest } = splitProxyPath(pathname)
    // A page at the root must be asked for with a slash, or its relative links lead beside the proxy.
    if (rest === '' && (from.method === 'GET' || from.method === 'HEAD')) {
      const headers = { location: `${pathname}/${query ? `?${query}` : ''}` }
      if ('stream' in to) to.writeHead(301, headers).end()
      else to.writeHead(301, headers).end()
      return
    }
    const request = this.#forwarded(from)
    const requestHost = request.headers['host']?.[0] ?? ''
    const scope: LinkScope = { prepend: request.prepend, sourceHost: backend.name, requestHost }
    try {
      await forwardRequest({ from, to }, backend, request, (head, body) => rewriteAnswer(head, body, scope))
    } catch (error) {
      if (to.headersSent) throw error
      throw apiError('ServiceUnavailable', `error trying to reach service: ${dialErrorText(error, backend.name)}`)
    }
  }

  async upgrade(from: IncomingMessage, client: SocketEnd, path: ResourcePath): Promise<void> {
    const backend = this.#backend(this.#locate(path))
    const request = this.#forwarded(from, { connection: ['Upgrade'], upgrade: [from.headers.upgrade ?? ''] })
    try {
      await forwardUpgrade(client, backend, request)
    } catch (error) {
      throw apiError('InternalError', `error dialing backend: ${dialErrorText(error, backend.name)}`)
    }
  }
}
