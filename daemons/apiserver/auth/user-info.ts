/** Who asks, as authentication found out. */
export interface UserInfo {
  /** `system:kube-scheduler`, `system:node:NAME`, `kubernetes-admin` */
  name: string
  groups: readonly string[]
}
