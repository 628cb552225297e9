import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { restoreEtcd, saveEtcd } from '../../../daemons/apiserver/backup/etcd-backup.ts'
import { restoreLmdb, saveLmdb } from '../../../daemons/apiserver/backup/lmdb-backup.ts'
import { EtcdClient } from '../../../daemons/apiserver/store/etcd/etcd-client.ts'
import { EtcdStore } from '../../../daemons/apiserver/store/etcd/etcd-store.ts'
import { LmdbStore } from '../../../daemons/apiserver/store/lmdb-store.ts'
import type { Store } from '../../../daemons/apiserver/store/store.ts'
import { FakeClock } from '../../../host/clock-fake.ts'
import { keyOf, put } from '../../daemons/apiserver/store/store-suite.ts'
import { startEtcd } from './etcd-cluster.ts'

const etcd = await startEtcd(1)
const directory = mkdtempSync(join(tmpdir(), 'skiff-etcd-backup-'))
t.teardown(async () => {
  await etcd.stop()
  rmSync(directory, { recursive: true })
})
const common = { clock: new FakeClock(), signal: new AbortController().signal }
const place = { servers: etcd.servers, prefix: '/registry' }
const openEtcd = () => EtcdStore.open({ ...common, ...place, eventTtlMs: 60_000, compactionIntervalMs: 0 })
const names = (store: Store) => store.range({ prefix: '/registry/core/pods/' }).entries.map(({ key }) => key)

void t.test('a backup goes from etcd to etcd, to the embedded store, and back', async t => {
  const file = join(directory, 'one')
  let store = await openEtcd()
  for (const name of ['a', 'b']) await store.transact([put(name, 0, { n: 1 })])
  t.match(await saveEtcd(place, file, 'now'), { objects: 2 }, 'online')
  await store.transact([put('later', 0)])
  await t.rejects(restoreEtcd(file, place), { code: 'ALREADY_RUNNING' })
  const seen = store.revision
  await store.close()
  await restoreEtcd(file, place)
  store = await openEtcd()
  t.same(names(store), [keyOf('a'), keyOf('b')])
  t.ok(store.revision > seen)
  await store.close()

  const embedded = join(directory, 'embedded')
  await restoreLmdb(file, embedded)
  const lmdb = await LmdbStore.open({ ...common, directory: embedded })
  const entry = lmdb.get(keyOf('a'))
  t.equal(entry?.object.metadata?.resourceVersion, String(entry?.revision))
  await lmdb.transact([put('c', 0)])
  await lmdb.close()
  await saveLmdb(embedded, join(directory, 'two'), 'now')
  await t.rejects(restoreEtcd(join(directory, 'two'), place), { code: 'INVALID_INPUT', message: /time go backwards/ })
})

void t.test('a restore that is interrupted leaves the old state, or the new one once it is decided', async t => {
  const file = join(directory, 'three')
  let store = await openEtcd()
  await store.transact([put('kept', undefined)])
  await saveEtcd(place, file, 'now')
  await store.transact([put('newer', 0)])
  await store.close()
  const client = await EtcdClient.open(place)
  t.teardown(() => client.close())
  // Before the decision: staged, no more.
  const key = Buffer.from('/registry.restoring/pods/default/staged')
  const value = Buffer.from('{"kind":"Pod","apiVersion":"v1","metadata":{"name":"staged"}}')
  await client.call('KV.Put', { key, value })
  store = await openEtcd()
  t.ok(store.get(keyOf('newer')), 'the old state')
  await store.close()
  // Behind it: the next server carries it over.
  await client.call('KV.Put', { key: Buffer.from('/registry/skiff/restore'), value: Buffer.from('x') })
  store = await openEtcd()
  t.same(names(store), [keyOf('staged')])
  await store.close()
  t.match(await restoreEtcd(file, place), { objects: 3 })
})
