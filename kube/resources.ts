import type { HorizontalPodAutoscaler } from 'kubernetes-types/autoscaling/v2.js'
import type { Job, CronJob } from 'kubernetes-types/batch/v1.js'
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from 'kubernetes-types/apps/v1.js'
import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js'
import type { Lease } from 'kubernetes-types/coordination/v1.js'
import type {
  ConfigMap,
  Endpoints,
  Event,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import type { FlowSchema, PriorityLevelConfiguration } from 'kubernetes-types/flowcontrol/v1.js'
import type { Condition } from 'kubernetes-types/meta/v1.js'
import type { Ingress, IngressClass } from 'kubernetes-types/networking/v1.js'
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js'
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kubernetes-types/rbac/v1.js'
import type { CustomResourceDefinition } from 'kubernetes-types/apiextensions/v1.js'
import type { PriorityClass } from 'kubernetes-types/scheduling/v1.js'
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import type { KubeObject } from './object.ts'
import type { Resource } from './resource.ts'

const core = (kind: string, plural: string, namespaced = true) => ({
  group: '',
  version: 'v1',
  kind,
  plural,
  namespaced,
})

export const namespaces: Resource<Namespace> = core('Namespace', 'namespaces', false)
export const nodes: Resource<Node> = core('Node', 'nodes', false)
export const pods: Resource<Pod> = core('Pod', 'pods')
export const services: Resource<Service> = core('Service', 'services')
export const endpoints: Resource<Endpoints> = core('Endpoints', 'endpoints')
export const configMaps: Resource<ConfigMap> = core('ConfigMap', 'configmaps')
export const secrets: Resource<Secret> = core('Secret', 'secrets')
export const serviceAccounts: Resource<ServiceAccount> = core('ServiceAccount', 'serviceaccounts')
/** events.k8s.io/v1 serves the same objects under its own shape; these are the core ones. */
export const events: Resource<Event> = core('Event', 'events')
export const endpointSlices: Resource<EndpointSlice> = {
  group: 'discovery.k8s.io',
  version: 'v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  namespaced: true,
}
export const leases: Resource<Lease> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
}
export const deployments: Resource<Deployment> = {
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  plural: 'deployments',
  namespaced: true,
}
export const replicaSets: Resource<ReplicaSet> = {
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  plural: 'replicasets',
  namespaced: true,
}
export const ingresses: Resource<Ingress> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'Ingress',
  plural: 'ingresses',
  namespaced: true,
}
export const ingressClasses: Resource<IngressClass> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  namespaced: false,
}
export const priorityClasses: Resource<PriorityClass> = {
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  plural: 'priorityclasses',
  namespaced: false,
}

const rbac = (kind: string, plural: string, namespaced: boolean) => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced,
})

export const roles: Resource<Role> = rbac('Role', 'roles', true)
export const roleBindings: Resource<RoleBinding> = rbac('RoleBinding', 'rolebindings', true)
export const clusterRoles: Resource<ClusterRole> = rbac('ClusterRole', 'clusterroles', false)
export const clusterRoleBindings: Resource<ClusterRoleBinding> = rbac(
  'ClusterRoleBinding',
  'clusterrolebindings',
  false,
)

export const podDisruptionBudgets: Resource<PodDisruptionBudget> = {
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced: true,
}

const flowControl = (kind: string, plural: string) => ({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: false,
})

export const flowSchemas: Resource<FlowSchema> = flowControl('FlowSchema', 'flowschemas')
export const priorityLevelConfigurations: Resource<PriorityLevelConfiguration> = flowControl(
  'PriorityLevelConfiguration',
  'prioritylevelconfigurations',
)

/** networking.k8s.io/v1 ServiceCIDR, which kubernetes-types does not know yet. */
export interface ServiceCIDR extends KubeObject {
  spec?: { cidrs?: string[] }
  status?: { conditions?: Condition[] }
}
export const serviceCidrs: Resource<ServiceCIDR> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  plural: 'servicecidrs',
  namespaced: false,
}

/** networking.k8s.io/v1 IPAddress, which kubernetes-types does not know yet; its name is the address. */
export interface IPAddress extends KubeObject {
  spec?: { parentRef?: { group?: string; resource: string; namespace?: string; name: string } }
}
export const ipAddresses: Resource<IPAddress> = {
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  plural: 'ipaddresses',
  namespaced: false,
}

export const customResourceDefinitions: Resource<CustomResourceDefinition> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
}

export const replicationControllers: Resource<ReplicationController> = core(
  'ReplicationController',
  'replicationcontrollers',
)
export const podTemplates: Resource<PodTemplate> = core('PodTemplate', 'podtemplates')
export const limitRanges: Resource<LimitRange> = core('LimitRange', 'limitranges')
export const resourceQuotas: Resource<ResourceQuota> = core('ResourceQuota', 'resourcequotas')
export const persistentVolumes: Resource<PersistentVolume> = core('PersistentVolume', 'persistentvolumes', false)
export const persistentVolumeClaims: Resource<PersistentVolumeClaim> = core(
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
)

export const storageClasses: Resource<StorageClass> = {
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
  namespaced: false,
}

const grouped = (group: string, version: string) => (kind: string, plural: string) => ({
  group,
  version,
  kind,
  plural,
  namespaced: true,
})
const apps = grouped('apps', 'v1')
const batch = grouped('batch', 'v1')

export const statefulSets: Resource<StatefulSet> = apps('StatefulSet', 'statefulsets')
export const daemonSets: Resource<DaemonSet> = apps('DaemonSet', 'daemonsets')
export const controllerRevisions: Resource<ControllerRevision> = apps('ControllerRevision', 'controllerrevisions')
export const jobs: Resource<Job> = batch('Job', 'jobs')
export const cronJobs: Resource<CronJob> = batch('CronJob', 'cronjobs')
export const horizontalPodAutoscalers: Resource<HorizontalPodAutoscaler> = grouped('autoscaling', 'v2')(
  'HorizontalPodAutoscaler',
  'horizontalpodautoscalers',
)
export const certificateSigningRequests: Resource<CertificateSigningRequest> = {
  group: 'certificates.k8s.io',
  version: 'v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  namespaced: false,
}
