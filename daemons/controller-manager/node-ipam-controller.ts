import { nodes } from '../../kube/resources.ts'
import type { StartController } from './controller-context.ts'
import { nextRange, parsePool, rangesOf } from './node-ipam-plan.ts'
import { applyWrite, patchWrite } from './write.ts'

/** Gives each node that has none a range of pod addresses out of --cluster-cidr. */
export const startNodeIpamController: StartController = context => {
  const { informers, client, signal, options } = context
  if (!options.allocateNodeCidrs) return
  const pool = parsePool(options.clusterCidr, options.nodeCidrMaskSize)
  const recorder = context.recorder('cidrAllocator')
  /** Given away and perhaps not yet in the cache, by node. */
  const given = new Map<string, string>()
  // One worker: two would give the same range to two nodes.
  const queue = context.startQueue('node_ipam', 1, async name => {
    const node = informers.of(nodes).get(name)
    if (node === undefined || node.metadata?.deletionTimestamp !== undefined || rangesOf(node).length > 0) return
    const used = [...informers.of(nodes).list().flatMap(rangesOf), ...given.values()]
    const range = given.get(name) ?? nextRange(pool, used)
    if (range === undefined) {
      recorder.event(node, 'Warning', 'CIDRNotAvailable', `no range is left in ${options.clusterCidr} for the node`)
      return
    }
    given.set(name, range)
    const { uid } = node.metadata ?? {}
    const patch = { metadata: { uid }, spec: { podCIDR: range, podCIDRs: [range] } }
    await applyWrite(client, patchWrite(nodes, node, patch), signal)
  })
  const enqueueWaiting = (): void => {
    for (const node of informers.of(nodes).list()) if (rangesOf(node).length === 0) queue.add(node.metadata?.name ?? '')
  }
  informers.of(nodes).subscribe({
    added: node => queue.add(node.metadata?.name ?? ''),
    updated: node => {
      const name = node.metadata?.name ?? ''
      if (rangesOf(node).length > 0) given.delete(name)
      else queue.add(name)
    },
    // Its range is free again: perhaps for one that found none.
    deleted: node => {
      given.delete(node.metadata?.name ?? '')
      enqueueWaiting()
    },
  })
}
