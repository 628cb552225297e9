import { apiServer } from './apiserver/apiserver.ts'
import { objectCount } from './apiserver/object-count.ts'
import { storeGrowth } from './apiserver/store-growth.ts'
import { firstLight } from './first-light.ts'

const usage = `Usage: npm run bench [-- NAME]

Prints the figures of docs/performance.md as measured on this machine, now. As root; no cluster may be up.

  first-light   up to Ready, one pod to Running, memory at rest (about a minute)
  apiserver     creates, gets, lists, watches and memory of the API server, Debian's etcd beside it (two minutes);
                needs h2load and etcd: apt-get install nghttp2-client etcd-server
  object-count  the same requests with 1,000, 10,000 and 100,000 objects in the store (two minutes)
  store-growth  size of the embedded store's files over 200,000 writes (half a minute)
`

/** One row a bench: adding one is adding a row. */
const benches: Record<string, () => Promise<string>> = {
  'first-light': firstLight,
  apiserver: apiServer,
  'object-count': objectCount,
  'store-growth': storeGrowth,
}

const [name = 'first-light'] = process.argv.slice(2)
const bench = benches[name]
if (bench === undefined || name === '--help') {
  process.stdout.write(usage)
  process.exitCode = name === '--help' ? 0 : 2
} else process.stdout.write(`${await bench()}\n`)
