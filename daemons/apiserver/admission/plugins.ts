import { systemClock } from '../../../host/clock.ts'
import type { Clock } from '../../../kube/clock.ts'
import { defaultIngressClassPlugin } from './default-ingress-class.ts'
import { defaultTolerationSecondsPlugin } from './default-toleration-seconds.ts'
import { nodeRestrictionPlugin } from './node-restriction.ts'
import type { AdmissionPlugin } from './plugin.ts'
import { priorityPlugin } from './priority.ts'
import { serviceAccountPlugin } from './service-account.ts'
import { serviceAllocationPlugin } from './service-allocation.ts'
import { taintNodesByConditionPlugin } from './taint-nodes-by-condition.ts'
import { policyExpressionsPlugin } from './validating-admission-policy/expression-plugin.ts'
import { validatingAdmissionPolicyPlugin } from './validating-admission-policy/policy-plugin.ts'
import { WebhookMetrics } from './webhook/webhook-metrics.ts'
import { mutatingWebhookPlugin, validatingWebhookPlugin } from './webhook/webhook-plugins.ts'

export interface AdmissionOptions {
  /** `10.96.0.0/16` */
  serviceClusterIpRange: string
  /** `30000-32767` */
  serviceNodePortRange: string
  clock?: Clock
  webhookMetrics?: WebhookMetrics
}

/**
 * The plugins after NamespaceLifecycle, in upstream's order and by upstream's names; allocation comes last, so that
 * nothing is taken for a request that another plugin refuses. Throws SkiffError on a range that cannot be served.
 */
export const admissionPlugins = ({
  clock = systemClock,
  webhookMetrics = new WebhookMetrics(),
  ...ranges
}: AdmissionOptions): AdmissionPlugin[] => [
  serviceAccountPlugin(clock),
  nodeRestrictionPlugin,
  taintNodesByConditionPlugin,
  priorityPlugin,
  defaultTolerationSecondsPlugin,
  defaultIngressClassPlugin,
  mutatingWebhookPlugin(webhookMetrics),
  policyExpressionsPlugin,
  validatingAdmissionPolicyPlugin(),
  validatingWebhookPlugin(webhookMetrics),
  serviceAllocationPlugin(ranges),
]
