import type { AdmissionReader } from '../admission/plugin.ts'
import type { WebhookClient } from '../admission/webhook/webhook-client.ts'
import type { AskWebhook } from './conversion.ts'
import type { WebhookClientConfig } from './definition.ts'

/** Upstream's client waits so long for a conversion. */
const timeoutSeconds = 30
/** The objects of a whole list come back in one answer. */
const maxAnswerBytes = 64 * 1024 * 1024

/** As validation has seen it: the names of a service are there. */
const clientOf = ({ url, service, caBundle }: WebhookClientConfig) => ({
  ...(url === undefined ? {} : { url }),
  ...(service === undefined
    ? {}
    : { service: { ...service, name: service.name ?? '', namespace: service.namespace ?? '' } }),
  ...(caBundle === undefined ? {} : { caBundle }),
})

/** Posts to conversion webhooks as admission's are; the client is loaded by the first object that is converted. */
export const conversionClient = (reader: AdmissionReader): AskWebhook => {
  let loaded: Promise<WebhookClient> | undefined
  return async (config, review) => {
    loaded ??= import('../admission/webhook/webhook-client.ts').then(({ WebhookClient: Client }) => new Client())
    return (await loaded).post({ client: clientOf(config), timeoutSeconds, maxAnswerBytes }, review, reader)
  }
}
