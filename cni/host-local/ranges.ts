import {
  cidrContains,
  firstOf,
  formatIp,
  lastOf,
  parseCidr,
  parseIp,
  type Cidr,
  type Ip,
} from '../../kube/ip-address.ts'
import { messageOf } from '../../kube/errors.ts'
import { CniError, cniCodes, invalidConfig } from '../cni-error.ts'
import type { CniDns, CniRoute } from '../result.ts'
import { ConfigReader } from '../skel/config-reader.ts'

/** One range with everything decided: first and last address to give out, and the gateway that is never given out. */
export interface Range {
  subnet: Cidr
  start: Ip
  end: Ip
  gateway: Ip
}

export interface HostLocalConfig {
  /** Leases stand in `<dataDir>/<network>`. */
  dataDir: string
  /** One address is given out of each set; the ranges of a set are tried in turn. */
  sets: readonly (readonly Range[])[]
  routes: readonly CniRoute[]
  resolvConf: string
  /** Addresses that were asked for (CNI_ARGS IP=, args.cni.ips, runtimeConfig.ips); each must fit one set. */
  requested: readonly Ip[]
}

const at = <T>(where: string, read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    throw invalidConfig(`${where}: ${messageOf(cause)}`, cause)
  }
}

const parseRange = (reader: ConfigReader): Range => {
  const subnet = at(reader.path('subnet'), () => parseCidr(reader.string('subnet', '')))
  const [first, last] = [firstOf(subnet), lastOf(subnet)]
  const room = last.value - first.value
  if (room < 3n)
    throw invalidConfig(`${reader.path('subnet')}: ${reader.string('subnet', '')} is too small to give out addresses`)
  const inside = (key: string, fallback: bigint): Ip => {
    const text = reader.string(key, '')
    if (text === '') return { family: first.family, value: fallback }
    const ip = at(reader.path(key), () => parseIp(text))
    if (!cidrContains(subnet, ip))
      throw invalidConfig(`${reader.path(key)}: ${text} is not in ${reader.string('subnet', '')}`)
    return ip
  }
  // IPv4's last address is the subnet's broadcast address; IPv6 has none.
  const end = inside('rangeEnd', first.family === 4 ? last.value - 1n : last.value)
  const start = inside('rangeStart', first.value + 1n)
  if (start.value > end.value) throw invalidConfig(`${reader.path('rangeStart')}: it lies after rangeEnd`)
  const gatewayText = reader.string('gateway', '')
  const gateway =
    gatewayText === ''
      ? { family: first.family, value: first.value + 1n }
      : at(reader.path('gateway'), () => parseIp(gatewayText))
  return { subnet, start, end, gateway }
}

const parseSets = (ipam: ConfigReader, runtime: ConfigReader | undefined): Range[][] => {
  const single = ipam.has('subnet') ? [[ipam]] : []
  // Ranges that the runtime gives at run time come before those of the file.
  const lists = [...single, ...(runtime?.objectLists('ipRanges') ?? []), ...ipam.objectLists('ranges')]
  if (lists.length === 0) throw invalidConfig(`${ipam.path('ranges')}: no subnet and no ranges`)
  const sets = lists.map(list => list.map(parseRange))
  for (const [i, set] of sets.entries()) {
    const family = set[0]?.subnet.ip.family
    if (family === undefined || set.some(range => range.subnet.ip.family !== family))
      throw invalidConfig(`${ipam.path('ranges')}[${i}]: a set needs ranges of one address family`)
  }
  const all = sets.flat()
  for (const [i, a] of all.entries())
    for (const b of all.slice(i + 1))
      if (a.start.family === b.start.family && a.start.value <= b.end.value && b.start.value <= a.end.value)
        throw invalidConfig(
          `${ipam.path('ranges')}: ${formatIp(a.start)}-${formatIp(a.end)} and ${formatIp(b.start)}-${formatIp(b.end)} overlap`,
        )
  return sets
}

/** Reads `ipam` of a network configuration. Throws CNI code 7 with the key. */
export const parseHostLocal = (
  config: Readonly<Record<string, unknown>>,
  args: ReadonlyMap<string, string>,
): HostLocalConfig => {
  const root = new ConfigReader(config)
  const ipam = root.object('ipam')
  if (ipam === undefined) throw invalidConfig('ipam is missing')
  const runtime = root.object('runtimeConfig')
  const asked = [
    ...(args.get('IP')?.split(',') ?? []),
    ...(root.object('args')?.object('cni')?.strings('ips') ?? []),
    ...(runtime?.strings('ips') ?? []),
  ]
  const requested = asked.map(text => at('ips', () => parseIp(text.split('/')[0] ?? '')))
  const sets = parseSets(ipam, runtime)
  for (const ip of requested)
    if (!sets.some(set => set.some(range => cidrContains(range.subnet, ip))))
      throw invalidConfig(`the address ${formatIp(ip)} that was asked for is in no range`)
  return {
    dataDir: ipam.string('dataDir', '/var/lib/cni/networks'),
    sets,
    routes: ipam.objects('routes').map(route => ({
      dst: at(route.path('dst'), () => (parseCidr(route.string('dst', '')), route.string('dst', ''))),
      ...(route.has('gw') ? { gw: route.string('gw', '') } : {}),
    })),
    resolvConf: ipam.string('resolvConf', ''),
    requested,
  }
}

/**
 * The addresses of a set that may be given out, in the order they are tried: from the one after the last that was
 * given out, round and back to it, so that an address rests as long as possible before it is used again.
 */
export function* candidates(set: readonly Range[], last: Ip | undefined): Generator<{ ip: Ip; range: Range }> {
  const from = set.findIndex(
    range => last !== undefined && last.value >= range.start.value && last.value <= range.end.value,
  )
  const begin = from < 0 ? 0 : from
  const resume = from < 0 || last === undefined ? undefined : last.value + 1n
  for (let step = 0; step <= set.length; step++) {
    const range = set[(begin + step) % set.length]
    if (range === undefined) return
    // The first range is visited twice: its part after the last address first, the part up to it at the end.
    const low = step === 0 && resume !== undefined ? resume : range.start.value
    const high = step === set.length ? (resume ?? range.start.value) - 1n : range.end.value
    for (let value = low; value <= high; value++)
      if (value !== range.gateway.value) yield { ip: { family: range.start.family, value }, range }
  }
}

export const exhausted = (set: readonly Range[]): CniError =>
  new CniError(
    cniCodes.exhausted,
    `no IP addresses available in range set: ${set.map(range => `${formatIp(range.start)}-${formatIp(range.end)}`).join(',')}`,
  )

/** `nameserver`, `domain`, `search` and `options` of a resolv.conf(5). */
export const parseResolvConf = (text: string): CniDns => {
  const words = (keyword: string) =>
    text.split('\n').flatMap(line => {
      const [head, ...rest] = line
        .replace(/[#;].*$/, '')
        .trim()
        .split(/\s+/)
      return head === keyword ? [rest] : []
    })
  const domain = words('domain').at(-1)?.[0]
  return {
    nameservers: words('nameserver').flat(),
    ...(domain === undefined ? {} : { domain }),
    search: words('search').at(-1) ?? [],
    options: words('options').flat(),
  }
}
