import type { Service } from 'kubernetes-types/core/v1.js'
import { draftOf } from '../../kinds/draft.ts'
import type { AdmissionReader } from '../plugin.ts'
import type { WebhookClientConfig } from './webhook.ts'

/** Where a webhook is called. */
export interface WebhookAddress {
  /** As errors and certificates name it: `https://name.namespace.svc:443/path`. */
  url: URL
  /** Where the connection really goes. */
  host: string
  port: number
  /** Name in the certificate. */
  serverName: string
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** `10.0.0.1:443`, for messages. */
export const dialText = ({ host, port }: WebhookAddress): string => `${bracketed(host)}:${port}`

type Target = NonNullable<WebhookClientConfig['service']>

/** The Service's cluster address, as upstream's resolver finds it. Throws Error where it has none. */
const resolve = ({ namespace, name, port = 443 }: Target, reader: AdmissionReader): { host: string; port: number } => {
  const found = reader.get('', 'services', namespace, name)
  const quoted = JSON.stringify(name)
  if (found === undefined) throw new Error(`service ${quoted} not found`)
  const { type, externalName = '', clusterIP = '', ports = [] } = draftOf<Service>(found).spec ?? {}
  if (type === 'ExternalName') return { host: externalName, port }
  if (!ports.some(candidate => candidate.port === port))
    throw new Error(`no service port ${port} found for service ${quoted}`)
  if (clusterIP === 'None' || clusterIP === '') throw new Error('cannot route to service with ClusterIP "None"')
  return { host: clusterIP, port }
}

/** The URL a webhook is known by. Its query is the caller's. Throws Error on one that cannot be called. */
export const webhookUrl = ({ url, service }: WebhookClientConfig): URL => {
  if (service !== undefined) {
    const { namespace, name, path = '', port = 443 } = service
    // The WHATWG URL leaves out a scheme's own port; upstream's messages show it.
    return new URL(`https://${name}.${namespace}.svc:${port}${path.startsWith('/') ? path : `/${path}`}`)
  }
  if (url === undefined || url === '') throw new Error('webhook configuration must have either service or URL')
  const parsed = new URL(url)
  if (parsed.protocol !== 'https:') throw new Error(`webhook URL ${url} must use https`)
  return parsed
}

export const webhookAddress = (client: WebhookClientConfig, reader: AdmissionReader): WebhookAddress => {
  const url = webhookUrl(client)
  if (client.service === undefined) {
    const host = url.hostname.replace(/^\[|\]$/g, '')
    return { url, host, port: Number(url.port || 443), serverName: host }
  }
  return { url, ...resolve(client.service, reader), serverName: url.hostname }
}

/** The URL as Go's client writes it, with the time it allows: `https://a.b.svc:443/check?timeout=10s`. */
export const shownUrl = ({ service }: WebhookClientConfig, url: URL, timeoutSeconds: number): string => {
  const host = service === undefined ? url.host : `${url.hostname}:${service.port ?? 443}`
  return `https://${host}${pathOf(url, timeoutSeconds)}`
}

export const pathOf = (url: URL, timeoutSeconds: number): string => `${url.pathname}?timeout=${timeoutSeconds}s`
