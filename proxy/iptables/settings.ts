import type { Cidr, Family, Ip } from '../model/ip.ts'

/** What the operator chose for iptables mode. */
export interface IptablesSettings {
  family: Family
  /** Sources outside it are masqueraded on their way to a ClusterIP; undefined: nobody is known to be outside. */
  clusterCidr: Cidr | undefined
  masqueradeAll: boolean
  /** The packet mark that asks for masquerade: one bit, 0x4000 unless the operator moved it. */
  masqueradeMark: number
  /** NodePorts answer on 127.0.0.1 too (needs route_localnet). */
  localhostNodePorts: boolean
  /** `all`: NodePorts answer on every address of the node. */
  nodePortAddresses: 'all' | readonly (Ip | Cidr)[]
}

export const defaultIptablesSettings: IptablesSettings = {
  family: 'ip',
  clusterCidr: undefined,
  masqueradeAll: false,
  masqueradeMark: 0x4000,
  localhostNodePorts: false,
  nodePortAddresses: 'all',
}

/** `0x4000`, as iptables prints marks. */
export const markText = (settings: IptablesSettings): string => `0x${settings.masqueradeMark.toString(16)}`
