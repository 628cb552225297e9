/**
 * What the API says of its fields beyond types and texts, as Kubernetes v1.34 publishes it in OpenAPI and in the tags
 * of its Go types. One definition a line (continued where indented): its short name, then `field=fact,fact`.
 *
 * - `atomic`, `granular`, `set`, `map(key+key)`: x-kubernetes-list-type, list-map-keys, map-type: who may own what in it
 * - `merge`, `merge(key)`, `replace`, `retainKeys`: x-kubernetes-patch-strategy and patch-merge-key
 * - `default(json)`: the default that OpenAPI publishes
 * - `quantity`: a resource quantity, or a map of them (the source of the types calls both strings)
 * - `there`: Go holds it by value or writes it even when empty, so that no manager ever counts as having added it
 *
 * `*` stands for the definition itself. scripts/derive-schemas.mjs joins this with the types of the models it reads.
 */
export const listFacts = `
admissionregistration.v1.MatchResources *=atomic resourceRules=atomic excludeResourceRules=atomic
admissionregistration.v1.MutatingWebhook clientConfig=there rules=atomic admissionReviewVersions=atomic,there
  matchConditions=map(name),merge(name)
admissionregistration.v1.MutatingWebhookConfiguration webhooks=map(name),merge(name)
admissionregistration.v1.NamedRuleWithOperations *=atomic resourceNames=atomic operations=atomic apiGroups=atomic
  apiVersions=atomic resources=atomic
admissionregistration.v1.ParamKind *=atomic
admissionregistration.v1.ParamRef *=atomic
admissionregistration.v1.RuleWithOperations operations=atomic apiGroups=atomic apiVersions=atomic resources=atomic
admissionregistration.v1.TypeChecking expressionWarnings=atomic
admissionregistration.v1.ValidatingAdmissionPolicy spec=there status=there
admissionregistration.v1.ValidatingAdmissionPolicyBinding spec=there
admissionregistration.v1.ValidatingAdmissionPolicyBindingSpec validationActions=set
admissionregistration.v1.ValidatingAdmissionPolicySpec validations=atomic auditAnnotations=atomic
  matchConditions=map(name),merge(name) variables=map(name),merge(name)
admissionregistration.v1.ValidatingAdmissionPolicyStatus conditions=map(type)
admissionregistration.v1.ValidatingWebhook clientConfig=there rules=atomic admissionReviewVersions=atomic,there
  matchConditions=map(name),merge(name)
admissionregistration.v1.ValidatingWebhookConfiguration webhooks=map(name),merge(name)
admissionregistration.v1.Variable *=atomic
apiregistration.v1.APIService spec=there status=there
apiregistration.v1.APIServiceStatus conditions=map(type),merge(type)
apps.v1.DaemonSet spec=there status=there
apps.v1.DaemonSetSpec template=there updateStrategy=there
apps.v1.DaemonSetStatus conditions=map(type),merge(type)
apps.v1.Deployment spec=there status=there
apps.v1.DeploymentSpec template=there strategy=retainKeys,there
apps.v1.DeploymentStatus conditions=map(type),merge(type)
apps.v1.ReplicaSet spec=there status=there
apps.v1.ReplicaSetSpec template=there
apps.v1.ReplicaSetStatus conditions=map(type),merge(type)
apps.v1.StatefulSet spec=there status=there
apps.v1.StatefulSetSpec template=there volumeClaimTemplates=atomic updateStrategy=there
apps.v1.StatefulSetStatus conditions=map(type),merge(type)
authentication.v1.SelfSubjectReview status=there
authentication.v1.SelfSubjectReviewStatus userInfo=there
authentication.v1.TokenRequest spec=there status=there
authentication.v1.TokenRequestSpec audiences=atomic,there
authentication.v1.TokenReview spec=there status=there
authentication.v1.TokenReviewSpec audiences=atomic
authentication.v1.TokenReviewStatus user=there audiences=atomic
authentication.v1.UserInfo groups=atomic
authorization.v1.FieldSelectorAttributes requirements=atomic
authorization.v1.LabelSelectorAttributes requirements=atomic
authorization.v1.LocalSubjectAccessReview spec=there status=there
authorization.v1.NonResourceRule verbs=atomic,there nonResourceURLs=atomic
authorization.v1.ResourceRule verbs=atomic,there apiGroups=atomic resources=atomic resourceNames=atomic
authorization.v1.SelfSubjectAccessReview spec=there status=there
authorization.v1.SelfSubjectRulesReview spec=there status=there
authorization.v1.SubjectAccessReview spec=there status=there
authorization.v1.SubjectAccessReviewSpec groups=atomic
authorization.v1.SubjectRulesReviewStatus resourceRules=atomic,there nonResourceRules=atomic,there
autoscaling.v1.CrossVersionObjectReference *=atomic
autoscaling.v1.HorizontalPodAutoscaler spec=there status=there
autoscaling.v1.HorizontalPodAutoscalerSpec scaleTargetRef=there
autoscaling.v1.Scale spec=there status=there
autoscaling.v1.ScaleSpec replicas=default(0)
autoscaling.v2.ContainerResourceMetricSource target=there
autoscaling.v2.ContainerResourceMetricStatus current=there
autoscaling.v2.ExternalMetricSource metric=there target=there
autoscaling.v2.ExternalMetricStatus metric=there current=there
autoscaling.v2.HPAScalingRules policies=atomic tolerance=quantity
autoscaling.v2.HorizontalPodAutoscaler spec=there status=there
autoscaling.v2.HorizontalPodAutoscalerSpec scaleTargetRef=there metrics=atomic
autoscaling.v2.HorizontalPodAutoscalerStatus currentMetrics=atomic,there conditions=map(type),merge(type)
autoscaling.v2.MetricTarget value=quantity averageValue=quantity
autoscaling.v2.MetricValueStatus value=quantity averageValue=quantity
autoscaling.v2.ObjectMetricSource describedObject=there target=there metric=there
autoscaling.v2.ObjectMetricStatus metric=there current=there describedObject=there
autoscaling.v2.PodsMetricSource metric=there target=there
autoscaling.v2.PodsMetricStatus metric=there current=there
autoscaling.v2.ResourceMetricSource target=there
autoscaling.v2.ResourceMetricStatus current=there
batch.v1.CronJob spec=there status=there
batch.v1.CronJobSpec jobTemplate=there
batch.v1.CronJobStatus active=atomic
batch.v1.Job spec=there status=there
batch.v1.JobSpec template=there
batch.v1.JobStatus conditions=atomic,merge(type)
batch.v1.JobTemplateSpec spec=there
batch.v1.PodFailurePolicy rules=atomic,there
batch.v1.PodFailurePolicyOnExitCodesRequirement values=set,there
batch.v1.PodFailurePolicyRule onPodConditions=atomic
batch.v1.SuccessPolicy rules=atomic,there
batch.v1.UncountedTerminatedPods succeeded=set failed=set
certificates.v1.CertificateSigningRequest spec=there status=there
certificates.v1.CertificateSigningRequestSpec usages=atomic groups=atomic
certificates.v1.CertificateSigningRequestStatus conditions=map(type)
coordination.v1.Lease spec=there
core.v1.AzureDiskVolumeSource cachingMode=default("ReadWrite") fsType=default("ext4") readOnly=default(false)
  kind=default("Shared")
core.v1.Binding target=there
core.v1.Capabilities add=atomic drop=atomic
core.v1.CephFSPersistentVolumeSource monitors=atomic,there
core.v1.CephFSVolumeSource monitors=atomic,there
core.v1.ComponentStatus conditions=map(type),merge(type)
core.v1.ConfigMapEnvSource name=default("")
core.v1.ConfigMapKeySelector *=atomic name=default("")
core.v1.ConfigMapProjection name=default("") items=atomic
core.v1.ConfigMapVolumeSource name=default("") items=atomic
core.v1.Container command=atomic args=atomic ports=map(containerPort+protocol),merge(containerPort) envFrom=atomic
  env=map(name),merge(name) resources=there resizePolicy=atomic restartPolicyRules=atomic
  volumeMounts=map(mountPath),merge(mountPath) volumeDevices=map(devicePath),merge(devicePath)
core.v1.ContainerImage names=atomic,there
core.v1.ContainerPort protocol=default("TCP")
core.v1.ContainerRestartRuleOnExitCodes values=set
core.v1.ContainerStatus state=there lastState=there allocatedResources=quantity
  volumeMounts=map(mountPath),merge(mountPath) allocatedResourcesStatus=map(name),merge(name)
core.v1.DownwardAPIProjection items=atomic
core.v1.DownwardAPIVolumeSource items=atomic
core.v1.EmptyDirVolumeSource sizeLimit=quantity
core.v1.EndpointAddress *=atomic
core.v1.EndpointPort *=atomic
core.v1.EndpointSubset addresses=atomic notReadyAddresses=atomic ports=atomic
core.v1.Endpoints subsets=atomic
core.v1.EphemeralContainer command=atomic args=atomic ports=map(containerPort+protocol),merge(containerPort)
  envFrom=atomic env=map(name),merge(name) resources=there resizePolicy=atomic restartPolicyRules=atomic
  volumeMounts=map(mountPath),merge(mountPath) volumeDevices=map(devicePath),merge(devicePath)
core.v1.Event involvedObject=there source=there
core.v1.ExecAction command=atomic
core.v1.FCVolumeSource targetWWNs=atomic wwids=atomic
core.v1.FileKeySelector *=atomic optional=default(false)
core.v1.GRPCAction service=default("")
core.v1.HTTPGetAction httpHeaders=atomic
core.v1.HostAlias hostnames=atomic
core.v1.ISCSIPersistentVolumeSource iscsiInterface=default("default") portals=atomic
core.v1.ISCSIVolumeSource iscsiInterface=default("default") portals=atomic
core.v1.LimitRange spec=there
core.v1.LimitRangeItem max=quantity min=quantity default=quantity defaultRequest=quantity
  maxLimitRequestRatio=quantity
core.v1.LimitRangeSpec limits=atomic,there
core.v1.LinuxContainerUser supplementalGroups=atomic
core.v1.LoadBalancerIngress ports=atomic
core.v1.LoadBalancerStatus ingress=atomic
core.v1.LocalObjectReference *=atomic name=default("")
core.v1.Namespace spec=there status=there
core.v1.NamespaceSpec finalizers=atomic
core.v1.NamespaceStatus conditions=map(type),merge(type)
core.v1.Node spec=there status=there
core.v1.NodeAffinity preferredDuringSchedulingIgnoredDuringExecution=atomic
core.v1.NodeDaemonEndpoints kubeletEndpoint=there
core.v1.NodeSelector *=atomic nodeSelectorTerms=atomic,there
core.v1.NodeSelectorRequirement values=atomic
core.v1.NodeSelectorTerm *=atomic matchExpressions=atomic matchFields=atomic
core.v1.NodeSpec podCIDRs=set,merge taints=atomic
core.v1.NodeStatus capacity=quantity allocatable=quantity conditions=map(type),merge(type)
  addresses=map(type),merge(type) daemonEndpoints=there nodeInfo=there images=atomic volumesInUse=atomic
  volumesAttached=atomic runtimeHandlers=atomic
core.v1.ObjectFieldSelector *=atomic
core.v1.ObjectReference *=atomic
core.v1.PersistentVolume spec=there status=there
core.v1.PersistentVolumeClaim spec=there status=there
core.v1.PersistentVolumeClaimSpec accessModes=atomic resources=there
core.v1.PersistentVolumeClaimStatus accessModes=atomic capacity=quantity conditions=map(type),merge(type)
  allocatedResources=quantity
core.v1.PersistentVolumeClaimTemplate spec=there
core.v1.PersistentVolumeSpec capacity=quantity accessModes=atomic claimRef=granular mountOptions=atomic
core.v1.Pod spec=there status=there
core.v1.PodAffinity requiredDuringSchedulingIgnoredDuringExecution=atomic
  preferredDuringSchedulingIgnoredDuringExecution=atomic
core.v1.PodAffinityTerm namespaces=atomic matchLabelKeys=atomic mismatchLabelKeys=atomic
core.v1.PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution=atomic
  preferredDuringSchedulingIgnoredDuringExecution=atomic
core.v1.PodDNSConfig nameservers=atomic searches=atomic options=atomic
core.v1.PodExtendedResourceClaimStatus requestMappings=atomic,there
core.v1.PodSecurityContext supplementalGroups=atomic sysctls=atomic
core.v1.PodSpec volumes=map(name),merge(name),retainKeys initContainers=map(name),merge(name)
  containers=map(name),merge(name),there ephemeralContainers=map(name),merge(name) nodeSelector=atomic
  imagePullSecrets=map(name),merge(name) tolerations=atomic hostAliases=map(ip),merge(ip) readinessGates=atomic
  overhead=quantity topologySpreadConstraints=map(topologyKey+whenUnsatisfiable),merge(topologyKey)
  schedulingGates=map(name),merge(name) resourceClaims=map(name),merge(name),retainKeys
core.v1.PodStatus conditions=map(type),merge(type) hostIPs=atomic,merge(ip) podIPs=map(ip),merge(ip)
  initContainerStatuses=atomic containerStatuses=atomic ephemeralContainerStatuses=atomic
  resourceClaimStatuses=map(name),merge(name),retainKeys
core.v1.PodTemplate template=there
core.v1.PodTemplateSpec spec=there
core.v1.PreferredSchedulingTerm preference=there
core.v1.ProjectedVolumeSource sources=atomic,there
core.v1.RBDPersistentVolumeSource monitors=atomic,there pool=default("rbd") user=default("admin")
  keyring=default("/etc/ceph/keyring")
core.v1.RBDVolumeSource monitors=atomic,there pool=default("rbd") user=default("admin")
  keyring=default("/etc/ceph/keyring")
core.v1.ReplicationController spec=there status=there
core.v1.ReplicationControllerSpec replicas=default(1) minReadySeconds=default(0) selector=atomic
core.v1.ReplicationControllerStatus conditions=map(type),merge(type)
core.v1.ResourceFieldSelector *=atomic divisor=quantity
core.v1.ResourceQuota spec=there status=there
core.v1.ResourceQuotaSpec hard=quantity scopes=atomic
core.v1.ResourceQuotaStatus hard=quantity used=quantity
core.v1.ResourceRequirements limits=quantity requests=quantity claims=map(name)
core.v1.ResourceStatus resources=map(resourceID)
core.v1.ScaleIOPersistentVolumeSource storageMode=default("ThinProvisioned") fsType=default("xfs")
core.v1.ScaleIOVolumeSource storageMode=default("ThinProvisioned") fsType=default("xfs")
core.v1.ScopeSelector *=atomic matchExpressions=atomic
core.v1.ScopedResourceSelectorRequirement values=atomic
core.v1.SecretEnvSource name=default("")
core.v1.SecretKeySelector *=atomic name=default("")
core.v1.SecretProjection name=default("") items=atomic
core.v1.SecretReference *=atomic
core.v1.SecretVolumeSource items=atomic
core.v1.Service spec=there status=there
core.v1.ServiceAccount secrets=map(name),merge(name) imagePullSecrets=atomic
core.v1.ServicePort protocol=default("TCP")
core.v1.ServiceSpec ports=map(port+protocol),merge(port) selector=atomic clusterIPs=atomic externalIPs=atomic
  loadBalancerSourceRanges=atomic ipFamilies=atomic
core.v1.ServiceStatus loadBalancer=there conditions=map(type),merge(type)
core.v1.TopologySelectorLabelRequirement values=atomic,there
core.v1.TopologySelectorTerm *=atomic matchLabelExpressions=atomic
core.v1.TopologySpreadConstraint matchLabelKeys=atomic
core.v1.TypedLocalObjectReference *=atomic
core.v1.VolumeResourceRequirements limits=quantity requests=quantity
core.v1.WeightedPodAffinityTerm podAffinityTerm=there
discovery.v1.Endpoint addresses=set,there conditions=there
discovery.v1.EndpointHints forZones=atomic forNodes=atomic
discovery.v1.EndpointPort *=atomic
discovery.v1.EndpointSlice endpoints=atomic,there ports=atomic,there
events.v1.Event regarding=there deprecatedSource=there
flowcontrol.v1.FlowSchema spec=there status=there
flowcontrol.v1.FlowSchemaSpec priorityLevelConfiguration=there rules=atomic
flowcontrol.v1.FlowSchemaStatus conditions=map(type),merge(type)
flowcontrol.v1.LimitedPriorityLevelConfiguration limitResponse=there
flowcontrol.v1.NonResourcePolicyRule verbs=set,there nonResourceURLs=set,there
flowcontrol.v1.PolicyRulesWithSubjects subjects=atomic,there resourceRules=atomic nonResourceRules=atomic
flowcontrol.v1.PriorityLevelConfiguration spec=there status=there
flowcontrol.v1.PriorityLevelConfigurationStatus conditions=map(type),merge(type)
flowcontrol.v1.ResourcePolicyRule verbs=set,there apiGroups=set,there resources=set,there namespaces=set,there
networking.v1.HTTPIngressPath backend=there
networking.v1.HTTPIngressRuleValue paths=atomic,there
networking.v1.IPAddress spec=there
networking.v1.IPBlock except=atomic
networking.v1.Ingress spec=there status=there
networking.v1.IngressClass spec=there
networking.v1.IngressLoadBalancerIngress ports=atomic
networking.v1.IngressLoadBalancerStatus ingress=atomic
networking.v1.IngressServiceBackend port=there
networking.v1.IngressSpec tls=atomic rules=atomic
networking.v1.IngressStatus loadBalancer=there
networking.v1.IngressTLS hosts=atomic
networking.v1.NetworkPolicy spec=there
networking.v1.NetworkPolicyEgressRule ports=atomic to=atomic
networking.v1.NetworkPolicyIngressRule ports=atomic from=atomic
networking.v1.NetworkPolicySpec podSelector=there ingress=atomic egress=atomic policyTypes=atomic
networking.v1.ServiceBackendPort *=atomic
networking.v1.ServiceCIDR spec=there status=there
networking.v1.ServiceCIDRSpec cidrs=atomic
networking.v1.ServiceCIDRStatus conditions=map(type),merge(type)
node.v1.Overhead podFixed=quantity
node.v1.Scheduling nodeSelector=atomic tolerations=atomic
policy.v1.PodDisruptionBudget spec=there status=there
policy.v1.PodDisruptionBudgetSpec selector=replace
policy.v1.PodDisruptionBudgetStatus conditions=map(type),merge(type)
rbac.v1.AggregationRule clusterRoleSelectors=atomic
rbac.v1.ClusterRole rules=atomic,there
rbac.v1.ClusterRoleBinding subjects=atomic roleRef=there
rbac.v1.PolicyRule verbs=atomic,there apiGroups=atomic resources=atomic resourceNames=atomic nonResourceURLs=atomic
rbac.v1.Role rules=atomic,there
rbac.v1.RoleBinding subjects=atomic roleRef=there
rbac.v1.RoleRef *=atomic
rbac.v1.Subject *=atomic
resource.v1.AllocatedDeviceStatus conditions=map(type),there
resource.v1.AllocationResult devices=there
resource.v1.CapacityRequestPolicy default=quantity validValues=atomic,quantity
resource.v1.CapacityRequestPolicyRange min=quantity max=quantity step=quantity
resource.v1.CapacityRequirements requests=quantity
resource.v1.Counter value=quantity
resource.v1.Device consumesCounters=atomic taints=atomic bindingConditions=atomic bindingFailureConditions=atomic
resource.v1.DeviceAllocationConfiguration requests=atomic
resource.v1.DeviceAllocationResult results=atomic config=atomic
resource.v1.DeviceCapacity value=quantity
resource.v1.DeviceClaim requests=atomic,there constraints=atomic config=atomic
resource.v1.DeviceClaimConfiguration requests=atomic
resource.v1.DeviceClass spec=there
resource.v1.DeviceClassSpec selectors=atomic config=atomic
resource.v1.DeviceConstraint requests=atomic
resource.v1.DeviceRequest firstAvailable=atomic
resource.v1.DeviceRequestAllocationResult tolerations=atomic bindingConditions=atomic bindingFailureConditions=atomic
  consumedCapacity=quantity
resource.v1.DeviceSubRequest selectors=atomic tolerations=atomic
resource.v1.DeviceToleration operator=default("Equal")
resource.v1.ExactDeviceRequest selectors=atomic tolerations=atomic
resource.v1.NetworkDeviceData ips=atomic
resource.v1.ResourceClaim spec=there status=there
resource.v1.ResourceClaimSpec devices=there
resource.v1.ResourceClaimStatus reservedFor=map(uid),merge(uid) devices=map(driver+device+pool+shareID)
resource.v1.ResourceClaimTemplate spec=there
resource.v1.ResourceClaimTemplateSpec spec=there
resource.v1.ResourceSlice spec=there
resource.v1.ResourceSliceSpec pool=there devices=atomic sharedCounters=atomic
storage.v1.CSIDriver spec=there
storage.v1.CSIDriverSpec volumeLifecycleModes=set tokenRequests=atomic
storage.v1.CSINode spec=there
storage.v1.CSINodeDriver topologyKeys=atomic,there
storage.v1.CSINodeSpec drivers=map(name),merge(name),there
storage.v1.CSIStorageCapacity capacity=quantity maximumVolumeSize=quantity
storage.v1.StorageClass mountOptions=atomic allowedTopologies=atomic
storage.v1.VolumeAttachment spec=there status=there
storage.v1.VolumeAttachmentSpec source=there
meta.v1.APIGroup versions=atomic,there preferredVersion=there serverAddressByClientCIDRs=atomic
meta.v1.APIGroupList groups=atomic,there
meta.v1.APIResource verbs=there shortNames=atomic categories=atomic
meta.v1.APIResourceList resources=atomic,there
meta.v1.APIVersions versions=atomic,there serverAddressByClientCIDRs=atomic,there
meta.v1.DeleteOptions dryRun=atomic
meta.v1.FieldSelectorRequirement values=atomic
meta.v1.LabelSelector *=atomic matchExpressions=atomic
meta.v1.LabelSelectorRequirement values=atomic
meta.v1.ObjectMeta ownerReferences=map(uid),merge(uid) finalizers=set,merge managedFields=atomic
meta.v1.OwnerReference *=atomic
meta.v1.Status details=atomic
meta.v1.StatusDetails causes=atomic
`
