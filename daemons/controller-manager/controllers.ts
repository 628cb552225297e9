import { SkiffError } from '../../kube/errors.ts'
import type { StartController } from './controller-context.ts'
import { startClusterRoleAggregationController } from './cluster-role-aggregation-controller.ts'
import { startCronJobController } from './cronjob/cronjob-controller.ts'
import { startCsrApprovingController, startCsrSigningController } from './certificates/certificates-controller.ts'
import { startCsrCleanerController } from './certificates/csr-cleaner-controller.ts'
import { startDisruptionController } from './disruption/disruption-controller.ts'
import { startDaemonSetController } from './daemonset/daemonset-controller.ts'
import { startDeploymentController } from './deployment/deployment-controller.ts'
import { startEndpointController } from './endpoint/endpoint-controller.ts'
import { startEndpointSliceController } from './endpointslice/endpointslice-controller.ts'
import { startEndpointSliceMirroringController } from './endpointslice/mirroring-controller.ts'
import { startJobController } from './job/job-controller.ts'
import { startGarbageCollector } from './garbage-collector/garbage-collector.ts'
import { startNamespaceController } from './namespace/namespace-controller.ts'
import { startNodeIpamController } from './node-ipam-controller.ts'
import {
  startNodeLifecycleController,
  startTaintEvictionController,
} from './node-lifecycle/node-lifecycle-controller.ts'
import { startPodGcController } from './pod-gc-controller.ts'
import { startResourceQuotaController } from './resourcequota/resourcequota-controller.ts'
import { startReplicaSetController, startReplicationController } from './replicaset/replicaset-controller.ts'
import { startRootCaPublisher } from './root-ca-publisher.ts'
import { startServiceAccountController } from './service-account-controller.ts'
import { startStatefulSetController } from './statefulset/statefulset-controller.ts'
import { startServiceCidrController } from './service-cidr-controller.ts'
import { startTokenController } from './token-controller.ts'
import { startTtlAfterFinishedController } from './ttl-after-finished-controller.ts'
import { startVolumeBinder } from './volume/binder-controller.ts'
import { startClaimProtectionController, startVolumeProtectionController } from './volume/protection-controllers.ts'

/** Every controller by upstream's name: adding one is adding a row. */
export const controllers: Readonly<Record<string, StartController>> = {
  'deployment-controller': startDeploymentController,
  'replicaset-controller': startReplicaSetController,
  'replicationcontroller-controller': startReplicationController,
  'resourcequota-controller': startResourceQuotaController,
  'daemonset-controller': startDaemonSetController,
  'statefulset-controller': startStatefulSetController,
  'job-controller': startJobController,
  'cronjob-controller': startCronJobController,
  'endpoints-controller': startEndpointController,
  'endpointslice-controller': startEndpointSliceController,
  'endpointslice-mirroring-controller': startEndpointSliceMirroringController,
  'namespace-controller': startNamespaceController,
  'garbage-collector-controller': startGarbageCollector,
  'serviceaccount-controller': startServiceAccountController,
  'node-lifecycle-controller': startNodeLifecycleController,
  'taint-eviction-controller': startTaintEvictionController,
  'node-ipam-controller': startNodeIpamController,
  'pod-garbage-collector-controller': startPodGcController,
  'root-ca-certificate-publisher-controller': startRootCaPublisher,
  'clusterrole-aggregation-controller': startClusterRoleAggregationController,
  'serviceaccount-token-controller': startTokenController,
  'disruption-controller': startDisruptionController,
  'service-cidr-controller': startServiceCidrController,
  'ttl-after-finished-controller': startTtlAfterFinishedController,
  'persistentvolume-binder-controller': startVolumeBinder,
  'persistentvolumeclaim-protection-controller': startClaimProtectionController,
  'persistentvolume-protection-controller': startVolumeProtectionController,
  'certificatesigningrequest-signing-controller': startCsrSigningController,
  'certificatesigningrequest-approving-controller': startCsrApprovingController,
  'certificatesigningrequest-cleaner-controller': startCsrCleanerController,
}

/** Upstream's older, shorter names, which its flag still takes. */
const aliases: Readonly<Record<string, string>> = {
  deployment: 'deployment-controller',
  replicaset: 'replicaset-controller',
  replicationcontroller: 'replicationcontroller-controller',
  resourcequota: 'resourcequota-controller',
  daemonset: 'daemonset-controller',
  statefulset: 'statefulset-controller',
  job: 'job-controller',
  cronjob: 'cronjob-controller',
  endpoint: 'endpoints-controller',
  endpointslice: 'endpointslice-controller',
  endpointslicemirroring: 'endpointslice-mirroring-controller',
  namespace: 'namespace-controller',
  garbagecollector: 'garbage-collector-controller',
  serviceaccount: 'serviceaccount-controller',
  nodelifecycle: 'node-lifecycle-controller',
  nodeipam: 'node-ipam-controller',
  podgc: 'pod-garbage-collector-controller',
  clusterroleaggregation: 'clusterrole-aggregation-controller',
  'serviceaccount-token': 'serviceaccount-token-controller',
  'root-ca-cert-publisher': 'root-ca-certificate-publisher-controller',
  disruption: 'disruption-controller',
  'ttl-after-finished': 'ttl-after-finished-controller',
  'persistentvolume-binder': 'persistentvolume-binder-controller',
  'pvc-protection': 'persistentvolumeclaim-protection-controller',
  'pv-protection': 'persistentvolume-protection-controller',
  csrsigning: 'certificatesigningrequest-signing-controller',
  csrapproving: 'certificatesigningrequest-approving-controller',
  csrcleaner: 'certificatesigningrequest-cleaner-controller',
}

/** The names that --controllers asks for. Throws SkiffError INVALID_INPUT for one that there is not. */
export const selectControllers = (
  wanted: readonly string[],
  names: readonly string[] = Object.keys(controllers),
): string[] => {
  const known = (word: string): string => {
    const name = aliases[word] ?? word
    if (names.includes(name)) return name
    throw new SkiffError('INVALID_INPUT', `--controllers: there is no controller ${JSON.stringify(word)}`, {
      remedy: `there are: ${names.join(', ')}`,
    })
  }
  const without = new Set(wanted.filter(word => word.startsWith('-')).map(word => known(word.slice(1))))
  const named = new Set(wanted.filter(word => word !== '*' && !word.startsWith('-')).map(known))
  return names.filter(name => !without.has(name) && (named.has(name) || wanted.includes('*')))
}
