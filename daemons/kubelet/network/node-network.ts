import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import type { Node } from 'kubernetes-types/core/v1.js'
import type { Logger } from 'pino'
import { systemClock, type Clock } from '../../../host/clock.ts'
import type { Exec } from '../../../host/exec.ts'
import { writeFileAtomic } from '../../../host/files.ts'
import type { Journal } from '../../../host/journal.ts'
import type { Links } from '../../../host/netlink/links.ts'
import { RtLinks } from '../../../host/netlink/rtnetlink.ts'
import type { KubeClient } from '../../../kube/client/client.ts'
import { Informer } from '../../../kube/client/informer.ts'
import { messageOf, SkiffError } from '../../../kube/errors.ts'
import { parseCidr } from '../../../kube/ip-address.ts'
import { nodes } from '../../../kube/resources.ts'
import { applyNodeRules } from './apply-node-rules.ts'
import { bridgeName, conflistName, conflistText } from './conflist.ts'
import { chainPrefix } from './node-rules.ts'
import { setNodeSysctls } from './node-sysctls.ts'

export interface NodeNetworkOptions {
  client: KubeClient
  nodeName: string
  /** Where the conflist goes: `/etc/cni/net.d`. */
  confDir: string
  /** Where host-local keeps its leases: `/var/lib/cni/networks`. */
  cniDataDir: string
  clusterCidr: string
  serviceCidr: string
  journal: Journal
  exec: Exec
  signal: AbortSignal
  log: Logger
  clock?: Clock
  links?: Links
  /** Default `/proc/sys`. */
  sysctlRoot?: string
}

export interface NodeNetwork {
  /** Resolves when the conflist is written and the rules stand for the first time. */
  ready: Promise<void>
  /** Resolves after the signal aborted. */
  done: Promise<void>
}

const REPAIR_MS = 60_000
const DEFAULT_MTU = 1500

/** The MTU of the link that the default route leaves by: a pod's packets must fit through it. */
export const mtuOfDefaultLink = async (links: Links): Promise<number> => {
  const byDefault = (await links.routes()).find(route => route.destination === '0.0.0.0/0')
  if (byDefault === undefined) return DEFAULT_MTU
  return (await links.list()).find(link => link.index === byDefault.link)?.mtu ?? DEFAULT_MTU
}

const writeConflist = (confDir: string, text: string, journal: Journal): boolean => {
  const path = join(confDir, conflistName)
  const before = existsSync(path) ? readFileSync(path, 'utf8') : null
  if (before === text) return false
  if (!existsSync(confDir)) journal.record({ kind: 'path', path: confDir })
  mkdirSync(confDir, { recursive: true })
  // Our own file of an earlier start is ours to remove, not to bring back.
  journal.record(
    before === null || before.includes(`"${bridgeName}"`) ? { kind: 'path', path } : { kind: 'file', path, before },
  )
  writeFileAtomic(path, text)
  return true
}

const ipv4Cidr = (node: Node | undefined): string | undefined => {
  const cidrs = node?.spec?.podCIDRs ?? (node?.spec?.podCIDR === undefined ? [] : [node.spec.podCIDR])
  return cidrs.find(cidr => cidr !== '' && parseCidr(cidr).ip.family === 4)
}

const internalAddresses = (all: readonly Node[]): string[] =>
  all.flatMap(node =>
    (node.status?.addresses ?? [])
      .filter(({ type, address }) => type === 'InternalIP' && isIPv4(address))
      .map(({ address }) => address),
  )

class NodeNetworkKeeper {
  readonly #options: NodeNetworkOptions
  readonly #informer: Informer<Node>
  #current: { podCidr: string; addresses: string } | undefined
  #queue: Promise<void> = Promise.resolve()
  readonly ready: Promise<void>
  #setReady: () => void = () => {}
  constructor(options: NodeNetworkOptions) {
    this.#options = options
    this.ready = new Promise(resolve => (this.#setReady = resolve))
    this.#informer = new Informer(options.client, nodes, { signal: options.signal })
  }

  async run(): Promise<void> {
    const { signal, clock = systemClock } = this.#options
    const changed = () => this.#enqueue(false)
    this.#informer.subscribe({ added: changed, updated: changed, deleted: changed })
    this.#informer.start()
    for (;;) {
      try {
        await clock.sleep(REPAIR_MS, signal)
      } catch {
        break
      }
      this.#enqueue(true)
    }
    await this.#queue
  }

  /** One pass at a time; a failed pass is tried again with the next repair. */
  #enqueue(repair: boolean): void {
    this.#queue = this.#queue
      .then(() => this.#pass(repair))
      .catch((err: unknown) => {
        if (!this.#options.signal.aborted)
          this.#options.log.error({ err, node: this.#options.nodeName }, 'node network')
      })
  }

  async #pass(repair: boolean): Promise<void> {
    const { signal, nodeName, clusterCidr, serviceCidr, journal, exec, log } = this.#options
    if (signal.aborted) return
    const podCidr = ipv4Cidr(this.#informer.get(nodeName))
    if (podCidr === undefined) return
    const nodeAddresses = internalAddresses(this.#informer.list())
    const addresses = nodeAddresses.toSorted().join(',')
    const same = this.#current?.podCidr === podCidr && this.#current.addresses === addresses
    if (same && !repair) return
    await setNodeSysctls(this.#options.sysctlRoot ?? '/proc/sys', { journal, exec, log })
    journal.record({ kind: 'iptables', family: 'ip', prefix: chainPrefix, tables: ['nat', 'filter'] })
    if (await applyNodeRules(exec, { podCidr, clusterCidr, serviceCidr, nodeAddresses }, signal))
      log.info({ node: nodeName, podCidr }, repair && same ? 'node rules were gone: put back' : 'node rules in place')
    await this.#conflist(podCidr)
    this.#current = { podCidr, addresses }
    this.#setReady()
  }

  async #conflist(podCidr: string): Promise<void> {
    const { confDir, cniDataDir, journal, log, nodeName, links } = this.#options
    // The bridge is made by the first pod's ADD, the leases too: written down here, before there can be one.
    journal.record({ kind: 'link', name: bridgeName })
    if (!existsSync(cniDataDir)) journal.record({ kind: 'path', path: cniDataDir })
    const mtu = await this.#mtu(links)
    if (writeConflist(confDir, conflistText({ podCidr, cniDataDir, mtu }), journal))
      log.info({ node: nodeName, podCidr, mtu }, 'wrote the pod network configuration')
  }

  async #mtu(given: Links | undefined): Promise<number> {
    if (given !== undefined) return mtuOfDefaultLink(given)
    const links = new RtLinks()
    try {
      return await mtuOfDefaultLink(links)
    } catch (cause) {
      throw new SkiffError('UNAVAILABLE', `the MTU of the default link: ${messageOf(cause)}`, { cause })
    } finally {
      links.close()
    }
  }
}

/**
 * Keeps a node's pod network: waits for Node.spec.podCIDR, then sets the sysctls, keeps the chains SKIFF-FORWARD and
 * SKIFF-POSTROUTING in place (repaired every minute) and writes the CNI configuration list, last, because the kubelet
 * turns the node Ready when it sees it. Every change is recorded in the journal before it is made.
 */
export const startNodeNetwork = (options: NodeNetworkOptions): NodeNetwork => {
  const keeper = new NodeNetworkKeeper(options)
  return { ready: keeper.ready, done: keeper.run() }
}
