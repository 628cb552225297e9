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
import { copyAnswer } from '../proxy/copy-answer.ts'
import { joinSockets } from '../proxy/join-sockets.ts'
import { withoutToken } from '../proxy/proxy-headers.ts'
import { logOptionsOf } from './log-options.ts'
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
  /** For who asks not to look at the kubelet's certificate (`insecureSkipTLSVerifyBackend`). */
  readonly #trustingAgent: Agent
  constructor({ cert, key, ca, log }: KubeletProxyOptions) {
    this.#log = log
    // Connections carry streams and are not worth keeping; TLS sessions are resumed by the agent.
    this.#agent = new Agent({ cert, key, ca, keepAlive: false })
    this.#trustingAgent = new Agent({ cert, key, keepAlive: false, rejectUnauthorized: false })
  }

  #open(
    options: KubeletAddress & { path: string; method: string; headers: Record<string, string[]> },
    agent: Agent = this.#agent,
  ): ClientRequest {
    const request = httpsRequest({ ...options, agent })
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
    const { insecureSkipTLSVerifyBackend } = logOptionsOf(target.query, podOf(target).metadata?.name ?? '')
    const request = this.#open(
      { ...address, path, method: 'GET', headers: {} },
      insecureSkipTLSVerifyBackend ? this.#trustingAgent : this.#agent,
    )
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
    await copyAnswer(from, to)
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
    const { method = 'POST' } = incoming
    const request = this.#open({
      ...address,
      path: kubeletPath(name, target),
      method,
      headers: upgradeHeaders(incoming),
    })
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
    const server = { socket: answer.socket, head: answer.head ?? Buffer.alloc(0) }
    await joinSockets(client, server, (end, error) => this.#log.debug({ err: messageOf(error), end }, 'stream broke'))
  }
}

/** Header names as Node keeps them are lower case; several values of one name stay apart. */
const upgradeHeaders = (incoming: IncomingMessage): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(incoming.headersDistinct).flatMap(([name, values]) =>
      UPGRADE_HEADERS.test(name) && values !== undefined
        ? [[name, name === 'sec-websocket-protocol' ? withoutToken(values) : values] as const]
        : [],
    ),
  )

/** The kubelet's 101, as it came. */
const answerHead = ({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string => {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage}`]
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
