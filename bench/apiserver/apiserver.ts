import { median, spread } from '../median.ts'
import { type EtcdFigures, measureEtcd } from './etcd-peer.ts'
import { firstName, runLoad } from './load.ts'
import { configMap, pod } from './objects.ts'
import { type ServerUnderTest, startServer } from './server-under-test.ts'
import { watchLatency } from './watchers.ts'

/** Upstream's server with etcd on a machine like the build machines, as measured with its bare binaries. */
const upstream = {
  creates: new Map([
    [1, 620],
    [16, 1700],
    [64, 2300],
  ]),
  gets: 4200,
  listMs: 35,
  watchP50Ms: 22,
  watchP99Ms: 46,
  restMib: 367,
  loadMib: 1024,
}

const runs = 3
const clientCounts = [1, 16, 64]
const configMaps = '/api/v1/namespaces/default/configmaps'
const pods = '/api/v1/namespaces/bench/pods'

interface Row {
  figure: string
  ours: readonly number[]
  unit: string
  target: number
  upstream: number
  etcd?: number | undefined
  /** Larger is better. */
  rate: boolean
}

const line = ({ figure, ours, unit, target, upstream: theirs, etcd, rate }: Row): string => {
  const middle = median(ours)
  const digits = middle < 100 ? 1 : 0
  const ratio = rate ? middle / theirs : theirs / middle
  const bare = etcd === undefined ? '' : etcd.toFixed(etcd < 100 ? 1 : 0)
  return `| ${figure} | ${middle.toFixed(digits)} ${unit} | ${spread(ours)} | ${target} ${unit} | ${theirs} ${unit} | ${ratio.toFixed(1)} x | ${bare} |`
}

const repeat = async (measure: () => Promise<number>): Promise<number[]> => {
  const values: number[] = []
  for (let run = 0; run < runs; run++) values.push(await measure())
  return values
}

const post = async (server: ServerUnderTest, path: string, body: object): Promise<void> => {
  await runLoad(server, { path, requests: 1, clients: 1, body })
}

const measure = async (server: ServerUnderTest, etcd: EtcdFigures): Promise<string[]> => {
  const rows: Row[] = []
  const restMib = server.residentMib()
  // The first thousands are slower until V8 has compiled what is hot; they are not counted.
  await runLoad(server, { path: configMaps, clients: 64, body: configMap, requests: 6000 })
  for (const clients of clientCounts) {
    const load = { path: configMaps, clients, body: configMap, requests: 1000 + clients * 60 }
    await runLoad(server, load)
    rows.push({
      figure: `create, ${clients} ${clients === 1 ? 'client' : 'clients'}`,
      ours: await repeat(async () => (await runLoad(server, load)).perSecond),
      unit: '/s',
      target: 3 * (upstream.creates.get(clients) ?? NaN),
      upstream: upstream.creates.get(clients) ?? NaN,
      etcd: etcd.puts.get(clients),
      rate: true,
    })
  }
  const name = await firstName(server, configMaps)
  const get = { path: `${configMaps}/${name}`, clients: 64, requests: 20_000 }
  await runLoad(server, get)
  const gets = await repeat(async () => (await runLoad(server, get)).perSecond)
  rows.push({
    figure: 'get, 64 clients',
    ours: gets,
    unit: '/s',
    target: 12_600,
    upstream: upstream.gets,
    etcd: etcd.gets,
    rate: true,
  })
  await runLoad(server, { path: pods, clients: 16, requests: 2000, body: pod })
  const list = { path: pods, clients: 1, requests: 20 }
  await runLoad(server, list)
  const lists = await repeat(async () => (await runLoad(server, list)).meanMs)
  rows.push({
    figure: 'list of 2,000 pods',
    ours: lists,
    unit: 'ms',
    target: 7,
    upstream: upstream.listMs,
    etcd: etcd.rangeMs,
    rate: false,
  })
  const watches = [await watchLatency(server)]
  rows.push(
    {
      figure: 'one update to 1,000 watchers, p50',
      ours: watches.map(w => w.p50Ms),
      unit: 'ms',
      target: 11,
      upstream: upstream.watchP50Ms,
      rate: false,
    },
    {
      figure: 'one update to 1,000 watchers, p99',
      ours: watches.map(w => w.p99Ms),
      unit: 'ms',
      target: 23,
      upstream: upstream.watchP99Ms,
      rate: false,
    },
    {
      figure: 'resident memory at rest',
      ours: [restMib],
      unit: 'MiB',
      target: 92,
      upstream: upstream.restMib,
      etcd: etcd.atRestMib,
      rate: false,
    },
    {
      figure: 'resident memory after the load',
      ours: [server.residentMib()],
      unit: 'MiB',
      target: 256,
      upstream: upstream.loadMib,
      etcd: etcd.afterLoadMib,
      rate: false,
    },
  )
  return rows.map(line)
}

/** TLS, durable writes, server and load on the same cores; Debian's etcd by itself in the same run. */
export const apiServer = async (): Promise<string> => {
  const etcd = await measureEtcd(clientCounts)
  const server = await startServer()
  try {
    await post(server, '/api/v1/namespaces', { metadata: { name: 'bench' } })
    await post(server, '/api/v1/namespaces/bench/serviceaccounts', { metadata: { name: 'default' } })
    const rows = await measure(server, etcd)
    return [
      "| figure | Skiff, median | min to max | target | upstream's | ratio | etcd alone |",
      '| --- | --- | --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n')
  } finally {
    await server.stop()
  }
}
