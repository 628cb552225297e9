import { readAddress } from '../corefile/read-directive.ts'
import type { Plugin } from './plugin.ts'

/** ready: `/ready` answers 200 once every plugin that can tell is ready, else 503 with the names of those that are not. */
export const ready: Plugin = {
  name: 'ready',
  setup: (directive, context) => ({
    http: [
      {
        address: readAddress(directive, ':8181'),
        path: '/ready',
        handle: () => {
          const waiting = context.notReady()
          const contentType = 'text/plain; charset=utf-8'
          return waiting.length === 0
            ? { status: 200, contentType, body: 'OK' }
            : { status: 503, contentType, body: waiting.join(',') }
        },
      },
    ],
  }),
}
