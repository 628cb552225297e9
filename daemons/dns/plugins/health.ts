import { durationMs, readAddress, refuseProperty } from '../corefile/read-directive.ts'
import type { Plugin } from './plugin.ts'

/** health: `/health` answers while the process serves. */
export const health: Plugin = {
  name: 'health',
  setup: directive => {
    const address = readAddress(directive, ':8080')
    let lameduckMs = 0
    for (const property of directive.body) {
      if (property.name !== 'lameduck') refuseProperty('health', property, [])
      lameduckMs = durationMs(property, property.args[0])
    }
    return {
      http: [
        {
          address,
          path: '/health',
          handle: () => ({ status: 200, contentType: 'text/plain; charset=utf-8', body: 'OK' }),
        },
      ],
      lameduckMs,
    }
  },
}
