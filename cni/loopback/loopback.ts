import { SkiffError } from '../../kube/errors.ts'
import type { OpenLinks } from '../../host/netlink/links.ts'
import { findLink } from '../find-link.ts'
import { CniError, cniCodes } from '../cni-error.ts'
import { parseResult, type CniResult } from '../result.ts'
import type { Plugin } from '../skel/run-plugin.ts'

export interface LoopbackPorts {
  /** Throws SkiffError NOT_FOUND when the namespace is gone. */
  openPod(netns: string): { links: OpenLinks; close(): void }
}

/** loopback: brings `lo` up in the pod. The kernel gives it 127.0.0.1/8 and ::1/128 by itself. */
export const loopback = ({ openPod }: LoopbackPorts): Plugin => {
  const within = async <T>(netns: string, work: (links: OpenLinks) => Promise<T>): Promise<T> => {
    const pod = openPod(netns)
    try {
      return await work(pod.links)
    } finally {
      pod.close()
    }
  }
  const setUp = (netns: string, up: boolean) =>
    within(netns, async links => {
      const link = await findLink(links, 'lo')
      if (link === undefined) throw new CniError(cniCodes.failed, `there is no lo in ${netns}`)
      if (link.up !== up) await links.change(link.index, { up })
      return (await links.addresses()).filter(address => address.link === link.index)
    })
  return {
    add: async (call): Promise<CniResult> => {
      const addresses = await setUp(call.netns, true)
      // As the reference plugin: in a chain, what came before is handed on.
      if (call.config['prevResult'] !== undefined) return parseResult(call.config['prevResult'])
      return {
        interfaces: [{ name: 'lo', mac: '00:00:00:00:00:00', sandbox: call.netns }],
        ips: addresses.map(({ address }) => ({ interface: 0, address })),
        routes: [],
        dns: {},
      }
    },
    del: async call => {
      if (call.netns === '') return
      try {
        await setUp(call.netns, false)
      } catch (error) {
        if (error instanceof SkiffError && (error.code === 'NOT_FOUND' || error.code === 'INVALID_INPUT')) return
        throw error
      }
    },
    check: call =>
      within(call.netns, async links => {
        if ((await findLink(links, 'lo'))?.up !== true)
          throw new CniError(cniCodes.checkFailed, `loopback: lo is not up in ${call.netns}`)
      }),
  }
}
