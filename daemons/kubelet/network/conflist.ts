export interface ConflistInput {
  /** The node's range: `10.244.0.0/24`. */
  podCidr: string
  /** Where host-local keeps its leases. */
  cniDataDir: string
  mtu: number
}

/** The bridge that holds a node's pods. */
export const bridgeName = 'skiff0'
export const conflistName = '10-skiff.conflist'

/**
 * The network configuration list of this node, as text. No ipMasq: what leaves the cluster is masqueraded by one rule
 * of the node (node-rules.ts), not by one chain a pod.
 */
export const conflistText = ({ podCidr, cniDataDir, mtu }: ConflistInput): string => {
  const bridge = {
    type: 'bridge',
    bridge: bridgeName,
    isDefaultGateway: true,
    hairpinMode: true,
    ipMasq: false,
    mtu,
    ipam: { type: 'host-local', ranges: [[{ subnet: podCidr }]], dataDir: cniDataDir },
  }
  return `${JSON.stringify({ cniVersion: '1.0.0', name: 'skiff', plugins: [bridge] }, undefined, 2)}\n`
}
