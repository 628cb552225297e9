import type { Service } from 'kubernetes-types/core/v1.js'
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js'
import { endpointsByPort, portKey, type Endpoint } from './endpoints.ts'
import { cidrContains } from './ip.ts'
import type { EndpointPlan, NodeView, PlanProblem, Route, ServicePortPlan } from './service-port-plan.ts'
import { servicePorts, type ServicePort } from './service-port.ts'
import { usableEndpoints, type UsableEndpoints } from './usable-endpoints.ts'

const asPlan = ({ ip, port, address, local }: Endpoint): EndpointPlan => ({ ip, port, address, local })

const union = (a: readonly EndpointPlan[], b: readonly EndpointPlan[]): readonly EndpointPlan[] => {
  const all = new Map([...a, ...b].map(e => [e.address, e]))
  return [...all.values()].sort((x, y) => (x.address < y.address ? -1 : 1))
}

const route = (policyLocal: boolean, usable: UsableEndpoints): Route => {
  if (!usable.any) return 'reject'
  if (!policyLocal) return 'cluster'
  return usable.local.length > 0 ? 'local' : 'drop'
}

const planPort = (row: ServicePort, endpoints: readonly Endpoint[], node: NodeView): ServicePortPlan => {
  const { portName: _, internalPolicyLocal, ...port } = row
  const externallyAccessible =
    row.nodePort !== undefined || row.externalIps.length > 0 || row.loadBalancerIps.length > 0
  const usable = usableEndpoints(endpoints, node)
  // Even under externalTrafficPolicy Local, pods and the node itself reach outside addresses through all endpoints.
  const usesCluster = !internalPolicyLocal || externallyAccessible
  const usesLocal = internalPolicyLocal || (row.externalPolicyLocal && externallyAccessible)
  const clusterEndpoints = usesCluster ? usable.cluster.map(asPlan) : []
  const localEndpoints = usesLocal ? usable.local.map(asPlan) : []
  return {
    ...port,
    sourceRangesHoldNode: row.sourceRanges.some(range => node.nodeIps.some(ip => cidrContains(range, ip))),
    externallyAccessible,
    hasEndpoints: usable.any,
    internal: route(internalPolicyLocal, usable),
    external: route(row.externalPolicyLocal, usable),
    clusterEndpoints,
    localEndpoints,
    reachableEndpoints: union(clusterEndpoints, localEndpoints),
  }
}

/** One Service with all its EndpointSlices -> a plan for each of its ports. Pure; bad parts are named, never thrown. */
export const planService = (
  service: Service,
  slices: readonly EndpointSlice[],
  node: NodeView,
): { plans: readonly ServicePortPlan[]; problems: readonly PlanProblem[] } => {
  const { ports, problems } = servicePorts(service, node.family)
  if (ports.length === 0) return { plans: [], problems }
  const endpoints = endpointsByPort(slices, node)
  return {
    plans: ports.map(port => planPort(port, endpoints.byPort.get(portKey(port.portName, port.protocol)) ?? [], node)),
    problems: [...problems, ...endpoints.problems],
  }
}
