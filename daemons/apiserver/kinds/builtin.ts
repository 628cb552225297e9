import { groupPriority } from './api-priorities.ts'
import { accessReviewKinds } from './access-reviews.ts'
import { apiServiceKind } from './api-service.ts'
import { authenticationReviewKinds } from './authentication-reviews.ts'
import { bindingKind } from './binding.ts'
import { certificateSigningRequestKind } from './certificate-signing-request.ts'
import { componentStatusKind } from './component-status.ts'
import { configMapKind } from './config-map.ts'
import { controllerRevisionKind } from './controller-revision.ts'
import { cronJobKind } from './cron-job.ts'
import { csiDriverKind } from './csi-driver.ts'
import { csiNodeKind } from './csi-node.ts'
import { csiStorageCapacityKind } from './csi-storage-capacity.ts'
import { customResourceDefinitionKind } from './custom-resource-definition.ts'
import { daemonSetKind } from './daemon-set.ts'
import { deploymentKind } from './deployment.ts'
import { deviceClassKind } from './device-class.ts'
import { endpointSliceKind } from './endpoint-slice.ts'
import { endpointsKind } from './endpoints.ts'
import { eventKind, eventV1Kind } from './event.ts'
import { flowSchemaKind } from './flow-schema.ts'
import { horizontalPodAutoscalerKind, horizontalPodAutoscalerV1Kind } from './horizontal-pod-autoscaler.ts'
import { ingressClassKind } from './ingress-class.ts'
import { ingressKind } from './ingress.ts'
import { ipAddressKind } from './ip-address.ts'
import { jobKind } from './job.ts'
import type { Kind } from './kind.ts'
import { leaseKind } from './lease.ts'
import { limitRangeKind } from './limit-range.ts'
import { namespaceKind } from './namespace.ts'
import { networkPolicyKind } from './network-policy.ts'
import { nodeKind } from './node.ts'
import { persistentVolumeClaimKind } from './persistent-volume-claim.ts'
import { persistentVolumeKind } from './persistent-volume.ts'
import { podDisruptionBudgetKind } from './pod-disruption-budget.ts'
import { podTemplateKind } from './pod-template.ts'
import { podKind } from './pod.ts'
import { priorityClassKind } from './priority-class.ts'
import { priorityLevelConfigurationKind } from './priority-level-configuration.ts'
import { replicaSetKind } from './replica-set.ts'
import { replicationControllerKind } from './replication-controller.ts'
import { resourceClaimKind, resourceClaimTemplateKind } from './resource-claim.ts'
import { resourceQuotaKind } from './resource-quota.ts'
import { resourceSliceKind } from './resource-slice.ts'
import { clusterRoleBindingKind, roleBindingKind } from './role-binding.ts'
import { clusterRoleKind, roleKind } from './role.ts'
import { runtimeClassKind } from './runtime-class.ts'
import { secretKind } from './secret.ts'
import { serviceAccountKind } from './service-account.ts'
import { serviceCidrKind } from './service-cidr.ts'
import { serviceKind } from './service.ts'
import { statefulSetKind } from './stateful-set.ts'
import { storageClassKind } from './storage-class.ts'
import { validatingAdmissionPolicyBindingKind } from './validating-admission-policy-binding.ts'
import { validatingAdmissionPolicyKind } from './validating-admission-policy.ts'
import { volumeAttachmentKind } from './volume-attachment.ts'
import { volumeAttributesClassKind } from './volume-attributes-class.ts'
import { mutatingWebhookConfigurationKind, validatingWebhookConfigurationKind } from './webhook-configuration.ts'

/** Every kind the API stores. To add one, write its row in a file of its own and name it here. */
export const builtinKinds: readonly Kind[] = [
  namespaceKind,
  nodeKind,
  podKind,
  serviceKind,
  endpointsKind,
  configMapKind,
  secretKind,
  serviceAccountKind,
  eventKind,
  eventV1Kind,
  endpointSliceKind,
  leaseKind,
  deploymentKind,
  replicaSetKind,
  statefulSetKind,
  daemonSetKind,
  controllerRevisionKind,
  jobKind,
  cronJobKind,
  horizontalPodAutoscalerKind,
  horizontalPodAutoscalerV1Kind,
  replicationControllerKind,
  podTemplateKind,
  limitRangeKind,
  resourceQuotaKind,
  persistentVolumeKind,
  persistentVolumeClaimKind,
  certificateSigningRequestKind,
  ingressKind,
  ingressClassKind,
  networkPolicyKind,
  ipAddressKind,
  serviceCidrKind,
  podDisruptionBudgetKind,
  clusterRoleBindingKind,
  clusterRoleKind,
  roleBindingKind,
  roleKind,
  storageClassKind,
  volumeAttachmentKind,
  csiDriverKind,
  csiNodeKind,
  csiStorageCapacityKind,
  volumeAttributesClassKind,
  runtimeClassKind,
  priorityClassKind,
  mutatingWebhookConfigurationKind,
  validatingWebhookConfigurationKind,
  validatingAdmissionPolicyKind,
  validatingAdmissionPolicyBindingKind,
  apiServiceKind,
  flowSchemaKind,
  priorityLevelConfigurationKind,
  deviceClassKind,
  resourceClaimKind,
  resourceClaimTemplateKind,
  resourceSliceKind,
]

/** What is served and not stored. */
const unstoredKinds: readonly Kind[] = [componentStatusKind, bindingKind]

/**
 * What the API serves: what it stores, the questions it answers, and custom kinds' definitions. In the order in which
 * discovery names groups: upstream's priorities of its APIServices. Where two groups have a kind of the same name,
 * clients take the first.
 */
export const servedKinds: readonly Kind[] = [
  ...builtinKinds,
  ...unstoredKinds,
  customResourceDefinitionKind,
  ...authenticationReviewKinds,
  ...accessReviewKinds,
].sort(
  (a, b) => groupPriority(b.group) - groupPriority(a.group) || (a.group < b.group ? -1 : a.group > b.group ? 1 : 0),
)
