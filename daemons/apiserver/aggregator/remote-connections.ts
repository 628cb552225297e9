import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import type { AdmissionReader } from '../admission/plugin.ts'
import { dialText, type WebhookAddress, webhookAddress } from '../admission/webhook/webhook-address.ts'
import { dialErrorText } from '../admission/webhook/webhook-errors.ts'
import type { Backend } from '../proxy/forward-request.ts'
import type { RemoteApi } from './api-service.ts'

/** PEM texts of `--proxy-client-cert-file` and its key; undefined where none are given. */
export type ProxyIdentity = { cert: string; key: string } | undefined

/** As the aggregator itself asks: whoever serves must let it see everything. */
export const aggregatorHeaders = { 'x-remote-user': 'system:kube-aggregator', 'x-remote-group': 'system:masters' }

const askTimeoutMs = 5000
/** OpenAPI documents of large servers have some megabytes. */
const answerBytes = 32 * 1024 * 1024
const idleSocketMs = 90_000

export interface RemoteAnswer {
  status: number
  headers: IncomingMessage['headers']
  body: Buffer
}

/** Finds aggregated API servers by their Services, and keeps connections to them. */
export class RemoteConnections {
  readonly #reader: AdmissionReader
  readonly #identity: ProxyIdentity
  readonly #agents = new Map<string, { key: string; agent: Agent }>()
  constructor(reader: AdmissionReader, identity: ProxyIdentity) {
    this.#reader = reader
    this.#identity = identity
  }

  /** Throws Error where its Service cannot be resolved. */
  address({ service }: RemoteApi): WebhookAddress {
    return webhookAddress({ service }, this.#reader)
  }

  /** One agent for each APIService: trust in one authority is never another's. */
  #agentFor(api: RemoteApi, serverName: string): Agent {
    const key = JSON.stringify([serverName, api.ca, api.insecure])
    const known = this.#agents.get(api.name)
    if (known?.key === key) return known.agent
    known?.agent.destroy()
    const agent = new Agent({
      ...this.#identity,
      keepAlive: true,
      timeout: idleSocketMs,
      servername: serverName,
      ...(api.ca === '' ? {} : { ca: api.ca }),
      rejectUnauthorized: !api.insecure,
    })
    this.#agents.set(api.name, { key, agent })
    return agent
  }

  /** Where requests for this API go. Throws Error where its Service cannot be resolved. */
  backend(api: RemoteApi): Backend {
    const address = this.address(api)
    const { host, port, serverName } = address
    return { secure: true, host, port, agent: this.#agentFor(api, serverName), name: dialText(address) }
  }

  forget(name: string): void {
    this.#agents.get(name)?.agent.destroy()
    this.#agents.delete(name)
  }

  close(): void {
    for (const name of this.#agents.keys()) this.forget(name)
  }

  /** GET as the aggregator. Rejects with Error in the words of Go's client. */
  async ask(api: RemoteApi, path: string, headers: Record<string, string> = {}): Promise<RemoteAnswer> {
    const { host, port, agent, name } = this.backend(api)
    const signal = AbortSignal.timeout(askTimeoutMs)
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        httpsRequest(
          { host, port, agent: agent as Agent, path, signal, headers: { ...aggregatorHeaders, ...headers } },
          resolve,
        )
          .once('error', reject)
          .end()
      })
      const chunks: Buffer[] = []
      let length = 0
      for await (const chunk of response as AsyncIterable<Buffer>) {
        length += chunk.length
        if (length > answerBytes) throw new Error(`the answer is larger than ${answerBytes} bytes`)
        chunks.push(chunk)
      }
      return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }
    } catch (error) {
      if (signal.aborted)
        throw new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)', { cause: error })
      throw new Error(dialErrorText(error, name), { cause: error })
    }
  }
}
