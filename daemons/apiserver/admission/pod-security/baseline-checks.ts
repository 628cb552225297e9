import type { SELinuxOptions } from 'kubernetes-types/core/v1.js'
import type { Draft } from '../../kinds/draft.ts'
import { named, type Part, partsOf, plural, quoted, type SecurityCheck, setters, sortedSet } from './security-check.ts'

const defaultCapabilities = new Set([
  'AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID',
  'SETPCAP', 'SETUID', 'SYS_CHROOT',
]) // prettier-ignore

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'
const goodAppArmor = (type: string): boolean => type === 'RuntimeDefault' || type === 'Localhost'
const goodAppArmorText = (text: string): boolean =>
  text === '' || text === 'runtime/default' || text.startsWith('localhost/')

/** The types of a profile that may be set in a pod and in its containers; the bad ones. */
const badTypes = (pod: string | undefined, parts: readonly Part[], read: (part: Part) => string | undefined) => {
  const bad = (type: string | undefined): boolean => type !== undefined && !goodAppArmor(type)
  const badParts = parts.filter(part => bad(read(part)))
  const values = [...(bad(pod) ? [pod ?? ''] : []), ...badParts.map(part => read(part) ?? '')]
  return { who: setters(bad(pod), badParts), values: sortedSet(values) }
}

const appArmorProfile: SecurityCheck = {
  id: 'appArmorProfile',
  level: 'baseline',
  since: 0,
  run: pod => {
    const own = pod.spec?.securityContext as { appArmorProfile?: { type?: string } } | undefined
    const typeOf = (part: Part) => (part.securityContext as typeof own)?.appArmorProfile?.type
    const { who, values } = badTypes(own?.appArmorProfile?.type, partsOf(pod), typeOf)
    const annotations = Object.entries(pod.metadata?.annotations ?? {})
      .filter(([key, text]) => key.startsWith(appArmorPrefix) && !goodAppArmorText(text ?? ''))
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const all = sortedSet([...values, ...annotations.map(([, text]) => text ?? '')])
    if (all.length === 0) return undefined
    const notes =
      annotations.length === 0
        ? []
        : [`${plural(annotations.length, 'annotation', 'annotations')} ${quoted(annotations.map(([key]) => key))}`]
    return {
      reason: plural(all.length, 'forbidden AppArmor profile', 'forbidden AppArmor profiles'),
      detail: `${[...(who === '' ? [] : [who]), ...notes].join(' and ')} must not set AppArmor profile type to ${quoted(all)}`,
    }
  },
}

const capabilitiesBaseline: SecurityCheck = {
  id: 'capabilities_baseline',
  level: 'baseline',
  since: 0,
  run: pod => {
    const added = (part: Part) =>
      (part.securityContext?.capabilities?.add ?? []).map(String).filter(name => !defaultCapabilities.has(name))
    const bad = partsOf(pod).filter(part => added(part).length > 0)
    if (bad.length === 0) return undefined
    return {
      reason: 'non-default capabilities',
      detail: `${named(bad)} must not include ${quoted(sortedSet(bad.flatMap(added)))} in securityContext.capabilities.add`,
    }
  },
}

const hostNamespaces: SecurityCheck = {
  id: 'hostNamespaces',
  level: 'baseline',
  since: 0,
  run: ({ spec }) => {
    const used = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter(field => spec?.[field] === true)
    return used.length === 0
      ? undefined
      : { reason: 'host namespaces', detail: used.map(field => `${field}=true`).join(', ') }
  },
}

const hostPathVolumes: SecurityCheck = {
  id: 'hostPathVolumes',
  level: 'baseline',
  since: 0,
  run: ({ spec }) => {
    const names = (spec?.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name = '' }) => name)
    if (names.length === 0) return undefined
    return { reason: 'hostPath volumes', detail: `${plural(names.length, 'volume', 'volumes')} ${quoted(names)}` }
  },
}

const hostPorts: SecurityCheck = {
  id: 'hostPorts',
  level: 'baseline',
  since: 0,
  run: pod => {
    const portsOf = (part: Part) => (part.ports ?? []).map(({ hostPort }) => hostPort ?? 0).filter(port => port !== 0)
    const bad = partsOf(pod).filter(part => portsOf(part).length > 0)
    if (bad.length === 0) return undefined
    const ports = sortedSet(bad.flatMap(portsOf).map(String))
    const verb = plural(bad.length, 'uses', 'use')
    return {
      reason: 'hostPort',
      detail: `${named(bad)} ${verb} ${plural(ports.length, 'hostPort', 'hostPorts')} ${ports.join(', ')}`,
    }
  },
}

