import { isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { isJsonObject } from '../../../../kube/patch/json-value.ts'
import type { AdmissionReader } from '../plugin.ts'
import { dialText, pathOf, shownUrl, type WebhookAddress, webhookAddress, webhookUrl } from './webhook-address.ts'
import { dialErrorText, httpStatusText, WebhookCallError } from './webhook-errors.ts'
import type { Webhook, WebhookClientConfig } from './webhook.ts'

/** An answer holds at most a patch of a whole object, in base64, and a message; upstream sets no bound at all. */
const answerBytes = 8 * 1024 * 1024
const idleSocketMs = 90_000
const maxSockets = 64

/** Go's words for a time that is up. */
class DeadlineError extends Error {
  constructor() {
    super('context deadline exceeded')
  }
}

const readAnswer = async (response: IncomingMessage, maxBytes: number): Promise<string> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw new Error(`the answer is larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** A kept connection may be closed by its other end at the moment it is used again: then a new one is opened. */
const post = (options: RequestOptions, body: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const request = httpsRequest(options, resolve)
    request.once('error', (error: NodeJS.ErrnoException) => {
      if (request.reusedSocket && error.code === 'ECONNRESET' && options.signal?.aborted !== true)
        post(options, body).then(resolve, reject)
      else reject(error)
    })
    request.end(body)
  })

const parse = (text: string): unknown => {
  if (text === '') throw new Error('0-length response with status code: 200 and content type: ')
  try {
    return JSON.parse(text) as unknown
  } catch {
    const at = JSON.stringify(text.trimStart().slice(0, 1)).slice(1, -1)
    throw new Error(
      `couldn't get version/kind; json parse error: invalid character '${at}' looking for beginning of value`,
    )
  }
}

/** What an answer that is no success says: its own Status, else what its code means. */
const refusalText = (code: number, text: string): string => {
  try {
    const status = JSON.parse(text) as unknown
    if (isJsonObject(status) && status['kind'] === 'Status' && typeof status['message'] === 'string')
      return status['message']
  } catch {
    // Plain words, as most servers answer.
  }
  return httpStatusText(code, text.trim())
}

/** Who is called, and for how long. */
export interface WebhookTarget {
  client: WebhookClientConfig
  timeoutSeconds: number
  maxAnswerBytes?: number
}

/**
 * Asks webhooks, over connections that are kept. Those of two configurations are never shared: each trusts the
 * authority it names, and no other.
 */
export class WebhookClient {
  readonly #agents = new Map<string, Agent>()

  #agentFor({ caBundle = '' }: WebhookClientConfig, serverName: string): Agent {
    const key = `${serverName} ${caBundle}`
    let agent = this.#agents.get(key)
    if (agent === undefined) {
      // A configuration that changed leaves its agent behind; without traffic it holds no socket.
      if (this.#agents.size >= maxSockets) this.#agents.clear()
      agent = new Agent({
        keepAlive: true,
        maxSockets,
        timeout: idleSocketMs,
        ...(caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64').toString() }),
        ...(isIP(serverName) ? {} : { servername: serverName }),
      })
      this.#agents.set(key, agent)
    }
    return agent
  }

  /** Posts a review; the answer as it came, parsed. Throws WebhookCallError, in the words of upstream's client. */
  async ask(webhook: Webhook, review: unknown, reader: AdmissionReader): Promise<unknown> {
    const { name, client, timeoutSeconds } = webhook
    try {
      shownUrl(client, webhookUrl(client), timeoutSeconds)
    } catch (error) {
      throw new WebhookCallError(name, `could not get REST client: ${(error as Error).message}`, { cause: error })
    }
    try {
      return await this.post(webhook, review, reader)
    } catch (error) {
      throw new WebhookCallError(name, `failed to call webhook: ${(error as Error).message}`, { cause: error })
    }
  }

  /** Posts to whoever; the answer parsed. Throws Error in Go's words: `Post "https://…": dial tcp …`. */
  async post(target: WebhookTarget, body: unknown, reader: AdmissionReader): Promise<unknown> {
    const { client, timeoutSeconds } = target
    const shown = JSON.stringify(shownUrl(client, webhookUrl(client), timeoutSeconds))
    let address: WebhookAddress
    try {
      address = webhookAddress(client, reader)
    } catch (error) {
      throw new Error(`Post ${shown}: ${(error as Error).message}`, { cause: error })
    }
    let answer: { code: number; text: string }
    try {
      answer = await this.#exchange(target, address, JSON.stringify(body))
    } catch (error) {
      const why = error instanceof DeadlineError ? error.message : dialErrorText(error, dialText(address))
      throw new Error(`Post ${shown}: ${why}`, { cause: error })
    }
    const { code, text } = answer
    if (code < 200 || code > 206) throw new Error(refusalText(code, text))
    return parse(text)
  }

  async #exchange(
    { client, timeoutSeconds, maxAnswerBytes = answerBytes }: WebhookTarget,
    address: WebhookAddress,
    body: string,
  ): Promise<{ code: number; text: string }> {
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), timeoutSeconds * 1000)
    const options: RequestOptions = {
      agent: this.#agentFor(client, address.serverName),
      host: address.host,
      port: address.port,
      path: pathOf(address.url, timeoutSeconds),
      method: 'POST',
      signal: deadline.signal,
      headers: {
        host: address.url.host,
        accept: 'application/json, */*',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'kube-apiserver-admission',
      },
    }
    try {
      const response = await post(options, body)
      return { code: response.statusCode ?? 0, text: await readAnswer(response, maxAnswerBytes) }
    } catch (error) {
      throw deadline.signal.aborted ? new DeadlineError() : error
    } finally {
      clearTimeout(timer)
    }
  }
}
