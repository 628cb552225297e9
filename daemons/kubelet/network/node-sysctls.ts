import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Exec } from '../../../host/exec.ts'
import type { Journal } from '../../../host/journal.ts'
import { messageOf } from '../../../kube/errors.ts'

const module = 'br_netfilter'
const bridged = 'net/bridge/bridge-nf-call-iptables'

const setSysctl = (root: string, journal: Journal, key: string): void => {
  const file = join(root, key)
  const before = readFileSync(file, 'utf8').trim()
  if (before === '1') return
  journal.record({ kind: 'sysctl', key, before })
  writeFileSync(file, '1')
}

/**
 * Forwarding, and iptables for bridged traffic. Without the latter, what a pod answers to another pod of its node goes
 * over the bridge alone and never meets the NAT of the Service it was asked through: the answer comes from an address
 * that nobody asked. It takes the module br_netfilter, which is loaded where it is not.
 */
export const setNodeSysctls = async (
  root: string,
  { journal, exec, log }: { journal: Journal; exec: Exec; log: Logger },
): Promise<void> => {
  setSysctl(root, journal, 'net/ipv4/ip_forward')
  if (!existsSync(join(root, bridged))) {
    journal.record({ kind: 'module', name: module })
    const why = await exec.run('modprobe', [module]).then(({ stderr }) => stderr.trim(), messageOf)
    if (!existsSync(join(root, bridged)))
      return log.warn(
        { module, why },
        'a pod cannot reach other pods of its node through a Service: the module cannot be loaded',
      )
  }
  setSysctl(root, journal, bridged)
}