const hostsOf = (part: Part): string[] => {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = part
  return [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
    .flatMap(handler => [handler?.httpGet?.host, handler?.tcpSocket?.host])
    .filter((host): host is string => host !== undefined && host !== '')
}

const hostProbes: SecurityCheck = {
  id: 'hostProbesAndhostLifecycle',
  level: 'baseline',
  since: 34,
  run: pod => {
    const bad = partsOf(pod).filter(part => hostsOf(part).length > 0)
    if (bad.length === 0) return undefined
    const hosts = sortedSet(bad.flatMap(hostsOf))
    const verb = plural(bad.length, 'uses', 'use')
    return {
      reason: 'probe or lifecycle host',
      detail: `${named(bad)} ${verb} probe or lifecycle ${plural(hosts.length, 'host', 'hosts')} ${quoted(hosts)}`,
    }
  },
}

const privileged: SecurityCheck = {
  id: 'privileged',
  level: 'baseline',
  since: 0,
  run: pod => {
    const bad = partsOf(pod).filter(part => part.securityContext?.privileged === true)
    if (bad.length === 0) return undefined
    return { reason: 'privileged', detail: `${named(bad)} must not set securityContext.privileged=true` }
  },
}

const procMount: SecurityCheck = {
  id: 'procMount',
  level: 'baseline',
  since: 0,
  run: pod => {
    const mountOf = (part: Part) => part.securityContext?.procMount ?? 'Default'
    const bad = partsOf(pod).filter(part => mountOf(part) !== 'Default')
    if (bad.length === 0) return undefined
    const detail = `${named(bad)} must not set securityContext.procMount to ${quoted(sortedSet(bad.map(mountOf)))}`
    return { reason: 'procMount', detail }
  },
}

const linuxTypes = new Set(['', 'container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'])

const seLinuxOptions: SecurityCheck = {
  id: 'seLinuxOptions',
  level: 'baseline',
  since: 0,
  run: pod => {
    type Options = Draft<SELinuxOptions> | undefined
    const bad = (options: Options) =>
      options !== undefined && (!linuxTypes.has(options.type ?? '') || !!options.user || !!options.role)
    const own = pod.spec?.securityContext?.seLinuxOptions as Options
    const badParts = partsOf(pod).filter(part => bad(part.securityContext?.seLinuxOptions as Options))
    if (!bad(own) && badParts.length === 0) return undefined
    const all = [...(bad(own) ? [own] : []), ...badParts.map(part => part.securityContext?.seLinuxOptions as Options)]
    const types = sortedSet(all.map(options => options?.type ?? '').filter(type => !linuxTypes.has(type)))
    const data = [
      ...(types.length > 0 ? [`${plural(types.length, 'type', 'types')} ${quoted(types)}`] : []),
      ...(all.some(options => options?.user) ? ['user may not be set'] : []),
      ...(all.some(options => options?.role) ? ['role may not be set'] : []),
    ]
    const who = setters(bad(own), badParts)
    return {
      reason: 'seLinuxOptions',
      detail: `${who} set forbidden securityContext.seLinuxOptions: ${data.join('; ')}`,
    }
  },
}

const seccompProfileBaseline: SecurityCheck = {
  id: 'seccompProfile_baseline',
  level: 'baseline',
  since: 19,
  run: pod => {
    const typeOf = (part: Part) => part.securityContext?.seccompProfile?.type
    const { who, values } = badTypes(pod.spec?.securityContext?.seccompProfile?.type, partsOf(pod), typeOf)
    if (values.length === 0) return undefined
    return {
      reason: 'seccompProfile',
      detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(values)}`,
    }
  },
}

/** Sysctls that stay within a pod, with the version of the standard that lets them first. */
const safeSysctls: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
}

const sysctls: SecurityCheck = {
  id: 'sysctls',
  level: 'baseline',
  since: 0,
  run: ({ spec }, minor) => {
    const names = (spec?.securityContext?.sysctls ?? []).map(({ name = '' }) => name)
    const bad = names.filter(name => !Object.hasOwn(safeSysctls, name) || (safeSysctls[name] ?? 0) > minor)
    return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') }
  },
}

const windowsHostProcess: SecurityCheck = {
  id: 'windowsHostProcess',
  level: 'baseline',
  since: 0,
  run: pod => {
    const own = pod.spec?.securityContext?.windowsOptions?.hostProcess === true
    const bad = partsOf(pod).filter(part => part.securityContext?.windowsOptions?.hostProcess === true)
    if (!own && bad.length === 0) return undefined
    const detail = `${setters(own, bad)} must not set securityContext.windowsOptions.hostProcess=true`
    return { reason: 'hostProcess', detail }
  },
}

/** What lets a pod out of its container; in upstream's order, by id. */
export const baselineChecks: readonly SecurityCheck[] = [
  appArmorProfile, capabilitiesBaseline, hostNamespaces, hostPathVolumes, hostPorts, hostProbes, privileged, procMount,
  seLinuxOptions, seccompProfileBaseline, sysctls, windowsHostProcess,
] // prettier-ignore
