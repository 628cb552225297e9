import { AllocationMetrics } from '../allocation/allocation-metrics.ts'
import { systemClock } from '../../../host/clock.ts'
import type { Clock } from '../../../kube/clock.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { alwaysPullImagesPlugin } from './always-pull-images.ts'
import {
  certificateApprovalPlugin,
  certificateSigningPlugin,
  certificateSubjectRestrictionPlugin,
} from './certificate-signers.ts'
import { defaultIngressClassPlugin } from './default-ingress-class.ts'
import { defaultStorageClassPlugin } from './default-storage-class.ts'
import { extendedResourceTolerationPlugin } from './extended-resource-toleration.ts'
import { limitRangerPlugin } from './limits/limit-ranger.ts'
import { persistentVolumeClaimResizePlugin } from './persistent-volume-claim-resize.ts'
import { podSecurityPlugin } from './pod-security/pod-security.ts'
import { resourceQuotaPlugin } from './quota/resource-quota.ts'
import { runtimeClassPlugin } from './runtime-class.ts'
import { storageObjectInUseProtectionPlugin } from './storage-object-in-use-protection.ts'
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
  /** Asked whether a user may approve for a signer, or sign as one. */
  authorizer: Authorizer
  /** Whether pods get a token mounted: only where tokens are issued. */
  mountTokens?: boolean
  clock?: Clock
  webhookMetrics?: WebhookMetrics
  allocationMetrics?: AllocationMetrics
}

/**
 * The plugins after NamespaceLifecycle, in upstream's order and by upstream's names; allocation comes last, so that
 * nothing is taken for a request that another plugin refuses. Throws SkiffError on a range that cannot be served.
 */
export const admissionPlugins = ({
  clock = systemClock,
  mountTokens = false,
  webhookMetrics = new WebhookMetrics(),
  allocationMetrics = new AllocationMetrics(),
  authorizer,
  ...ranges
}: AdmissionOptions): AdmissionPlugin[] => [
  limitRangerPlugin,
  serviceAccountPlugin(clock, mountTokens),
  nodeRestrictionPlugin,
  taintNodesByConditionPlugin,
  alwaysPullImagesPlugin,
  podSecurityPlugin,
  priorityPlugin,
  defaultTolerationSecondsPlugin,
  extendedResourceTolerationPlugin,
  defaultStorageClassPlugin,
  storageObjectInUseProtectionPlugin,
  persistentVolumeClaimResizePlugin,
  runtimeClassPlugin,
  certificateApprovalPlugin(authorizer),
  certificateSigningPlugin(authorizer),
  certificateSubjectRestrictionPlugin,
  defaultIngressClassPlugin,
  mutatingWebhookPlugin(webhookMetrics),
  policyExpressionsPlugin,
  validatingAdmissionPolicyPlugin(),
  validatingWebhookPlugin(webhookMetrics),
  resourceQuotaPlugin(),
  serviceAllocationPlugin({ ...ranges, metrics: allocationMetrics }),
]
