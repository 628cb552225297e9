import { SkiffError } from '../../kube/errors.ts'
import type { Links } from '../../host/netlink/links.ts'
import { findLink } from '../find-link.ts'
import { CniError, cniCodes } from '../cni-error.ts'
import { parseResult, type CniResult } from '../result.ts'
import type { Invocation } from '../skel/invocation.ts'
import type { Plugin } from '../skel/run-plugin.ts'
import { UndoStack } from '../undo-stack.ts'
import { applyBridge } from './apply-bridge.ts'
import { parseBridgeConfig, type BridgeConfig } from './bridge-config.ts'
import { planBridgeAdd, podRoutes, withGateways, type BridgeState } from './bridge-plan.ts'
import type { BridgePorts, MasqueradeOwner, PodNetwork } from './bridge-ports.ts'

/** Gives the IPAM plugin of a type: host-local in this process, any other by running it. */
export type IpamFor = (type: string) => Plugin

const none: CniResult = { interfaces: [], ips: [], routes: [], dns: {} }
const ownerOf = (call: Invocation): MasqueradeOwner => ({ network: call.network, containerId: call.containerId })

const readState = async (links: Links, bridge: string): Promise<BridgeState> => {
  const link = await findLink(links, bridge)
  if (link === undefined) return { bridge: undefined, bridgeAddresses: [] }
  const addresses = await links.addresses()
  return { bridge: link, bridgeAddresses: addresses.filter(a => a.link === link.index).map(a => a.address) }
}

/** Undefined when the namespace is gone: DEL must succeed all the same. */
const openIfThere = (ports: BridgePorts, netns: string): PodNetwork | undefined => {
  if (netns === '') return undefined
  try {
    return ports.openPod(netns)
  } catch (error) {
    // INVALID_INPUT: the file of a namespace that was unmounted is left as an empty file.
    if (error instanceof SkiffError && (error.code === 'NOT_FOUND' || error.code === 'INVALID_INPUT')) return undefined
    throw error
  }
}

const resultOf = async (
  call: Invocation,
  config: BridgeConfig,
  given: { ports: BridgePorts; pod: PodNetwork; ipam: CniResult; hostEnd: string },
): Promise<CniResult> => {
  const hostLinks = await given.ports.host.list()
  const macIn = (name: string) => hostLinks.find(link => link.name === name)?.mac ?? ''
  const ips = withGateways(given.ipam.ips, config.isGateway)
  return {
    interfaces: [
      { name: config.bridge, mac: macIn(config.bridge) },
      { name: given.hostEnd, mac: macIn(given.hostEnd) },
      { name: call.ifName, mac: (await findLink(given.pod.links, call.ifName))?.mac ?? '', sandbox: call.netns },
    ],
    ips: ips.map(ip => ({ ...ip, interface: 2 })),
    routes: podRoutes(config, ips, given.ipam).map(route => ({
      dst: route.destination,
      ...(route.gateway === undefined ? {} : { gw: route.gateway }),
    })),
    dns: given.ipam.dns,
  }
}

const add = async (call: Invocation, ports: BridgePorts, ipamFor: IpamFor): Promise<CniResult> => {
  const config = parseBridgeConfig(call.config)
  const undo = new UndoStack()
  const pod = ports.openPod(call.netns)
  try {
    if ((await findLink(pod.links, call.ifName)) !== undefined)
      throw new CniError(cniCodes.failed, `${call.ifName} is in ${call.netns} already`)
    let ipam = none
    if (config.ipamType !== '') {
      const plugin = ipamFor(config.ipamType)
      ipam = await plugin.add(call)
      undo.push(() => plugin.del(call))
    }
    const state = await readState(ports.host, config.bridge)
    const hostEnd = `veth${ports.randomHex()}`
    await applyBridge(planBridgeAdd(config, ipam, { state, hostEnd, ifName: call.ifName }), {
      ports,
      pod,
      owner: ownerOf(call),
      undo,
    })
    return await resultOf(call, config, { ports, pod, ipam, hostEnd })
  } catch (error) {
    throw await undo.unwind(error)
  } finally {
    pod.close()
  }
}

