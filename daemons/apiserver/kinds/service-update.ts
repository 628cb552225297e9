import type { Service, ServicePort } from 'kubernetes-types/core/v1.js'
import type { Draft } from './draft.ts'

type Row = Draft<Service>
type Spec = NonNullable<Row['spec']>

export const needsClusterIp = (spec: Spec | undefined): boolean => spec !== undefined && spec.type !== 'ExternalName'

export const needsNodePort = (spec: Spec | undefined): boolean =>
  spec?.type === 'NodePort' || (spec?.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false)

export const isExternallyReached = (spec: Spec | undefined): boolean =>
  spec?.type === 'NodePort' ||
  spec?.type === 'LoadBalancer' ||
  (spec?.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0)

export const needsHealthCheckPort = (spec: Spec | undefined): boolean =>
  spec?.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local'

const samePort = (a: Draft<ServicePort>, b: Draft<ServicePort>): boolean =>
  a.port === b.port && a.protocol === b.protocol

const copyClusterIp = (spec: Spec, before: Spec): void => {
  if (!needsClusterIp(before) || !needsClusterIp(spec)) return
  if (spec.clusterIP === undefined || spec.clusterIP === '') {
    if (spec.clusterIPs?.[0]) spec.clusterIP = spec.clusterIPs[0]
    else if (before.clusterIP) spec.clusterIP = before.clusterIP
  }
  const stale = spec.clusterIP !== before.clusterIP && spec.clusterIPs?.join() === before.clusterIPs?.join()
  // Clients from before dual stack know the singular field only: the plural follows it.
  if (!spec.clusterIPs?.length || stale) {
    if (spec.clusterIP === before.clusterIP && before.clusterIPs) spec.clusterIPs = [...before.clusterIPs]
    else if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP]
  }
}

const copyNodePorts = (spec: Spec, before: Spec): void => {
  if (!needsNodePort(before) || !needsNodePort(spec)) return
  const taken = new Set((spec.ports ?? []).map(p => p.nodePort).filter(n => n))
  for (const port of spec.ports ?? []) {
    if (port.nodePort) continue
    const was = (before.ports ?? []).find(p => samePort(p, port))?.nodePort
    if (was && !taken.has(was)) port.nodePort = was
  }
}

/** A change of type sheds what the old type alone needed, unless the caller changed it in the same write. */
const dropWhatTheTypeNoLongerNeeds = (spec: Spec, before: Spec): void => {
  if (needsClusterIp(before) && !needsClusterIp(spec) && (spec.clusterIP ?? '') === (before.clusterIP ?? '')) {
    delete spec.clusterIP
    delete spec.clusterIPs
    delete spec.ipFamilies
    delete spec.ipFamilyPolicy
    delete spec.internalTrafficPolicy
  }
  if (needsNodePort(before) && !needsNodePort(spec)) {
    const olds = new Set((before.ports ?? []).map(p => p.nodePort ?? 0))
    const unchanged = (spec.ports ?? []).every(p => !p.nodePort || olds.has(p.nodePort))
    if (unchanged) for (const port of spec.ports ?? []) delete port.nodePort
  }
  if (
    needsHealthCheckPort(before) &&
    !needsHealthCheckPort(spec) &&
    spec.healthCheckNodePort === before.healthCheckNodePort
  )
    delete spec.healthCheckNodePort
  if (
    isExternallyReached(before) &&
    !isExternallyReached(spec) &&
    spec.externalTrafficPolicy === before.externalTrafficPolicy
  )
    delete spec.externalTrafficPolicy
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    if (spec.allocateLoadBalancerNodePorts === before.allocateLoadBalancerNodePorts)
      delete spec.allocateLoadBalancerNodePorts
    if (spec.loadBalancerClass === before.loadBalancerClass) delete spec.loadBalancerClass
  }
}

/** In place: what was allocated stays with the Service when an update leaves it out. */
export const keepAllocated = (service: Row, old: Row): void => {
  const spec = service.spec
  const before = old.spec
  if (!spec || !before) return
  copyClusterIp(spec, before)
  copyNodePorts(spec, before)
  if (needsHealthCheckPort(spec) && needsHealthCheckPort(before) && before.healthCheckNodePort)
    spec.healthCheckNodePort ||= before.healthCheckNodePort
  dropWhatTheTypeNoLongerNeeds(spec, before)
}
