import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { corefileError } from '../corefile/corefile.ts'
import { refuseProperty } from '../corefile/read-directive.ts'
import type { Plugin } from './plugin.ts'

/** bind: the addresses (or links, whose addresses are meant) a block listens on. */
export const bind: Plugin = {
  name: 'bind',
  setup: directive => {
    for (const property of directive.body) refuseProperty('bind', property, ['except'])
    if (directive.args.length === 0) throw corefileError(directive, 'needs an address')
    return {
      bind: directive.args.flatMap(word => {
        if (isIP(word) !== 0) return [word]
        const addresses = networkInterfaces()[word]
        if (addresses === undefined) throw corefileError(directive, `${word} is neither an address nor a link with one`)
        // A link-local address would need its zone to be bound.
        return addresses.filter(({ scopeid }) => scopeid === undefined || scopeid === 0).map(({ address }) => address)
      }),
    }
  },
}
