import t from 'tap'
import { EtcdClient } from '../../../daemons/apiserver/store/etcd/etcd-client.ts'
import { EtcdStore, type EtcdStoreOptions } from '../../../daemons/apiserver/store/etcd/etcd-store.ts'
import { FakeClock } from '../../../host/clock-fake.ts'
import { keyOf, put, storeSuite } from '../../daemons/apiserver/store/store-suite.ts'
import { startEtcd } from './etcd-cluster.ts'

const etcd = await startEtcd(1)
t.teardown(() => etcd.stop())
let spaces = 0
const pods = '/registry/core/pods/'

const optionsFor = (prefix: string, more: Partial<EtcdStoreOptions> = {}): EtcdStoreOptions => ({
  servers: etcd.servers,
  prefix,
  clock: new FakeClock(),
  signal: new AbortController().signal,
  eventTtlMs: 3_600_000,
  compactionIntervalMs: 0,
  ...more,
})

const makeStore = async () => {
  const options = optionsFor(`/space${spaces++}/registry`)
  let store = await EtcdStore.open(options)
  return {
    store,
    options,
    reopen: async () => {
      await store.close()
      store = await EtcdStore.open(options)
      return store
    },
    stop: () => store.close(),
  }
}

storeSuite(t, makeStore)

void t.test('two servers on one etcd see the same events in the same order, and refresh what they read', async t => {
  const { store, options, stop } = await makeStore()
  const other = await EtcdStore.open(options)
  t.teardown(async () => {
    await other.close()
    await stop()
  })
  const seen: [string[], string[]] = [[], []]
  for (const [n, one] of [store, other].entries())
    one.watch(pods, one.revision, event => seen[n]?.push(`${event.type} ${event.entry.key} ${event.entry.revision}`))
  await Promise.all(
    Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? store : other).transact([put(`p${n % 7}`, undefined, { n })])),
  )
  await Promise.all([store.refresh(), other.refresh()])
  t.equal(seen[0].length, 60)
  t.same(seen[0], seen[1])
  await store.transact([put('fresh', 0)])
  await other.refresh()
  t.ok(other.get(keyOf('fresh')))
})

void t.test('a read is current although etcd went on outside of the prefix', async t => {
  const { store, stop } = await makeStore()
  t.teardown(stop)
  const client = await EtcdClient.open({ servers: etcd.servers })
  t.teardown(() => client.close())
  const { header } = await client.call('KV.Put', { key: Buffer.from('/elsewhere'), value: Buffer.from('x') })
  await store.refresh()
  t.ok(store.revision >= header.revision)
})

void t.test('objects stand under the names that upstream gives them, as JSON without a resourceVersion', async t => {
  const { store, options, stop } = await makeStore()
  t.teardown(stop)
  const object = { kind: 'Service', apiVersion: 'v1', metadata: { name: 'web', namespace: 'default' } }
  await store.transact([{ kind: 'put', key: '/registry/core/services/default/web', object, expected: 0 }])
  const client = await EtcdClient.open({ servers: etcd.servers })
  t.teardown(() => client.close())
  const { kvs } = await client.call('KV.Range', { key: Buffer.from(`${options.prefix}/services/specs/default/web`) })
  t.equal(String(kvs[0]?.value), '{"kind":"Service","apiVersion":"v1","metadata":{"name":"web","namespace":"default"}}')
})

void t.test('an Event goes away with its lease', async t => {
  const options = optionsFor(`/space${spaces++}/registry`, { eventTtlMs: -58_000 })
  const store = await EtcdStore.open(options)
  t.teardown(() => store.close())
  const gone = new Promise<string>(resolve => {
    store.watch('/registry/core/events/', store.revision, event => {
      if (event.type === 'delete') resolve(event.entry.key)
    })
  })
  const key = '/registry/core/events/default/e'
  const object = { kind: 'Event', apiVersion: 'v1', metadata: { name: 'e', namespace: 'default' } }
  await store.transact([{ kind: 'put', key, object, expected: 0 }])
  t.equal(await gone, key)
})
