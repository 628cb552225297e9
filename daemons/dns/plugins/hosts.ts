import { isIP } from 'node:net'
import { messageOf } from '../../../kube/errors.ts'
import { ipBytes, ipText } from '../../../kube/ip-address.ts'
import { corefileError, type Directive } from '../corefile/corefile.ts'
import {
  neverFallThrough,
  readFallthrough,
  refuseProperty,
  wholeNumber,
  zonesFrom,
} from '../corefile/read-directive.ts'
import { addressOfReverse } from '../kubernetes/reverse-name.ts'
import { classes, rcodes, replyTo, types, type ResourceRecord } from '../message/message.ts'
import { closestZone, normalName } from '../message/name.ts'
import type { Plugin, SetupContext } from './plugin.ts'

export interface HostsTable {
  byName: ReadonlyMap<string, readonly string[]>
  byAddress: ReadonlyMap<string, readonly string[]>
}

/** Lines of hosts(5); what is no address is left out, as every reader of that file does. */
export const parseHosts = (text: string): HostsTable => {
  const byName = new Map<string, string[]>()
  const byAddress = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*$/, '').trim().split(/\s+/)
    if (isIP(address) === 0 || address.includes('%')) continue
    const ip = ipText(ipBytes(address))
    for (const name of names.map(normalName)) {
      byName.set(name, [...(byName.get(name) ?? []), ip])
      byAddress.set(ip, [...(byAddress.get(ip) ?? []), name])
    }
  }
  return { byName, byAddress }
}

const readTable = (directive: Directive, context: SetupContext, inline: readonly string[]): HostsTable => {
  const path = directive.args[0] ?? (inline.length > 0 ? undefined : '/etc/hosts')
  try {
    return parseHosts([path === undefined ? '' : context.readFile(path), ...inline].join('\n'))
  } catch (cause) {
    throw corefileError(directive, messageOf(cause))
  }
}

/** hosts: answers from a hosts file or from lines in the Corefile. */
export const hosts: Plugin = {
  name: 'hosts',
  setup: (directive, context) => {
    const zones = zonesFrom(directive, directive.args.slice(1), context.zones)
    const inline: string[] = []
    let ttl = 3600
    let reverse = true
    let fallthrough = neverFallThrough
    for (const property of directive.body) {
      if (isIP(property.name) !== 0) inline.push([property.name, ...property.args].join(' '))
      else if (property.name === 'ttl') ttl = wholeNumber(property, property.args[0], [1, 65_535])
      else if (property.name === 'no_reverse') reverse = false
      else if (property.name === 'fallthrough') fallthrough = readFallthrough(property)
      else refuseProperty('hosts', property, ['reload'])
    }
    const table = readTable(directive, context, inline)
    const answersTo = (name: string, type: number): ResourceRecord[] | undefined => {
      const base = { name, class: classes.IN, ttl }
      const ip = reverse ? addressOfReverse(name) : undefined
      if (ip !== undefined) {
        const names = table.byAddress.get(ip)
        const pointers = type === types.PTR ? (names ?? []) : []
        return names && pointers.map(target => ({ ...base, type: types.PTR, data: { kind: 'name', name: target } }))
      }
      const ips = table.byName.get(name)
      const family = type === types.A ? 4 : type === types.AAAA ? 6 : 0
      return ips
        ?.filter(address => isIP(address) === family)
        .map(address => ({ ...base, type, data: { kind: 'bytes', bytes: ipBytes(address) } }))
    }
    return {
      step: {
        plugin: 'hosts',
        answer: (query, next) => {
          if (closestZone(zones, query.name) === undefined && addressOfReverse(query.name) === undefined) return next()
          const answers = answersTo(query.name, query.type)
          if (answers === undefined && fallthrough(query.name)) return next()
          // As upstream: a hosts file has no SOA that an NXDOMAIN could carry.
          if (answers === undefined)
            return { kind: 'reply', message: replyTo(query.message, { rcode: rcodes.SERVFAIL }) }
          return { kind: 'reply', message: replyTo(query.message, { authoritative: true, answers }) }
        },
      },
    }
  },
}
