import { isIPv4 } from 'node:net'
import { ipBytes, ipText } from '../../../kube/ip-address.ts'

/** The address that `4.3.2.1.in-addr.arpa.` or a full ip6.arpa name stands for; undefined for any other name. */
export const addressOfReverse = (name: string): string | undefined => {
  const v4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa\.$/.exec(name)
  if (v4 !== null) {
    const text = v4.slice(1, 5).toReversed().join('.')
    return isIPv4(text) ? text : undefined
  }
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa\.$/.exec(name)
  if (v6?.[1] === undefined) return undefined
  return ipText(Buffer.from(v6[1].replaceAll('.', '').split('').toReversed().join(''), 'hex'))
}

/** `10.0.0.1` is `1.0.0.10.in-addr.arpa.` */
export const reverseName = (ip: string): string => {
  const bytes = ipBytes(ip)
  if (bytes.length === 4) return `${[...bytes].toReversed().join('.')}.in-addr.arpa.`
  return `${bytes.toString('hex').split('').toReversed().join('.')}.ip6.arpa.`
}
