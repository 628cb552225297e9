import { formatIp, firstOf, parseCidr } from '../../../kube/ip-address.ts'
import { normalName } from '../message/name.ts'
import { corefileError, notImplementedAt, type ZoneKey } from './corefile.ts'

interface Place {
  file: string
  line: number
}

const otherSchemes = ['tls', 'https', 'https3', 'grpc', 'quic'] as const

/** The reverse zones that cover a block: one, or as many as its prefix needs to end on a label. */
export const reverseZones = (cidr: string): string[] => {
  const { ip, prefix } = parseCidr(cidr)
  const bits = ip.family === 4 ? 8 : 4
  const labels = Math.ceil(prefix / bits)
  const first = firstOf({ ip, prefix }).value
  const total = ip.family === 4 ? 32 : 128
  const step = 1n << BigInt(total - labels * bits)
  return Array.from({ length: 2 ** (labels * bits - prefix) }, (_, i) => {
    const value = first + BigInt(i) * step
    const digits =
      ip.family === 4 ? formatIp({ family: 4, value }).split('.') : value.toString(16).padStart(32, '0').split('')
    const suffix = ip.family === 4 ? 'in-addr.arpa.' : 'ip6.arpa.'
    return [...digits.slice(0, labels).toReversed(), suffix].join('.')
  })
}

/** Reads `example.org`, `.:1053`, `dns://example.org:53`, `10.0.0.0/24`. */
export const parseZoneKey = (text: string, defaultPort: number, at: Place): ZoneKey[] => {
  const [, scheme, rest = ''] = /^(?:(\w+):\/\/)?(.*)$/s.exec(text) ?? []
  if (scheme !== undefined && (otherSchemes as readonly string[]).includes(scheme))
    throw notImplementedAt(at, `${scheme}:// servers are not implemented`)
  if (scheme !== undefined && scheme !== 'dns')
    throw corefileError(at, `${JSON.stringify(text)}: unknown scheme ${scheme}`)
  const match = /^(.*?)(?::(\d+))?$/s.exec(rest)
  const host = match?.[1] ?? ''
  const port = match?.[2] === undefined ? defaultPort : Number(match[2])
  if (port < 0 || port > 65_535) throw corefileError(at, `${JSON.stringify(text)}: ${port} is no port`)
  if (host.includes('/')) {
    try {
      return reverseZones(host).map(zone => ({ zone, port }))
    } catch {
      throw corefileError(at, `${JSON.stringify(text)} is neither a zone nor a CIDR`)
    }
  }
  const zone = normalName(host === '' ? '.' : host)
  if (
    zone.length > 254 ||
    (zone !== '.' &&
      zone
        .split('.')
        .slice(0, -1)
        .some(label => label === '' || label.length > 63))
  )
    throw corefileError(at, `${JSON.stringify(text)} is not a zone`)
  return [{ zone, port }]
}
