import type { Pod } from 'kubernetes-types/core/v1.js'
import { nodes, pods } from '../../kube/resources.ts'
import { hasReason } from '../../kube/status.ts'
import { timestamp, type ControllerContext, type StartController } from './controller-context.ts'
import { planPodGarbage, type PodGarbage } from './pod-gc-plan.ts'
import { isPodTerminal } from './pod-state.ts'
import { applyWrite, deleteWrite, patchWrite } from './write.ts'

/** A node that is gone may be one that registers anew: its pods are given this long, as upstream gives them. */
const quarantineMs = 40_000
const pass = 'pods'

/** A pod that is cut off is marked Failed first, so that whoever counts it sees why it went. */
const failedStatus = (pod: Pod, nowMs: number) => {
  const type = 'DisruptionTarget'
  return {
    status: {
      phase: 'Failed',
      conditions: [
        ...(pod.status?.conditions ?? []).filter(condition => condition.type !== type),
        {
          type,
          status: 'True',
          reason: 'DeletionByPodGC',
          message: 'PodGC: node no longer exists',
          lastTransitionTime: timestamp(nowMs),
        },
      ],
    },
  }
}

const remove = async ({ client, clock, signal }: ControllerContext, { pod, reason }: PodGarbage): Promise<void> => {
  if (reason === 'orphaned' && !isPodTerminal(pod))
    await applyWrite(client, patchWrite(pods, pod, failedStatus(pod, clock.now()), 'status'), signal)
  await applyWrite(client, deleteWrite(pods, pod, { gracePeriodSeconds: 0 }), signal)
}

/** Clears away pods that no kubelet and no controller will. Runs when something happened that can make such pods. */
export const startPodGcController: StartController = context => {
  const { informers, client, signal, clock, options } = context
  /** Nodes that pods name and the cache does not have, since when. */
  const missing = new Map<string, number>()

  const confirmGone = async (name: string): Promise<boolean> => {
    try {
      await client.get(nodes, name, { signal })
      return false
    } catch (error) {
      if (hasReason(error, 'NotFound')) return true
      throw error
    }
  }

  const queue = context.startQueue('pod_gc', 1, async () => {
    const known = new Set(
      informers
        .of(nodes)
        .list()
        .map(node => node.metadata?.name),
    )
    const all = informers.of(pods).list()
    const named = new Set(all.flatMap(pod => pod.spec?.nodeName ?? []).filter(name => name !== '' && !known.has(name)))
    for (const name of missing.keys()) if (!named.has(name)) missing.delete(name)
    const gone = new Set<string>()
    for (const name of named) {
      const since = missing.get(name) ?? clock.now()
      missing.set(name, since)
      const left = since + quarantineMs - clock.now()
      if (left > 0) queue.addAfter(pass, left)
      else if (await confirmGone(name)) gone.add(name)
    }
    const garbage = planPodGarbage(all, options.terminatedPodGcThreshold, name => gone.has(name))
    for (const one of garbage) await remove(context, one)
  })

  const look = (pod: Pod): void => {
    const node = pod.spec?.nodeName ?? ''
    const lost = node !== '' && informers.of(nodes).get(node) === undefined
    const unscheduled = node === '' && pod.metadata?.deletionTimestamp !== undefined
    if (lost || unscheduled || isPodTerminal(pod)) queue.addAfter(pass, 1000)
  }
  informers.of(pods).subscribe({ added: look, updated: look })
  informers.of(nodes).subscribe({ deleted: () => queue.add(pass) })
}
