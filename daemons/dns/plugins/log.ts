import { corefileError } from '../corefile/corefile.ts'
import { refuseProperty, zonesFrom } from '../corefile/read-directive.ts'
import { className, rcodeName, rcodes, typeName } from '../message/message.ts'
import { closestZone } from '../message/name.ts'
import type { Plugin, Served } from './plugin.ts'

const common =
  '{remote}:{port} - {>id} "{type} {class} {name} {proto} {size} {>do} {>bufsize}" {rcode} {>rflags} {rsize} {duration}'
const named: Readonly<Record<string, string>> = { '{common}': common, '{combined}': `${common} "{>opcode}"` }

const replacements: Readonly<Record<string, (served: Served) => string>> = {
  remote: served => (served.client.address.includes(':') ? `[${served.client.address}]` : served.client.address),
  port: served => String(served.client.port),
  '>id': served => String(served.id),
  type: served => typeName(served.type),
  class: served => className(served.class),
  name: served => served.name,
  proto: served => served.transport,
  size: served => String(served.requestBytes),
  '>do': served => String(served.dnssecOk),
  '>bufsize': served => String(served.udpSize),
  '>opcode': () => '0',
  rcode: served => rcodeName(served.rcode),
  '>rflags': served => (served.authoritative ? 'qr,aa' : 'qr'),
  rsize: served => String(served.replyBytes),
  duration: served => `${(served.durationMs / 1000).toFixed(9)}s`,
}

/** The line of one question and its reply; a word in braces that is unknown is `-`. */
export const formatServed = (format: string, served: Served): string =>
  format.replace(/\{([^{}]+)\}/g, (_, key: string) => replacements[key]?.(served) ?? '-')

const classOf = (served: Served): string =>
  served.rcode === rcodes.NOERROR ? 'success' : served.rcode === rcodes.NXDOMAIN ? 'denial' : 'error'

/** log: a line for every reply. */
export const log: Plugin = {
  name: 'log',
  setup: (directive, context) => {
    const formatAt = directive.args.findIndex(word => word.includes('{'))
    const names = formatAt < 0 ? directive.args : directive.args.slice(0, formatAt)
    const given = formatAt < 0 ? '{common}' : directive.args.slice(formatAt).join(' ')
    const format = Object.entries(named).reduce((text, [key, value]) => text.replaceAll(key, value), given)
    const zones = zonesFrom(directive, names, ['.'])
    const classes = new Set<string>()
    for (const property of directive.body) {
      if (property.name !== 'class') refuseProperty('log', property, [])
      for (const word of property.args) {
        if (!['all', 'success', 'denial', 'error'].includes(word))
          throw corefileError(property, `unknown class ${word}`)
        classes.add(word)
      }
    }
    const all = classes.size === 0 || classes.has('all')
    return {
      observer: served => {
        if (!all && !classes.has(classOf(served))) return
        if (closestZone(zones, served.name.toLowerCase()) !== undefined) context.log.info(formatServed(format, served))
      },
    }
  },
}
