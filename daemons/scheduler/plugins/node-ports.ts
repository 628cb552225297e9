import type { HostPort } from '../framework/pod-info.ts'
import { FITS, type FilterPlugin } from '../framework/plugin.ts'

const REFUSED = ["node(s) didn't have free ports for the requested pod ports"]

/** Two host ports clash when protocol and number are the same and either is for every address. */
export const portsClash = (a: HostPort, b: HostPort): boolean =>
  a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0')

export const nodePorts: FilterPlugin = {
  name: 'NodePorts',
  movedBy: ['node-added', 'pod-removed'],
  filter: ({ hostPorts }) => {
    if (hostPorts.length === 0) return undefined
    return node => {
      for (const other of node.pods.values())
        if (other.hostPorts.some(taken => hostPorts.some(wanted => portsClash(wanted, taken)))) return REFUSED
      return FITS
    }
  },
}
