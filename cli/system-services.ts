import type { Service } from 'kubernetes-types/core/v1.js'
import type { KubeClient } from '../kube/client/client.ts'
import { services } from '../kube/resources.ts'
import { hasReason } from '../kube/status.ts'
import type { ClusterConfig } from './cluster-config.ts'

/**
 * The Service that gives DNS its address, under the name every tool looks for. Its label keeps kube-proxy (ours and
 * upstream's) from writing rules for it: the DNS daemon of each node answers on the address itself, without NAT.
 */
export const dnsService = (dnsIp: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'kube-dns',
    namespace: 'kube-system',
    labels: {
      'k8s-app': 'kube-dns',
      'kubernetes.io/name': 'CoreDNS',
      'kubernetes.io/cluster-service': 'true',
      'service.kubernetes.io/service-proxy-name': 'skiff-dns',
    },
  },
  spec: {
    clusterIP: dnsIp,
    ports: [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ],
  },
})

/** Makes what every cluster of `up` has besides the API server's own objects; what is there is left. */
export const ensureSystemServices = async (client: KubeClient, config: Pick<ClusterConfig, 'dnsIp'>): Promise<void> => {
  try {
    await client.get(services, 'kube-dns', { namespace: 'kube-system' })
  } catch (error) {
    // Asked before it is made: creating it again would be refused for its address, not for its name.
    if (!hasReason(error, 'NotFound')) throw error
    await client.create(services, dnsService(config.dnsIp))
  }
}
