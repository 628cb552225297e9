import type { Node } from 'kubernetes-types/core/v1.js'
import { SkiffError } from '../../kube/errors.ts'
import type { IptablesSettings } from '../../proxy/iptables/settings.ts'
import { parseCidr, parseIp, type Cidr, type Family, type Ip } from '../../proxy/model/ip.ts'
import type { NodeView } from '../../proxy/model/service-port-plan.ts'
import type { KubeProxyOptions } from './options.ts'

/** What the proxy needs of its Node; of one that is not registered yet, the name. */
export const nodeViewOf = (name: string, node: Node | undefined, family: Family): NodeView => ({
  family,
  nodeName: name,
  zone: node?.metadata?.labels?.['topology.kubernetes.io/zone'] ?? '',
  nodeIps: (node?.status?.addresses ?? [])
    .filter(row => row.type === 'InternalIP' || row.type === 'ExternalIP')
    .flatMap(row => parseIp(row.address, family) ?? []),
})

const clusterCidrOf = (text: string, family: Family): Cidr | undefined => {
  const parts = text === '' ? [] : text.split(',')
  for (const part of parts)
    if (parseCidr(part, 'ip') === undefined && parseCidr(part, 'ip6') === undefined)
      throw new SkiffError(
        'INVALID_INPUT',
        `--cluster-cidr: ${JSON.stringify(part)} is not a network such as 10.244.0.0/16`,
      )
  return parts.flatMap(part => parseCidr(part, family) ?? [])[0]
}

const nodePortAddressesOf = (list: readonly string[], node: NodeView): 'all' | readonly (Ip | Cidr)[] => {
  if (list.length === 0) return 'all'
  if (list.includes('primary')) {
    if (list.length === 1) return node.nodeIps.slice(0, 1)
    throw new SkiffError('INVALID_INPUT', '--nodeport-addresses: `primary` stands alone')
  }
  return list.flatMap(text => {
    if (parseCidr(text, 'ip') === undefined && parseCidr(text, 'ip6') === undefined)
      throw new SkiffError('INVALID_INPUT', `--nodeport-addresses: ${JSON.stringify(text)} is not a network`)
    return parseCidr(text, node.family) ?? []
  })
}

/** Checks the options, too: throws INVALID_INPUT or NOT_IMPLEMENTED by the flag's name. */
export const settingsOf = (options: KubeProxyOptions, node: NodeView): IptablesSettings => {
  const { masqueradeBit, detectLocalMode } = options
  if (!Number.isInteger(masqueradeBit) || masqueradeBit < 0 || masqueradeBit > 31)
    throw new SkiffError('INVALID_INPUT', `--iptables-masquerade-bit: ${masqueradeBit} is not from 0 to 31`)
  if (detectLocalMode !== 'ClusterCIDR') {
    const known = ['NodeCIDR', 'BridgeInterface', 'InterfaceNamePrefix'].includes(detectLocalMode)
    throw new SkiffError(
      known ? 'NOT_IMPLEMENTED' : 'INVALID_INPUT',
      `--detect-local-mode: ${detectLocalMode} is ${known ? 'not built' : 'no mode'}`,
      { remedy: 'use ClusterCIDR' },
    )
  }
  return {
    family: node.family,
    clusterCidr: clusterCidrOf(options.clusterCidr, node.family),
    masqueradeAll: options.masqueradeAll,
    masqueradeMark: 2 ** masqueradeBit,
    localhostNodePorts: options.localhostNodePorts,
    nodePortAddresses: nodePortAddressesOf(options.nodePortAddresses, node),
  }
}