const removeByName = async (links: Links, name: string): Promise<void> => {
  const link = await findLink(links, name)
  if (link === undefined) return
  try {
    await links.remove(link.index)
  } catch (error) {
    if (!(error instanceof SkiffError && error.code === 'NOT_FOUND')) throw error
  }
}

/** Host ends of the pair that the cached result names: there still, when the namespace's file went but not the namespace. */
const hostEndsOf = (call: Invocation, config: BridgeConfig): string[] =>
  call.config['prevResult'] === undefined
    ? []
    : parseResult(call.config['prevResult'])
        .interfaces.filter(entry => entry.sandbox === undefined && entry.name !== config.bridge)
        .map(entry => entry.name)
        .filter(name => /^veth[0-9a-f]{8}$/.test(name))

const del = async (call: Invocation, ports: BridgePorts, ipamFor: IpamFor): Promise<void> => {
  const config = parseBridgeConfig(call.config)
  const steps: (() => Promise<void>)[] = [
    async () => {
      const pod = openIfThere(ports, call.netns)
      if (pod === undefined) {
        for (const name of hostEndsOf(call, config)) await removeByName(ports.host, name)
        return
      }
      try {
        await removeByName(pod.links, call.ifName)
      } finally {
        pod.close()
      }
    },
    // The address goes back only after the link is gone: the next pod may be given it at once.
    async () => (config.ipamType === '' ? undefined : ipamFor(config.ipamType).del(call)),
    async () => (config.ipMasq ? ports.unmasquerade(ownerOf(call)) : undefined),
  ]
  const failures: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length === 1) throw failures[0]
  if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '))
}

const check = async (call: Invocation, ports: BridgePorts, ipamFor: IpamFor): Promise<void> => {
  const config = parseBridgeConfig(call.config)
  const missing = (what: string) => new CniError(cniCodes.checkFailed, `bridge: ${what}`)
  if (config.ipamType !== '') await ipamFor(config.ipamType).check(call)
  const previous = parseResult(call.config['prevResult'])
  const hostLinks = await ports.host.list()
  const bridge = hostLinks.find(link => link.name === config.bridge)
  if (bridge?.kind !== 'bridge') throw missing(`${config.bridge} is not there`)
  for (const entry of previous.interfaces.filter(item => item.sandbox === undefined && item.name !== config.bridge)) {
    const link = hostLinks.find(candidate => candidate.name === entry.name)
    if (link?.master !== bridge.index) throw missing(`${entry.name} is not a port of ${config.bridge}`)
    if (link.hairpin !== config.hairpinMode) throw missing(`${entry.name}: hairpin mode is ${link.hairpin}`)
  }
  const pod = ports.openPod(call.netns)
  try {
    const link = await findLink(pod.links, call.ifName)
    if (link?.up !== true) throw missing(`${call.ifName} is not there or not up in ${call.netns}`)
    const addresses = (await pod.links.addresses()).filter(a => a.link === link.index).map(a => a.address)
    for (const ip of previous.ips)
      if (!addresses.includes(ip.address)) throw missing(`${call.ifName} lacks ${ip.address}`)
    const routes = await pod.links.routes()
    for (const { dst, gw } of previous.routes)
      if (
        !routes.some(
          route => route.destination === dst && route.link === link.index && (gw === undefined || route.gateway === gw),
        )
      )
        throw missing(`the route to ${dst} is not there`)
  } finally {
    pod.close()
  }
}

/** bridge: a veth pair between the pod and a bridge of the host, addressed by an IPAM plugin. */
export const bridge = (ports: BridgePorts, ipamFor: IpamFor): Plugin => ({
  add: call => add(call, ports, ipamFor),
  del: call => del(call, ports, ipamFor),
  check: call => check(call, ports, ipamFor),
})
