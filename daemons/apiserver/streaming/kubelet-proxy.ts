import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { Http2ServerResponse } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { messageOf } from '../../../kube/errors.ts'
import { ApiError, apiError, statusCodes, type StatusReason } from '../../../kube/status.ts'
import {
  chooseContainer,
  kubeletAddress,
  kubeletPath,
  podOf,
  waitingMessage,
  type KubeletAddress,
} from './kubelet-target.ts'
import type { StreamingSubresource, StreamTarget } from './streaming-subresource.ts'

export interface KubeletProxyOptions {
  /** PEM texts: the API server's identity towards kubelets, and who signed theirs. */
  cert: string
  key: string
  ca: string
  log: Logger
}

/** Headers of an upgrade that the kubelet must see as the client sent them. */
const UPGRADE_HEADERS = /^(upgrade|connection|sec-websocket-.*|x-stream-protocol-version|origin)$/i
const ERROR_BODY_BYTES = 64 * 1024
const CONNECT_TIMEOUT_MS = 10_000
const LINGER_MS = 5_000

const readText = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length > ERROR_BODY_BYTES) break
  }
  return Buffer.concat(chunks).toString().trim()
}

const reasons = Object.entries(statusCodes) as [StatusReason, number][]

/** The kubelet's refusal as an ApiError: its own Status where it sent one, else one with its words. */
const refusal = async (response: IncomingMessage): Promise<ApiError> => {
  const code = response.statusCode ?? 500
  const text = await readText(response)
  try {
    const parsed = JSON.parse(text) as ApiError['status']
    if (parsed.kind === 'Status' && typeof parsed.message === 'string') return new ApiError(parsed)
  } catch {
    // Plain words, as upstream's kubelet answers.
  }
  const reason = reasons.find(([, known]) => known === code)?.[0] ?? 'InternalError'
  return apiError(reason, text || `the kubelet answered ${code}`)
}

const unreachable = (address: KubeletAddress, error: unknown): ApiError =>
  apiError('InternalError', `error dialing backend: dial tcp ${address.host}:${address.port}: ${messageOf(error)}`)

/**
 * log, exec, attach and portforward: found at the pod's node and handed through. What the client and the kubelet say to
 * each other after an upgrade is bytes to this server.
 */
export const kubeletProxy = (options: KubeletProxyOptions): StreamingSubresource[] => {
  const proxy = new KubeletProxy(options)
  const upgrading = (name: string): StreamingSubresource => ({
    name,
    methods: ['GET', 'POST'],
    serve: async () => {
      throw apiError('BadRequest', 'Upgrade request required')
    },
    upgrade: (target, request, socket, head) => proxy.upgrade(name, target, request, { socket, head }),
  })
  return [
    { name: 'log', methods: ['GET'], serve: (target, _request, response) => proxy.log(target, response) },
    ...['exec', 'attach', 'portforward'].map(upgrading),
  ]
}

class KubeletProxy {
  readonly #log: Logger
  readonly #agent: Agent
  constructor({ cert, key, ca, log }: KubeletProxyOptions) {
    this.#log = log
    // Connections carry streams and are not worth keeping; TLS sessions are resumed by the agent.
    this.#agent = new Agent({ cert, key, ca, keepAlive: false })
  }

