/**
 * Upstream's default roles (plugin/pkg/auth/authorizer/rbac/bootstrappolicy of v1.34) and those of Skiff's own
 * components. A paragraph is a ClusterRole: its name, then what its line says of it (`+label` of aggregation,
 * `<label` whose roles it is made of, `= subjects` of the binding that has the role's name), then a rule a line:
 * verbs, groups, resources and [names]; or verbs and paths. `read`, `write` and `all` are groups of verbs.
 */
export const bootstrapRoles = `
cluster-admin = group:system:masters
  * *: *
  * *

system:discovery = group:system:authenticated
  get /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/

system:public-info-viewer = group:system:authenticated group:system:unauthenticated
  get /healthz /livez /readyz /version /version/

system:basic-user = group:system:authenticated
  create authorization.k8s.io: selfsubjectaccessreviews selfsubjectrulesreviews
  create authentication.k8s.io: selfsubjectreviews

system:monitoring = group:system:monitoring
  get /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*

system:service-account-issuer-discovery = group:system:serviceaccounts
  get /.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/

admin <admin

edit <edit +admin

view <view +edit

system:aggregate-to-admin +admin
  create authorization.k8s.io: localsubjectaccessreviews
  all rbac.authorization.k8s.io: roles rolebindings

system:aggregate-to-edit +edit
  read core: pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy
  impersonate core: serviceaccounts
  write core: pods pods/attach pods/exec pods/portforward pods/proxy
  create core: pods/eviction
  write core: configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy
  create core: serviceaccounts/token
  write apps: daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale
  write autoscaling: horizontalpodautoscalers
  write batch: cronjobs jobs
  write extensions: daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale replicationcontrollers/scale
  write policy: poddisruptionbudgets
  write networking.k8s.io: ingresses networkpolicies
  all coordination.k8s.io: leases
  write resource.k8s.io: resourceclaims resourceclaimtemplates

system:aggregate-to-view +view
  read core: configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status
  read core: bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status
  read core: namespaces
  read discovery.k8s.io: endpointslices
  read apps: controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status
  read autoscaling: horizontalpodautoscalers horizontalpodautoscalers/status
  read batch: cronjobs cronjobs/status jobs jobs/status
  read extensions: daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale
  read policy: poddisruptionbudgets poddisruptionbudgets/status
  read networking.k8s.io: ingresses ingresses/status networkpolicies
  read resource.k8s.io: resourceclaims resourceclaims/status resourceclaimtemplates

system:heapster
  read core: events namespaces nodes pods
  read extensions: deployments

# Upstream's node authorizer holds these rules by itself: the binding has no subjects.
system:node =
  create authentication.k8s.io: tokenreviews
  create authorization.k8s.io: localsubjectaccessreviews subjectaccessreviews
  read core: services
  create,get,list,watch core: nodes
  patch,update core: nodes/status
  patch,update core: nodes
  create,patch,update core events.k8s.io: events
  read core: pods
  create,delete core: pods
  patch,update core: pods/status
  create core: pods/eviction
  get,list,watch core: configmaps secrets
  get core: persistentvolumeclaims persistentvolumes
  get core: endpoints
  create,get,list,watch certificates.k8s.io: certificatesigningrequests
  create,delete,get,patch,update coordination.k8s.io: leases
  get storage.k8s.io: volumeattachments
  create core: serviceaccounts/token
  get,patch,update core: persistentvolumeclaims/status
  read storage.k8s.io: csidrivers
  create,delete,get,patch,update storage.k8s.io: csinodes
  read node.k8s.io: runtimeclasses
  get resource.k8s.io: resourceclaims
  deletecollection,create,delete,get,list,patch,update,watch resource.k8s.io: resourceslices

# The nodes of Skiff lay the routes to each other's pods themselves.
system:skiff:node = group:system:nodes
  read core: nodes

system:node-proxier = user:system:kube-proxy
  list,watch core: endpoints services
  get,list,watch core: nodes
  create,patch,update core events.k8s.io: events
  list,watch discovery.k8s.io: endpointslices
  list,watch networking.k8s.io: servicecidrs

system:node-problem-detector
  get core: nodes
  patch core: nodes/status
  create,patch,update core events.k8s.io: events

system:node-bootstrapper
  create,get,list,watch certificates.k8s.io: certificatesigningrequests

system:kubelet-api-admin
  get,list,proxy,watch core: nodes
  * core: nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats

system:auth-delegator
  create authentication.k8s.io: tokenreviews
  create authorization.k8s.io: subjectaccessreviews

system:kube-aggregator
  read core: endpoints services

system:kube-controller-manager = user:system:kube-controller-manager
  create,patch,update core events.k8s.io: events
  create coordination.k8s.io: leases
  get,update coordination.k8s.io: leases [kube-controller-manager]
  create core: secrets serviceaccounts
  delete core: secrets
  get core: configmaps namespaces secrets serviceaccounts
  update core: secrets serviceaccounts
  create authentication.k8s.io: tokenreviews
  create authorization.k8s.io: subjectaccessreviews
  list,watch *: *
  create core: serviceaccounts/token

# Skiff's controllers share one identity: what upstream gives to the service accounts of each of them.
system:skiff:controllers = user:system:kube-controller-manager
  delete,deletecollection,get,list,patch,update,watch *: *
  create core: configmaps endpoints endpoints/restricted persistentvolumeclaims persistentvolumes pods pods/binding pods/eviction secrets serviceaccounts
  create apps: controllerrevisions replicasets
  create batch: jobs
  create coordination.k8s.io: leases
  create discovery.k8s.io: endpointslices
  create storage.k8s.io: volumeattachments
  escalate rbac.authorization.k8s.io: clusterroles
  approve certificates.k8s.io: signers [kubernetes.io/kube-apiserver-client-kubelet]
  sign certificates.k8s.io: signers [kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown]

system:kube-dns = sa:kube-dns
  list,watch core: endpoints services

system:kube-scheduler = user:system:kube-scheduler
  create,patch,update core events.k8s.io: events
  create coordination.k8s.io: leases
  get,list,update,watch coordination.k8s.io: leases [kube-scheduler]
  read core: nodes
  delete,get,list,watch core: pods
  create core: bindings pods/binding
  patch,update core: pods/status
  read core: replicationcontrollers services
  read apps extensions: replicasets
  read apps: statefulsets
  read policy: poddisruptionbudgets
  read core: persistentvolumeclaims persistentvolumes
  create authentication.k8s.io: tokenreviews
  create authorization.k8s.io: subjectaccessreviews
  read storage.k8s.io: csinodes
  read core: namespaces
  read storage.k8s.io: csidrivers
  read storage.k8s.io: csistoragecapacities
  read resource.k8s.io: deviceclasses
  delete,get,list,patch,update,watch resource.k8s.io: resourceclaims
  patch,update resource.k8s.io: resourceclaims/status
  read resource.k8s.io: resourceslices
  read storage.k8s.io: volumeattachments

# Priorities are resolved by admission upstream; Skiff's scheduler reads them too.
system:skiff:scheduler = user:system:kube-scheduler
  read scheduling.k8s.io: priorityclasses

system:volume-scheduler = user:system:kube-scheduler
  get,list,patch,update,watch core: persistentvolumes
  read storage.k8s.io: storageclasses
  get,list,patch,update,watch core: persistentvolumeclaims

system:persistent-volume-provisioner
  create,delete,get,list,watch core: persistentvolumes
  get,list,update,watch core: persistentvolumeclaims
  read storage.k8s.io: storageclasses
  watch core: events
  create,patch,update core events.k8s.io: events

system:certificates.k8s.io:certificatesigningrequests:nodeclient
  create certificates.k8s.io: certificatesigningrequests/nodeclient

system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
  create certificates.k8s.io: certificatesigningrequests/selfnodeclient

system:certificates.k8s.io:kube-apiserver-client-approver
  approve certificates.k8s.io: signers [kubernetes.io/kube-apiserver-client]

system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
  approve certificates.k8s.io: signers [kubernetes.io/kube-apiserver-client-kubelet]

system:certificates.k8s.io:kubelet-serving-approver
  approve certificates.k8s.io: signers [kubernetes.io/kubelet-serving]

system:certificates.k8s.io:legacy-unknown-approver
  approve certificates.k8s.io: signers [kubernetes.io/legacy-unknown]

system:skiff:dns = user:system:skiff:dns
  read core: endpoints namespaces nodes pods services
  read discovery.k8s.io: endpointslices

system:skiff:ingress = user:system:skiff:ingress
  read core: configmaps endpoints namespaces nodes pods secrets services
  read discovery.k8s.io: endpointslices
  read networking.k8s.io: ingresses ingressclasses
  create networking.k8s.io: ingressclasses
  get,patch,update networking.k8s.io: ingresses/status
  create,patch,update core events.k8s.io: events
  create,get,list,patch,update,watch coordination.k8s.io: leases

system:skiff:proxy = user:system:kube-proxy
  read core: endpoints namespaces nodes services
  read discovery.k8s.io: endpointslices
`

