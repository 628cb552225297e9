import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https'
import { messageOf } from '../../../kube/errors.ts'
import type { AdmissionReader } from '../admission/plugin.ts'
import { isJsonObject } from '../../../kube/patch/json-value.ts'
import type { AskWebhook } from './conversion.ts'
import type { WebhookClientConfig } from './definition.ts'

/** Upstream's client waits so long for a conversion. */
const timeoutMs = 30_000
/** A list of 500 objects of 1.5 MiB would not be answered by anybody. */
const maxAnswerBytes = 64 * 1024 * 1024

interface Address {
  url: URL
  host: string
  port: number
  serverName: string
}

/** A Service is reached by its cluster address, and shows a certificate for its name. Throws Error where it has none. */
const addressOf = ({ url, service }: WebhookClientConfig, reader: AdmissionReader): Address => {
  if (service === undefined) {
    const parsed = new URL(url ?? '')
    const host = parsed.hostname.replace(/^\[|\]$/g, '')
    return { url: parsed, host, port: Number(parsed.port || 443), serverName: host }
  }
  const { name = '', namespace = '', path = '/', port = 443 } = service
  const serverName = `${name}.${namespace}.svc`
  const parsed = new URL(`https://${serverName}:${port}${path}`)
  const object = reader.get('', 'services', namespace, name)
  if (object === undefined) throw new Error(`service ${JSON.stringify(name)} not found`)
  const spec = isJsonObject(object['spec']) ? object['spec'] : {}
  const host = spec['type'] === 'ExternalName' ? spec['externalName'] : spec['clusterIP']
  if (typeof host !== 'string' || host === '' || host === 'None')
    throw new Error('cannot route to service with ClusterIP "None"')
  return { url: parsed, host, port, serverName }
}

const read = async (response: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxAnswerBytes) throw new Error(`the answer is larger than ${maxAnswerBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

const post = (options: RequestOptions, body: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    httpsRequest(options, resolve).once('error', reject).end(body)
  })

const exchange = async (address: Address, agent: Agent, body: string): Promise<unknown> => {
  const { url, host, port } = address
  const response = await post(
    {
      agent,
      host,
      port,
      path: `${url.pathname}${url.search}`,
      method: 'POST',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        host: url.host,
        accept: 'application/json',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'kube-apiserver',
      },
    },
    body,
  )
  const text = await read(response)
  const code = response.statusCode ?? 0
  if (code < 200 || code > 206)
    throw new Error(`the server responded with the status code ${code}: ${text.trim().slice(0, 200)}`)
  return JSON.parse(text) as unknown
}

/**
 * Posts to conversion webhooks over connections that are kept, one set for each authority that a definition names.
 * Rejects with Go's words: `Post "https://…": connect ECONNREFUSED …`.
 */
export const conversionClient = (reader: AdmissionReader): AskWebhook => {
  const agents = new Map<string, Agent>()
  const agentFor = (caBundle: string, serverName: string): Agent => {
    const key = `${serverName} ${caBundle}`
    let agent = agents.get(key)
    if (agent === undefined) {
      // Definitions that changed leave theirs behind, without sockets after a while.
      if (agents.size >= 64) agents.clear()
      agent = new Agent({
        keepAlive: true,
        timeout: 90_000,
        ...(caBundle === '' ? {} : { ca: Buffer.from(caBundle, 'base64').toString() }),
        ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      })
      agents.set(key, agent)
    }
    return agent
  }
  return async (config, review) => {
    const address = addressOf(config, reader)
    try {
      const agent = agentFor(config.caBundle ?? '', address.serverName)
      return await exchange(address, agent, JSON.stringify(review))
    } catch (error) {
      throw new Error(`Post ${JSON.stringify(`${address.url.href}?timeout=30s`)}: ${messageOf(error)}`, {
        cause: error,
      })
    }
  }
}
