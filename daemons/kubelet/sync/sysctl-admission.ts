import type { PodSpec } from 'kubernetes-types/core/v1.js'

/** Sysctls that belong to a pod alone and cannot harm the node: upstream's list for v1.34. */
const safe = new Set([
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_local_reserved_ports',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.ping_group_range',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.tcp_wmem',
])

/** Both spellings name one sysctl: `net.ipv4.tcp_rmem` and `net/ipv4/tcp_rmem`. */
const dotted = (name: string): string => (name.includes('/') ? name.replaceAll('/', '.') : name)

const isAllowed = (name: string, allowed: readonly string[]): boolean =>
  safe.has(name) ||
  allowed.some(pattern => (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name))

/**
 * Why a pod with these sysctls must not run on this node; undefined when it may. `allowed`: the node's
 * allowedUnsafeSysctls, names or prefixes that end in `*`. Reason and texts are upstream's.
 */
export const sysctlRefusal = (
  spec: PodSpec,
  allowed: readonly string[],
): { reason: 'SysctlForbidden'; message: string } | undefined => {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const key = dotted(name)
    const refuse = (why: string) => ({
      reason: 'SysctlForbidden' as const,
      message: `forbidden sysctl: "${key}" ${why}`,
    })
    if (!isAllowed(key, allowed)) return refuse('not allowlisted')
    // On the node's own namespaces it would change the node.
    if (spec.hostNetwork === true && key.startsWith('net.')) return refuse('not allowed with host net enabled')
    if (spec.hostIPC === true && key.startsWith('kernel.')) return refuse('not allowed with host ipc enabled')
  }
  return undefined
}