/** Roles in a namespace, written the same way: `NAMESPACE/NAME`; their bindings are named as upstream names them. */
export const bootstrapNamespaceRoles = `
kube-system/extension-apiserver-authentication-reader = user:system:kube-controller-manager user:system:kube-scheduler @system::extension-apiserver-authentication-reader
  read core: configmaps [extension-apiserver-authentication]

kube-system/system:controller:bootstrap-signer = sa:bootstrap-signer
  read core: secrets

kube-system/system:controller:cloud-provider = sa:cloud-provider
  create,get,list,watch core: configmaps

kube-system/system:controller:token-cleaner = sa:token-cleaner
  delete,get,list,watch core: secrets
  create,patch,update core events.k8s.io: events

kube-system/system::leader-locking-kube-controller-manager = user:system:kube-controller-manager sa:kube-controller-manager
  watch core: configmaps
  get,update core: configmaps [kube-controller-manager]

kube-system/system::leader-locking-kube-scheduler = user:system:kube-scheduler sa:kube-scheduler
  watch core: configmaps
  get,update core: configmaps [kube-scheduler]

kube-public/system:controller:bootstrap-signer = sa:bootstrap-signer
  read core: configmaps
  update core: configmaps [cluster-info]
  create,patch,update core events.k8s.io: events
`
