import { SkiffError, unreachable } from '../../kube/errors.ts'
import type { Link, Links } from '../../host/netlink/links.ts'
import { findLink } from '../find-link.ts'
import type { UndoStack } from '../undo-stack.ts'
import type { BridgeOp } from './bridge-plan.ts'
import type { BridgePorts, MasqueradeOwner, PodNetwork } from './bridge-ports.ts'

interface Context {
  ports: BridgePorts
  pod: PodNetwork
  owner: MasqueradeOwner
  undo: UndoStack
}

const must = async (links: Links, name: string): Promise<Link> => {
  const link = await findLink(links, name)
  if (link !== undefined) return link
  throw new SkiffError('NOT_FOUND', `link ${name} is gone`)
}

/** Runs a creation that another plugin may have made at the same moment: that it is there is all that matters. */
const unlessThere = async (work: Promise<void>): Promise<boolean> => {
  try {
    await work
    return true
  } catch (error) {
    if (error instanceof SkiffError && error.code === 'CONFLICT') return false
    throw error
  }
}

/**
 * Carries out a plan, pushing what takes each step back. The bridge and its address stay after a failure: they are
 * the network's, and another container may be joining them at this moment.
 */
export const applyBridge = async (ops: readonly BridgeOp[], context: Context): Promise<void> => {
  // Indexes are looked up once: nothing but this ADD changes these links.
  const known = new Map<string, number>()
  const indexOf = async (where: 'host' | 'pod', name: string): Promise<number> => {
    const key = `${where} ${name}`
    const index = known.get(key) ?? (await must(where === 'host' ? context.ports.host : context.pod.links, name)).index
    known.set(key, index)
    return index
  }
  for (const op of ops) await applyOp(op, context, indexOf)
}

type IndexOf = (where: 'host' | 'pod', name: string) => Promise<number>

const applyOp = async (op: BridgeOp, context: Context, indexOf: IndexOf): Promise<void> => {
  const { ports, pod, owner, undo } = context
  const { host } = ports
  switch (op.kind) {
    case 'create-bridge': {
      const { name, mtu, mac } = op
      ports.recordBridge(name)
      const given = { ...(mtu === undefined ? {} : { mtu }), ...(mac === undefined ? {} : { mac }) }
      await unlessThere(host.create({ kind: 'bridge', name, ...given }))
      return
    }
    case 'change-bridge':
      return host.change(await indexOf('host', op.name), op.change)
    case 'create-pair':
      return createPair(op, context, await indexOf('host', op.bridge))
    case 'hairpin':
      return host.change(await indexOf('host', op.link), { hairpin: true })
    case 'add-address': {
      const links = op.where === 'host' ? host : pod.links
      const adding = links.changeAddress('add', { link: await indexOf(op.where, op.link), address: op.address })
      if (op.where === 'pod') return adding
      await unlessThere(adding)
      return
    }
    case 'remove-address':
      return host.changeAddress('remove', { link: await indexOf('host', op.link), address: op.address })
    case 'pod-up':
      return pod.links.change(await indexOf('pod', op.link), { up: true })
    case 'pod-route':
      return pod.links.changeRoute('add', { ...op.route, link: await indexOf('pod', op.link) })
    case 'sysctl':
      return ports.setSysctl(op.key, op.value)
    case 'masquerade':
      undo.push(() => ports.unmasquerade(owner))
      return ports.masquerade(owner, op.address)
    default:
      return unreachable(op)
  }
}

const createPair = async (
  op: Extract<BridgeOp, { kind: 'create-pair' }>,
  { ports, pod, undo }: Context,
  master: number,
): Promise<void> => {
  await ports.host.create({
    kind: 'veth',
    name: op.hostEnd,
    master,
    ...(op.mtu === undefined ? {} : { mtu: op.mtu }),
    peer: { name: op.podEnd, netns: pod.fd, ...(op.podMac === undefined ? {} : { mac: op.podMac }) },
  })
  // The peer, its addresses and its routes go with it.
  undo.push(async () => {
    const link = await findLink(ports.host, op.hostEnd)
    if (link !== undefined) await ports.host.remove(link.index)
  })
}
