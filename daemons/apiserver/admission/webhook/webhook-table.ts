import type { Store } from '../../store/store.ts'
import { type Webhook, webhooksOf, type WebhookType } from './webhook.ts'

const collections = { admit: 'mutatingwebhookconfigurations', validating: 'validatingwebhookconfigurations' } as const

/** The webhooks of one type, as the stored configurations have them: kept by a watch, so that a request only looks. */
export class WebhookTable {
  readonly #type: WebhookType
  readonly #byConfiguration = new Map<string, readonly Webhook[]>()
  #all: readonly Webhook[] = []

  constructor(store: Store, type: WebhookType) {
    this.#type = type
    const prefix = `/registry/admissionregistration.k8s.io/${collections[type]}/`
    const { entries, revision } = store.range({ prefix })
    for (const { object } of entries) this.#byConfiguration.set(object.metadata?.name ?? '', webhooksOf(object, type))
    this.#sort()
    store.watch(prefix, revision, ({ type: event, entry }) => {
      const name = entry.key.slice(prefix.length)
      if (event === 'delete') this.#byConfiguration.delete(name)
      else this.#byConfiguration.set(name, webhooksOf(entry.object, this.#type))
      this.#sort()
    })
  }

  /** In the order they are called in: configurations by name, their webhooks as they are listed. */
  get all(): readonly Webhook[] {
    return this.#all
  }

  #sort(): void {
    const names = [...this.#byConfiguration.keys()].sort()
    this.#all = names.flatMap(name => this.#byConfiguration.get(name) ?? [])
  }
}
