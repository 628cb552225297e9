import { join } from 'node:path'
import { cidrContains, formatIp, type Ip } from '../../kube/ip-address.ts'
import { CniError, cniCodes } from '../cni-error.ts'
import type { CniAddress, CniResult } from '../result.ts'
import type { Invocation } from '../skel/invocation.ts'
import type { Plugin } from '../skel/run-plugin.ts'
import type { LeaseOwner, LeaseStore, WithLeases } from './lease-store.ts'
import { candidates, exhausted, parseHostLocal, parseResolvConf, type HostLocalConfig, type Range } from './ranges.ts'

export interface HostLocalPorts {
  withLeases: WithLeases
  readFile(path: string): string
}

const ownerOf = (call: Invocation): LeaseOwner => ({ containerId: call.containerId, ifName: call.ifName })

const toAddress = (ip: Ip, range: Range): CniAddress => ({
  address: `${formatIp(ip)}/${range.subnet.prefix}`,
  gateway: formatIp(range.gateway),
})

const takeRequested = (wanted: Ip, set: readonly Range[], take: (ip: Ip) => boolean): CniAddress => {
  const range = set.find(candidate => cidrContains(candidate.subnet, wanted))
  if (range === undefined || wanted.value === range.gateway.value)
    throw new CniError(cniCodes.invalidConfig, `the address ${formatIp(wanted)} that was asked for is the gateway's`)
  if (!take(wanted)) throw new CniError(cniCodes.failed, `the address ${formatIp(wanted)} that was asked for is taken`)
  return toAddress(wanted, range)
}

/** One address out of every set. What was taken is given back by the caller when this throws. */
const allocate = (config: HostLocalConfig, store: LeaseStore, owner: LeaseOwner): CniAddress[] => {
  const held = store.heldBy(owner)
  return config.sets.map((set, index) => {
    const mine = held.find(ip => set.some(range => cidrContains(range.subnet, ip)))
    if (mine !== undefined)
      throw new CniError(
        cniCodes.failed,
        `${formatIp(mine)} is already allocated to ${owner.containerId} ${owner.ifName}`,
      )
    const take = (ip: Ip) => store.reserve(ip, owner, index)
    const wanted = config.requested.find(ip => set.some(range => cidrContains(range.subnet, ip)))
    if (wanted !== undefined) return takeRequested(wanted, set, take)
    for (const { ip, range } of candidates(set, store.lastReserved(index))) if (take(ip)) return toAddress(ip, range)
    throw exhausted(set)
  })
}

/** host-local: addresses out of ranges that belong to this node alone, with leases on its disk. */
export const hostLocal = (ports: HostLocalPorts): Plugin => {
  const directoryOf = (call: Invocation, config: HostLocalConfig) => join(config.dataDir, call.network)
  return {
    add: async (call): Promise<CniResult> => {
      const config = parseHostLocal(call.config, call.args)
      const owner = ownerOf(call)
      const dns = config.resolvConf === '' ? {} : parseResolvConf(ports.readFile(config.resolvConf))
      const ips = ports.withLeases(directoryOf(call, config), store => {
        const before = new Set(store.heldBy(owner).map(formatIp))
        try {
          return allocate(config, store, owner)
        } catch (error) {
          // A second ADD for the same container must not take away what the first one holds.
          if (before.size === 0) store.release(owner)
          throw error
        }
      })
      return { interfaces: [], ips, routes: [...config.routes], dns }
    },
    del: async call => {
      const config = parseHostLocal(call.config, call.args)
      ports.withLeases(directoryOf(call, config), store => store.release(ownerOf(call)))
    },
    check: async call => {
      const config = parseHostLocal(call.config, call.args)
      const held = ports.withLeases(directoryOf(call, config), store => store.heldBy(ownerOf(call)))
      if (held.length === 0)
        throw new CniError(
          cniCodes.checkFailed,
          `host-local: no address is allocated to ${call.containerId} ${call.ifName}`,
        )
    },
  }
}
