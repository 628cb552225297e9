import type { UnknownObject } from '../../../../kube/object.ts'
import { type LabelSelector, type MetaLabelSelector, requirementsOf } from '../../../../kube/selectors.ts'

/** Which requests a webhook (or a policy) is for: admissionregistration.k8s.io/v1 RuleWithOperations. */
export interface AdmissionRule {
  operations?: readonly string[]
  apiGroups?: readonly string[]
  apiVersions?: readonly string[]
  /** `pods`, `pods/status`, `pods/*`, `*`, `*` + `/scale`, `*` + `/*` */
  resources?: readonly string[]
  /** `Cluster`, `Namespaced` or `*`, which is also the default. */
  scope?: string
}

export interface MatchCondition {
  name: string
  /** CEL, of type bool. */
  expression: string
}

export interface WebhookClientConfig {
  url?: string
  service?: { namespace: string; name: string; path?: string; port?: number }
  /** PEM, in base64. */
  caBundle?: string
}

/** `admit` changes objects, `validating` only looks at them: upstream's words in metrics. */
export type WebhookType = 'admit' | 'validating'

/** One webhook of a configuration, with what the API leaves open filled in. */
export interface Webhook {
  type: WebhookType
  /** The name of the object it stands in. */
  configuration: string
  /** Tells it from every other webhook, also from one of the same name. */
  id: string
  name: string
  rules: readonly AdmissionRule[]
  /** Whether a rule for one version of a resource also catches requests made through another. */
  equivalent: boolean
  namespaceSelector: LabelSelector
  objectSelector: LabelSelector
  matchConditions: readonly MatchCondition[]
  ignoresFailure: boolean
  timeoutSeconds: number
  sideEffects: string
  reinvoked: boolean
  client: WebhookClientConfig
}

/** As it stands in the stored object, which validation has seen. */
interface StoredWebhook {
  name: string
  rules?: AdmissionRule[]
  matchPolicy?: string
  namespaceSelector?: MetaLabelSelector
  objectSelector?: MetaLabelSelector
  matchConditions?: MatchCondition[]
  failurePolicy?: string
  timeoutSeconds?: number
  sideEffects?: string
  reinvocationPolicy?: string
  clientConfig: WebhookClientConfig
}

/** The webhooks of a MutatingWebhookConfiguration or a ValidatingWebhookConfiguration, in their order. */
export const webhooksOf = (configuration: UnknownObject, type: WebhookType): Webhook[] => {
  const { name: configurationName = '' } = configuration.metadata ?? {}
  const stored = (configuration['webhooks'] ?? []) as StoredWebhook[]
  const seen = new Map<string, number>()
  return stored.map(webhook => {
    const index = seen.get(webhook.name) ?? 0
    seen.set(webhook.name, index + 1)
    return {
      type,
      configuration: configurationName,
      id: `${configurationName}/${webhook.name}/${index}`,
      name: webhook.name,
      rules: webhook.rules ?? [],
      equivalent: webhook.matchPolicy !== 'Exact',
      namespaceSelector: requirementsOf(webhook.namespaceSelector ?? {}),
      objectSelector: requirementsOf(webhook.objectSelector ?? {}),
      matchConditions: webhook.matchConditions ?? [],
      ignoresFailure: webhook.failurePolicy === 'Ignore',
      timeoutSeconds: webhook.timeoutSeconds ?? 10,
      sideEffects: webhook.sideEffects ?? 'Unknown',
      reinvoked: webhook.reinvocationPolicy === 'IfNeeded',
      client: webhook.clientConfig,
    }
  })
}
