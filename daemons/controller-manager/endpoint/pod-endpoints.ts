import type { Pod, Service, ServicePort } from 'kubernetes-types/core/v1.js'
import { isIPv4, isIPv6 } from 'node:net'
import { isDeleting } from '../owner.ts'
import { isPodTerminal } from '../pod-state.ts'

export interface TargetPort {
  name: string
  port: number
  protocol: string
  appProtocol?: string
}

export const isHeadless = (service: Service): boolean => service.spec?.clusterIP === 'None'

/** A Service whose endpoints the controllers make: it has a selector, and is not just a DNS alias. */
export const hasEndpointsOfPods = (service: Service): boolean =>
  service.spec?.selector !== undefined && service.spec.type !== 'ExternalName'

/** The pod's number for a Service's port: a named one is looked up among the containers (sidecars among the init ones too). */
const portOf = (pod: Pod, port: ServicePort): number | undefined => {
  const target = port.targetPort === undefined || port.targetPort === 0 ? port.port : port.targetPort
  if (typeof target === 'number') return target
  const sidecars = (pod.spec?.initContainers ?? []).filter(container => container.restartPolicy === 'Always')
  return [...(pod.spec?.containers ?? []), ...sidecars]
    .flatMap(container => container.ports ?? [])
    .find(one => one.name === target && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP'))?.containerPort
}

/** Ports on which this pod serves the Service; a name that it does not have is left out. */
export const targetPorts = (service: Service, pod: Pod): TargetPort[] =>
  (service.spec?.ports ?? []).flatMap(port => {
    const number = portOf(pod, port)
    if (number === undefined) return []
    return {
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    }
  })

export const podAddress = (pod: Pod, family: 'IPv4' | 'IPv6'): string | undefined => {
  const known = (pod.status?.podIPs ?? []).flatMap(one => one.ip ?? [])
  const addresses = known.length > 0 ? known : [pod.status?.podIP ?? '']
  return addresses.find(family === 'IPv4' ? isIPv4 : isIPv6)
}

/** Finished pods are never endpoints; pods on their way out only where asked for. */
export const mayBeEndpoint = (pod: Pod, withTerminating: boolean): boolean =>
  !isPodTerminal(pod) && (withTerminating || !isDeleting(pod))

/** The name of the pod under its headless Service, when it has one there. */
export const hostnameIn = (pod: Pod, service: Service): string | undefined => {
  const { hostname, subdomain } = pod.spec ?? {}
  return hostname !== undefined && hostname !== '' && subdomain === service.metadata?.name ? hostname : undefined
}
