import { createHash } from 'node:crypto'
import type { Protocol } from '../model/service-port-plan.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** RFC 4648 base32, of as many whole characters as asked for; 16 take the first 10 bytes. */
const base32 = (bytes: Buffer, characters: number): string => {
  let text = ''
  for (let i = 0; i < characters; i++) {
    const bit = i * 5
    const pair = ((bytes[bit >> 3] ?? 0) << 8) | (bytes[(bit >> 3) + 1] ?? 0)
    text += alphabet[(pair >> (11 - (bit & 7))) & 31]
  }
  return text
}

/** Upstream's hash: chain names may have 28 characters, portal names are longer. */
const hash = (text: string): string => base32(createHash('sha256').update(text).digest(), 16)

/** The chains of one Service port; `name` is the portal name. The same names as upstream's kube-proxy gives. */
export const chainNamesOf = (name: string, protocol: Protocol) => {
  const suffix = hash(name + protocol)
  return {
    /** Picks among all endpoints. */
    service: `KUBE-SVC-${suffix}`,
    /** Picks among this node's endpoints. */
    local: `KUBE-SVL-${suffix}`,
    /** Traffic to outside addresses: masquerade decisions, then one of the two above. */
    external: `KUBE-EXT-${suffix}`,
    /** Load balancer source ranges. */
    firewall: `KUBE-FW-${suffix}`,
  }
}

/** The chain that rewrites a packet to one endpoint. */
export const endpointChainName = (name: string, protocol: Protocol, endpoint: string): string =>
  `KUBE-SEP-${hash(name + protocol + endpoint)}`

/** Prefixes of chains that belong to one Service port, and so may go stale. */
export const servicePrefixes = ['KUBE-SVC-', 'KUBE-SVL-', 'KUBE-EXT-', 'KUBE-FW-', 'KUBE-SEP-', 'KUBE-XLB-'] as const

export const isServiceChain = (chain: string): boolean => servicePrefixes.some(prefix => chain.startsWith(prefix))

export const fixedChains = {
  services: 'KUBE-SERVICES',
  externalServices: 'KUBE-EXTERNAL-SERVICES',
  nodePorts: 'KUBE-NODEPORTS',
  postrouting: 'KUBE-POSTROUTING',
  markMasq: 'KUBE-MARK-MASQ',
  forward: 'KUBE-FORWARD',
  proxyFirewall: 'KUBE-PROXY-FIREWALL',
  firewall: 'KUBE-FIREWALL',
  canary: 'KUBE-PROXY-CANARY',
} as const

/** True for every chain kube-proxy makes: what --cleanup removes. */
export const isProxyChain = (chain: string): boolean =>
  isServiceChain(chain) || (Object.values(fixedChains) as string[]).includes(chain)