  #open(
    address: KubeletAddress,
    path: string,
    method: string,
    headers: Record<string, string | string[]>,
  ): ClientRequest {
    const request = httpsRequest({ ...address, path, method, headers, agent: this.#agent })
    const timer = setTimeout(
      () => request.destroy(new Error(`i/o timeout after ${CONNECT_TIMEOUT_MS / 1000}s`)),
      CONNECT_TIMEOUT_MS,
    )
    const settled = () => clearTimeout(timer)
    request.once('socket', socket => socket.once('secureConnect', settled))
    request.once('close', settled)
    return request
  }

  /** Logs are a plain reply, flushed as they come, on HTTP/1.1 and HTTP/2 alike. */
  async log(target: StreamTarget, to: ServerResponse | Http2ServerResponse): Promise<void> {
    const path = kubeletPath('log', target)
    // A pod that waits for a node has no logs, which is no error.
    if (!podOf(target).spec?.nodeName) return void to.writeHead(200, { 'Content-Type': 'text/plain' }).end()
    const address = kubeletAddress(target)
    const request = this.#open(address, path, 'GET', {})
    const hangUp = () => request.destroy()
    to.once('close', hangUp)
    request.end()
    const from = await new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve)
      request.once('error', error => reject(unreachable(address, error)))
    })
    if (from.statusCode !== 200) throw await this.#logRefusal(target, from)
    to.writeHead(200, { 'Content-Type': 'text/plain' })
    if ('flushHeaders' in to) to.flushHeaders()
    await copy(from, to)
  }

  /** The kubelet knows best whether there are logs; why there are none yet is in the pod's status. */
  async #logRefusal(target: StreamTarget, from: IncomingMessage): Promise<ApiError> {
    const pod = podOf(target)
    const said = await refusal(from)
    if (target.query.get('previous') === 'true' || said.code >= 500 || said.code === 401 || said.code === 403)
      return said
    const waiting = waitingMessage(pod, chooseContainer(pod, target.query.get('container') ?? ''))
    return waiting === undefined ? said : apiError('BadRequest', waiting)
  }

  async upgrade(
    name: string,
    target: StreamTarget,
    incoming: IncomingMessage,
    client: { socket: Duplex; head: Buffer },
  ): Promise<void> {
    const address = kubeletAddress(target)
    const request = this.#open(address, kubeletPath(name, target), incoming.method ?? 'POST', upgradeHeaders(incoming))
    const hangUp = () => request.destroy()
    client.socket.once('close', hangUp)
    request.end()
    const answer = await new Promise<{ response: IncomingMessage; socket?: Duplex; head?: Buffer }>(
      (resolve, reject) => {
        request.once('upgrade', (response, socket, head) => resolve({ response, socket, head }))
        request.once('response', response => resolve({ response }))
        request.once('error', error => reject(unreachable(address, error)))
      },
    )
    client.socket.off('close', hangUp)
    if (answer.socket === undefined) throw await refusal(answer.response)
    client.socket.write(answerHead(answer.response))
    await this.#join(client, { socket: answer.socket, head: answer.head ?? Buffer.alloc(0) })
  }

  /** Raw bytes both ways, each at the pace of its reader, until both connections are closed. */
  async #join(client: { socket: Duplex; head: Buffer }, kubelet: { socket: Duplex; head: Buffer }): Promise<void> {
    if (client.head.length > 0) kubelet.socket.write(client.head)
    if (kubelet.head.length > 0) client.socket.write(kubelet.head)
    client.socket.pipe(kubelet.socket)
    kubelet.socket.pipe(client.socket)
    await Promise.all([
      this.#hold('client', client.socket, kubelet.socket),
      this.#hold('kubelet', kubelet.socket, client.socket),
    ])
  }

  /** When one side is closed, the other may still write what it has (the outcome of a command, often), and is closed then. */
  #hold(name: string, socket: Duplex, other: Duplex): Promise<void> {
    if ('setNoDelay' in socket && typeof socket.setNoDelay === 'function') socket.setNoDelay(true)
    if ('setTimeout' in socket && typeof socket.setTimeout === 'function') socket.setTimeout(0)
    socket.on('error', error => this.#log.debug({ err: messageOf(error), end: name }, 'stream broke'))
    return new Promise(resolve => {
      socket.once('close', () => {
        other.end()
        setTimeout(() => other.destroy(), LINGER_MS).unref()
        resolve()
      })
    })
  }
}

/** Header names as Node keeps them are lower case; several values of one name stay apart. */
const upgradeHeaders = (incoming: IncomingMessage): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(incoming.headersDistinct).flatMap(([name, values]) =>
      UPGRADE_HEADERS.test(name) && values !== undefined ? [[name, values]] : [],
    ),
  )

/** The kubelet's 101, as it came. */
const answerHead = ({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string => {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`]
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Ends when the source ends or the client leaves; a source that breaks breaks the reply, so that it does not look whole. */
const copy = (from: IncomingMessage, to: ServerResponse | Http2ServerResponse): Promise<void> =>
  new Promise(resolve => {
    to.once('close', () => {
      from.destroy()
      resolve()
    })
    to.on('drain', () => from.resume())
    from.on('data', (chunk: Buffer) => {
      if (!writeTo(to, chunk)) from.pause()
    })
    from.once('end', () => {
      to.end()
      resolve()
    })
    from.once('error', () => {
      to.destroy()
      resolve()
    })
  })

/** The two kinds of reply declare `write` apart. */
const writeTo = (to: ServerResponse | Http2ServerResponse, chunk: Buffer): boolean =>
  'stream' in to ? to.write(chunk) : to.write(chunk)
