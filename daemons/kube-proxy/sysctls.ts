import { readFileSync, writeFileSync } from 'node:fs'
import type { Journal } from '../../host/journal.ts'
import { messageOf } from '../../kube/errors.ts'
import type { KubeProxyOptions } from './options.ts'

/** /proc/sys as a port; keys with slashes. */
export interface Sysctls {
  /** undefined where the kernel (or this namespace) has no such value. */
  read(key: string): string | undefined
  write(key: string, value: string): void
}

export const systemSysctls: Sysctls = {
  read: key => {
    try {
      return readFileSync(`/proc/sys/${key}`, 'utf8').trim()
    } catch {
      return undefined
    }
  },
  write: (key, value) => writeFileSync(`/proc/sys/${key}`, value),
}

export interface WantedSysctl {
  key: string
  value: number
  /** A greater value that stands already is left. */
  atLeast: boolean
}

/** What the options ask of the kernel. */
export const wantedSysctls = (options: KubeProxyOptions, cores: number): WantedSysctl[] => {
  const seconds = (ms: number) => Math.floor(ms / 1000)
  const wanted: WantedSysctl[] = [
    // Pods on one bridge: the answer must pass the rules that rewrote the question, although it is not routed.
    { key: 'net/bridge/bridge-nf-call-iptables', value: 1, atLeast: true },
  ]
  if (options.localhostNodePorts) wanted.push({ key: 'net/ipv4/conf/all/route_localnet', value: 1, atLeast: true })
  if (options.conntrackMaxPerCore > 0) {
    const max = Math.max(options.conntrackMaxPerCore * cores, options.conntrackMin)
    wanted.push({ key: 'net/netfilter/nf_conntrack_max', value: max, atLeast: true })
  }
  const established = seconds(options.conntrackEstablishedMs)
  if (established > 0)
    wanted.push({ key: 'net/netfilter/nf_conntrack_tcp_timeout_established', value: established, atLeast: false })
  const closeWait = seconds(options.conntrackCloseWaitMs)
  if (closeWait > 0)
    wanted.push({ key: 'net/netfilter/nf_conntrack_tcp_timeout_close_wait', value: closeWait, atLeast: false })
  return wanted
}

/**
 * Sets what differs, each written to the journal first. Values this namespace may not set are returned, not thrown:
 * the proxy works without them.
 */
export const applySysctls = (wanted: readonly WantedSysctl[], sysctls: Sysctls, journal: Journal): string[] => {
  const refused: string[] = []
  for (const { key, value, atLeast } of wanted) {
    const before = sysctls.read(key)
    if (before === undefined) continue
    if (Number(before) === value || (atLeast && Number(before) > value)) continue
    journal.record({ kind: 'sysctl', key, before })
    try {
      sysctls.write(key, String(value))
    } catch (error) {
      refused.push(`${key}=${value}: ${messageOf(error)}`)
    }
  }
  return refused
}
