/**
 * Upstream's roles of the controllers (controller_policy.go of v1.34), in the notation of bootstrap-roles.ts; each is
 * named `system:controller:NAME` and bound to the service account kube-system/NAME. `events`: may write events.
 */
export const bootstrapControllerRoles = `
attachdetach-controller events
  list,watch core: persistentvolumeclaims persistentvolumes
  read core: nodes
  patch,update core: nodes/status
  list,watch core: pods
  create,delete,get,list,watch storage.k8s.io: volumeattachments
  read storage.k8s.io: csidrivers
  read storage.k8s.io: csinodes

clusterrole-aggregation-controller
  escalate,get,list,patch,update,watch rbac.authorization.k8s.io: clusterroles

cronjob-controller events
  get,list,update,watch batch: cronjobs
  create,delete,get,list,patch,update,watch batch: jobs
  update batch: cronjobs/status
  update batch: cronjobs/finalizers
  delete,list,watch core: pods

daemon-set-controller events
  read apps extensions: daemonsets
  update apps extensions: daemonsets/status
  update apps extensions: daemonsets/finalizers
  list,watch core: nodes
  create,delete,list,patch,watch core: pods
  create core: pods/binding
  create,delete,get,list,patch,update,watch apps: controllerrevisions

deployment-controller events
  get,list,update,watch apps extensions: deployments
  update apps extensions: deployments/status
  update apps extensions: deployments/finalizers
  create,delete,get,list,patch,update,watch apps extensions: replicasets
  get,list,update,watch core: pods

disruption-controller events
  read apps extensions: deployments
  read apps extensions: replicasets
  read core: replicationcontrollers
  read policy: poddisruptionbudgets
  read apps: statefulsets
  update policy: poddisruptionbudgets/status
  patch,update core: pods/status
  get *: */scale

endpoint-controller events
  read core: pods services
  create,delete,get,list,update,watch core: endpoints
  create core: endpoints/restricted

endpointslice-controller events
  read core: nodes pods services
  update core: services/finalizers
  create,delete,get,list,update,watch discovery.k8s.io: endpointslices

endpointslicemirroring-controller events
  read core: endpoints services
  update core: services/finalizers
  update core: endpoints/finalizers
  create,delete,get,list,update,watch discovery.k8s.io: endpointslices

expand-controller events
  get,list,patch,update,watch core: persistentvolumes
  patch,update core: persistentvolumeclaims/status
  read core: persistentvolumeclaims
  get core: services

ephemeral-volume-controller events
  read core: pods
  update core: pods/finalizers
  create,get,list,watch core: persistentvolumeclaims

resource-claim-controller events
  read core: pods
  update core: pods/finalizers
  create,delete,get,list,watch resource.k8s.io: resourceclaims
  patch,update resource.k8s.io: resourceclaims resourceclaims/status
  patch,update core: pods/status

generic-garbage-collector events
  delete,get,list,patch,update,watch *: *

horizontal-pod-autoscaler events
  read autoscaling: horizontalpodautoscalers
  update autoscaling: horizontalpodautoscalers/status
  get,update *: */scale
  list,watch core: pods
  list,watch metrics.k8s.io: pods
  read custom.metrics.k8s.io: *
  read external.metrics.k8s.io: *

job-controller events
  get,list,patch,update,watch batch: jobs
  update batch: jobs/status
  update batch: jobs/finalizers
  create,delete,list,patch,watch core: pods

namespace-controller
  delete,get,list,watch core: namespaces
  update core: namespaces/finalize namespaces/status
  delete,deletecollection,get,list,watch *: *

node-controller events
  delete,get,list,patch,update,watch core: nodes
  patch,update core: nodes/status
  patch,update core: pods/status
  delete,get,list,watch core: pods

persistent-volume-binder events
  create,delete,get,list,update,watch core: persistentvolumes
  update core: persistentvolumes/status
  get,list,update,watch core: persistentvolumeclaims
  update core: persistentvolumeclaims/status
  create,delete,get,list,watch core: pods
  read storage.k8s.io: storageclasses
  list,watch core: nodes
  watch core: events
  get core: services

pod-garbage-collector
  delete,list,watch core: pods
  read core: nodes
  patch core: pods/status

replicaset-controller events
  get,list,update,watch apps extensions: replicasets
  update apps extensions: replicasets/status
  update apps extensions: replicasets/finalizers
  create,delete,list,patch,watch core: pods

replication-controller events
  get,list,update,watch core: replicationcontrollers
  update core: replicationcontrollers/status
  update core: replicationcontrollers/finalizers
  create,delete,list,patch,watch core: pods

resourcequota-controller events
  list,watch *: *
  update core: resourcequotas/status

route-controller events
  list,watch core: nodes
  patch core: nodes/status

service-account-controller events
  create core: serviceaccounts

service-controller events
  read core: services
  patch,update core: services/status
  list,watch core: nodes

service-cidrs-controller events
  get,list,patch,update,watch networking.k8s.io: servicecidrs
  patch,update networking.k8s.io: servicecidrs/finalizers
  patch,update networking.k8s.io: servicecidrs/status
  read networking.k8s.io: ipaddresses

statefulset-controller events
  list,watch core: pods
  read apps: statefulsets
  update apps: statefulsets/status
  update apps: statefulsets/finalizers
  create,delete,get,patch,update core: pods
  create,delete,get,list,patch,update,watch apps: controllerrevisions
  create,get,list,watch core: persistentvolumeclaims
  delete,update core: persistentvolumeclaims
  update core: pods/finalizers

ttl-controller events
  list,patch,update,watch core: nodes

certificate-controller events
  delete,get,list,watch certificates.k8s.io: certificatesigningrequests
  update certificates.k8s.io: certificatesigningrequests/approval certificatesigningrequests/status
  approve certificates.k8s.io: signers [kubernetes.io/kube-apiserver-client-kubelet]
  sign certificates.k8s.io: signers [kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown]
  create authorization.k8s.io: subjectaccessreviews

pvc-protection-controller events
  get,list,update,watch core: persistentvolumeclaims
  read core: pods

pv-protection-controller events
  get,list,update,watch core: persistentvolumes

volumeattributesclass-protection-controller events
  read core: persistentvolumeclaims
  read core: persistentvolumes
  get,list,update,watch storage.k8s.io: volumeattributesclasses

ttl-after-finished-controller events
  delete,get,list,watch batch: jobs

root-ca-cert-publisher events
  create,update core: configmaps

validatingadmissionpolicy-status-controller events
  read admissionregistration.k8s.io: validatingadmissionpolicies
  get,patch,update admissionregistration.k8s.io: validatingadmissionpolicies/status

legacy-service-account-token-cleaner
  get core: configmaps [kube-apiserver-legacy-service-account-token-tracking]
  delete,patch core: secrets

selinux-warning-controller events
  read core: persistentvolumes
  read core: persistentvolumeclaims
  read core: pods
  read storage.k8s.io: csidrivers
`
