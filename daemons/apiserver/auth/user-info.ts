/** Who asks, as authentication found out: authentication.k8s.io's UserInfo. */
export interface UserInfo {
  /** `system:kube-scheduler`, `system:node:NAME`, `kubernetes-admin` */
  name: string
  /** Of a service account: that of its object. */
  uid?: string
  groups: readonly string[]
  /** What else the authenticator knows: `authentication.kubernetes.io/pod-name` -> `["web"]`. */
  extra?: Readonly<Record<string, readonly string[]>>
}

/** Whoever shows no credentials. */
export const anonymous: UserInfo = { name: 'system:anonymous', groups: ['system:unauthenticated'] }

export const serviceAccountName = (namespace: string, name: string): string =>
  `system:serviceaccount:${namespace}:${name}`

/** Namespace and name of `system:serviceaccount:NAMESPACE:NAME`; undefined for any other user. */
export const parseServiceAccountName = (user: string): { namespace: string; name: string } | undefined => {
  const [system, kind, namespace, name, ...rest] = user.split(':')
  return system !== 'system' || kind !== 'serviceaccount' || !namespace || !name || rest.length > 0
    ? undefined
    : { namespace, name }
}

/** The groups that every service account of a namespace is in. */
export const serviceAccountGroups = (namespace: string): string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
]
