import { createHash } from 'node:crypto'
import { formatNetwork, parseCidr } from '../../kube/ip-address.ts'
import type { MasqueradeOwner } from './bridge-ports.ts'

/** iptables allows a chain name 28 letters; the name is the one the reference plugin makes of the same pair. */
export const masqueradeChain = ({ network, containerId }: MasqueradeOwner): string =>
  `CNI-${createHash('sha512').update(`${network}${containerId}`).digest('hex')}`.slice(0, 28)

const comment = (owner: MasqueradeOwner) =>
  `-m comment --comment "name: \\"${owner.network}\\" id: \\"${owner.containerId}\\""`

/** Input for `iptables-restore --noflush` that makes one container's traffic to other networks leave as the host's. */
export const masqueradeText = (owner: MasqueradeOwner, address: string): string => {
  const chain = masqueradeChain(owner)
  const cidr = parseCidr(address)
  const multicast = cidr.ip.family === 4 ? '224.0.0.0/4' : 'ff00::/8'
  return [
    '*nat',
    `:${chain} - [0:0]`,
    `-A ${chain} -d ${formatNetwork(cidr)} ${comment(owner)} -j ACCEPT`,
    `-A ${chain} ! -d ${multicast} ${comment(owner)} -j MASQUERADE`,
    `-A POSTROUTING -s ${address.split('/')[0]} ${comment(owner)} -j ${chain}`,
    'COMMIT',
    '',
  ].join('\n')
}

/** Takes the chain and every jump to it out, given POSTROUTING as `iptables -S` prints it. */
export const unmasqueradeText = (owner: MasqueradeOwner, postrouting: string): string => {
  const chain = masqueradeChain(owner)
  const jumps = postrouting
    .split('\n')
    .filter(line => line.startsWith('-A POSTROUTING ') && line.endsWith(` -j ${chain}`))
  return [
    '*nat',
    `:${chain} - [0:0]`,
    ...jumps.map(line => line.replace(/^-A/, '-D')),
    `-X ${chain}`,
    'COMMIT',
    '',
  ].join('\n')
}
