import { isExempt } from '../match-rules.ts'
import type { AdmissionHost, AdmissionPlugin, AdmissionRequest } from '../plugin.ts'
import { rowFor } from './match-webhook.ts'
import type { WebhookMetrics } from './webhook-metrics.ts'
import { WebhookTable } from './webhook-table.ts'
import type { Webhook, WebhookType } from './webhook.ts'

/** Loaded with the first webhook that catches a request: most clusters have none. */
const load = async () => {
  const [dispatch, { WebhookClient }] = await Promise.all([import('./dispatch.ts'), import('./webhook-client.ts')])
  return { ...dispatch, client: new WebhookClient() }
}

/** One phase of the webhooks. Without configurations, or where no rule catches the request, it costs one look. */
class WebhookDispatcher {
  readonly #type: WebhookType
  readonly #metrics: WebhookMetrics
  #host: { host: AdmissionHost; table: WebhookTable } | undefined
  #loaded: ReturnType<typeof load> | undefined

  constructor(type: WebhookType, metrics: WebhookMetrics) {
    this.#type = type
    this.#metrics = metrics
  }

  attach(host: AdmissionHost): void {
    this.#host = { host, table: new WebhookTable(host.store, this.#type) }
  }

  dispatch(request: AdmissionRequest): Promise<void> | undefined {
    if (this.#host === undefined) return undefined
    const { host, table } = this.#host
    if (table.all.length === 0) return undefined
    const concerned = table.all.filter(webhook => rowFor(webhook, request, host) !== undefined)
    return concerned.length === 0 ? undefined : this.#call(concerned, request, host)
  }

  async #call(webhooks: readonly Webhook[], request: AdmissionRequest, host: AdmissionHost): Promise<void> {
    const { client, dispatchMutating, dispatchValidating } = await (this.#loaded ??= load())
    const caller = { client, metrics: this.#metrics, host }
    await (this.#type === 'admit' ? dispatchMutating : dispatchValidating)(webhooks, request, caller)
  }
}

/** Calls what MutatingWebhookConfigurations name; near the end of the mutating phase. */
export const mutatingWebhookPlugin = (metrics: WebhookMetrics): AdmissionPlugin => {
  const dispatcher = new WebhookDispatcher('admit', metrics)
  return {
    name: 'MutatingAdmissionWebhook',
    handles: route => !isExempt(route),
    attach: host => dispatcher.attach(host),
    admit: request => dispatcher.dispatch(request),
  }
}

/** Calls what ValidatingWebhookConfigurations name; of the validating phase only quota comes after it. */
export const validatingWebhookPlugin = (metrics: WebhookMetrics): AdmissionPlugin => {
  const dispatcher = new WebhookDispatcher('validating', metrics)
  return {
    name: 'ValidatingAdmissionWebhook',
    handles: route => !isExempt(route),
    attach: host => dispatcher.attach(host),
    validate: request => dispatcher.dispatch(request),
  }
}
