import type { Cidr, Family, Ip, Port } from './ip.ts'

export type Protocol = 'tcp' | 'udp' | 'sctp'

/** What is true for the whole node: the planner's and the renderer's settings. */
export interface NodeView {
  family: Family
  nodeName: string
  /** topology.kubernetes.io/zone of the node, '' when it has none. */
  zone: string
  nodeIps: readonly Ip[]
}

export interface EndpointPlan {
  ip: Ip
  port: Port
  /** `10.244.0.3:8080` */
  address: string
  local: boolean
}

/**
 * Where traffic of one side (from inside, or from outside) ends: at all usable endpoints, at those of this node, or
 * nowhere: `reject` when there is no endpoint in the cluster, `drop` when only this node has none (the policy is
 * Local: another node may well answer, so the sender must not take this one's word for it).
 */
export type Route = 'cluster' | 'local' | 'reject' | 'drop'

/** Every decision about one port of one Service, taken once; the renderers of all modes only spell it out. */
export interface ServicePortPlan {
  /** `namespace/name:port`, or `namespace/name` for an unnamed port: upstream's portal name, hashed into chain names. */
  name: string
  protocol: Protocol
  clusterIp: Ip
  port: Port
  nodePort: Port | undefined
  externalIps: readonly Ip[]
  loadBalancerIps: readonly Ip[]
  /** Empty: everybody may use the load balancer's addresses. */
  sourceRanges: readonly Cidr[]
  /** The node itself is in sourceRanges (then packets looped back with the VIP as their source are let in). */
  sourceRangesHoldNode: boolean
  healthCheckNodePort: Port | undefined
  /** ClientIP affinity's timeout in seconds; undefined: none. */
  affinitySeconds: number | undefined
  internal: Route
  external: Route
  externalPolicyLocal: boolean
  /** Has a node port, an external or a load balancer address. */
  externallyAccessible: boolean
  /** Some endpoint anywhere can take traffic. */
  hasEndpoints: boolean
  /** Endpoints under policy Cluster; empty when no traffic of this port uses them. Sorted by address. */
  clusterEndpoints: readonly EndpointPlan[]
  /** Endpoints of this node, under policy Local; empty when no traffic of this port uses them. */
  localEndpoints: readonly EndpointPlan[]
  /** The union of both. */
  reachableEndpoints: readonly EndpointPlan[]
}

/** Something in an object that cannot be used, said once; the rest of the object still counts. */
export interface PlanProblem {
  object: string
  field: string
  message: string
}
