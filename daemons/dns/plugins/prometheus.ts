import { readAddress } from '../corefile/read-directive.ts'
import type { Plugin } from './plugin.ts'

/** prometheus: `/metrics`, with CoreDNS's names. */
export const prometheus: Plugin = {
  name: 'prometheus',
  setup: (directive, { metrics }) => ({
    http: [
      {
        address: readAddress(directive, 'localhost:9153'),
        path: '/metrics',
        handle: async () => ({
          status: 200,
          contentType: 'text/plain; version=0.0.4; charset=utf-8',
          body: (await metrics?.text()) ?? '',
        }),
      },
    ],
    observer: served => metrics?.observe(served),
  }),
}
