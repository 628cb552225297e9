/** Upstream's built-in resources by group: in etcd these stand without their group. */
const builtin: Readonly<Record<string, string>> = {
  core:
    'bindings componentstatuses configmaps endpoints events limitranges namespaces nodes persistentvolumeclaims ' +
    'persistentvolumes pods podtemplates replicationcontrollers resourcequotas secrets serviceaccounts services',
  apps: 'controllerrevisions daemonsets deployments replicasets statefulsets',
  batch: 'cronjobs jobs',
  autoscaling: 'horizontalpodautoscalers',
  policy: 'poddisruptionbudgets',
  'networking.k8s.io': 'ingressclasses ingresses ipaddresses networkpolicies servicecidrs',
  'rbac.authorization.k8s.io': 'clusterrolebindings clusterroles rolebindings roles',
  'storage.k8s.io': 'csidrivers csinodes csistoragecapacities storageclasses volumeattachments volumeattributesclasses',
  'scheduling.k8s.io': 'priorityclasses',
  'coordination.k8s.io': 'leases',
  'discovery.k8s.io': 'endpointslices',
  'node.k8s.io': 'runtimeclasses',
  'certificates.k8s.io': 'certificatesigningrequests',
  'admissionregistration.k8s.io':
    'mutatingwebhookconfigurations validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations',
  'flowcontrol.apiserver.k8s.io': 'flowschemas prioritylevelconfigurations',
  'resource.k8s.io': 'deviceclasses resourceclaims resourceclaimtemplates resourceslices',
}

/** Where upstream's names have a history. */
const renamed: Readonly<Record<string, string>> = {
  'core/replicationcontrollers': 'controllers',
  'core/endpoints': 'services/endpoints',
  'core/nodes': 'minions',
  'core/services': 'services/specs',
  'networking.k8s.io/ingresses': 'ingress',
}

const toUpstream = new Map<string, string>()
for (const [group, plurals] of Object.entries(builtin))
  for (const plural of plurals.split(' ')) toUpstream.set(`${group}/${plural}`, renamed[`${group}/${plural}`] ?? plural)
const fromUpstream = new Map([...toUpstream].map(([ours, theirs]) => [theirs, ours]))

/**
 * Upstream's path of a key of the store: `/registry/core/pods/default/x` is `/registry/pods/default/x` there; custom
 * resources keep their group. (Source: kube-apiserver's DefaultStorageFactory.)
 */
export const upstreamPath = (key: string): string => {
  const [, registry, group = '', plural = '', ...rest] = key.split('/')
  return ['', registry, toUpstream.get(`${group}/${plural}`) ?? `${group}/${plural}`, ...rest].join('/')
}

/** The way back; undefined for what is no object of a resource. */
export const storeKeyOf = (path: string): string | undefined => {
  const [, registry, first = '', second = '', ...rest] = path.split('/')
  const pair = fromUpstream.get(`${first}/${second}`)
  if (pair !== undefined && rest.length > 0) return ['', registry, pair, ...rest].join('/')
  const single = fromUpstream.get(first)
  if (single !== undefined && second !== '') return ['', registry, single, second, ...rest].join('/')
  // A group of custom resources has a dot in its name; other words are other servers' bookkeeping.
  return first.includes('.') && rest.length > 0 ? path : undefined
}
