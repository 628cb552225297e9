import t from 'tap'
import { setTimeout as sleep } from 'node:timers/promises'
import { EtcdClient } from '../../../daemons/apiserver/store/etcd/etcd-client.ts'
import { EtcdStore } from '../../../daemons/apiserver/store/etcd/etcd-store.ts'
import type { StoreEvent } from '../../../daemons/apiserver/store/store.ts'
import { systemClock } from '../../../host/clock.ts'
import { keyOf, put } from '../../daemons/apiserver/store/store-suite.ts'
import { startEtcd } from './etcd-cluster.ts'

const pods = '/registry/core/pods/'
const openStore = (servers: readonly string[], timeoutMs = 3000) =>
  EtcdStore.open({
    servers,
    prefix: '/registry',
    clock: systemClock,
    signal: new AbortController().signal,
    eventTtlMs: 3_600_000,
    compactionIntervalMs: 0,
    timeoutMs,
  })

/** Writes until `stop`; what failed is not in `acknowledged`. */
const writeSteadily = (store: EtcdStore) => {
  const acknowledged: string[] = []
  let going = true
  let failed = 0
  const writer = async (id: number): Promise<void> => {
    for (let n = 0; going; n++)
      try {
        const result = await store.transact([put(`w${id}-${n}`, 0)])
        if (result.kind === 'committed') acknowledged.push(keyOf(`w${id}-${n}`))
      } catch {
        failed++
      }
  }
  const done = Promise.all([0, 1, 2, 3].map(writer))
  return {
    acknowledged,
    more: async (count: number) => {
      const target = acknowledged.length + count
      for (let tries = 0; acknowledged.length < target; tries++) {
        if (tries > 600) throw new Error(`writes do not go on: ${acknowledged.length} of ${target}, ${failed} failed`)
        await sleep(50)
      }
    },
    stop: async () => {
      going = false
      await done
    },
  }
}

void t.test('three members: killed, without a leader, without a quorum and back', async t => {
  const etcd = await startEtcd(3)
  const store = await openStore(etcd.servers)
  t.teardown(async () => {
    await store.close()
    await etcd.stop()
  })
  const events: StoreEvent[] = []
  store.watch(pods, store.revision, event => events.push(event))
  const load = writeSteadily(store)
  await load.more(50)

  await t.test('writes go on when the leader is killed, and when it comes back', async () => {
    const leader = await etcd.leader()
    await etcd.kill(leader)
    await load.more(50)
    etcd.start(leader)
    await etcd.waitHealthy(leader)
    await load.more(50)
  })

  await t.test('writes go on when the member that is asked is killed', async () => {
    await etcd.kill(0)
    await load.more(50)
    etcd.start(0)
    await etcd.waitHealthy(0)
  })

  await load.stop()
  await store.refresh()
  t.same(
    load.acknowledged.filter(key => store.get(key) === undefined),
    [],
    'no acknowledged write is missing',
  )
  const revisions = events.map(({ entry }) => entry.revision)
  t.same(
    revisions,
    [...new Set(revisions)].sort((a, b) => a - b),
    'each event came once, in order',
  )
  t.equal(events.length, store.range({ prefix: pods }).entries.length, 'and none was left out')

  await t.test('without a quorum writes fail in bounded time, memory still answers, and all comes back', async t => {
    await etcd.kill(1)
    await etcd.kill(2)
    const before = store.range({ prefix: pods }).entries.length
    const startedAt = performance.now()
    const error: unknown = await store.transact([put('lost', 0)]).catch((caught: unknown) => caught)
    t.match(error, { code: /^(UNAVAILABLE|TIMEOUT)$/ })
    t.ok(performance.now() - startedAt < 15_000, 'in bounded time')
    await t.rejects(store.refresh(), { code: /^(UNAVAILABLE|TIMEOUT)$/ }, 'a read that must be current fails too')
    t.equal(store.range({ prefix: pods }).entries.length, before, 'what is in memory can be read')
    etcd.start(1)
    etcd.start(2)
    for (const member of [0, 1, 2]) await etcd.waitHealthy(member)
    t.match(await store.transact([put('back', 0)]), { kind: 'committed' })
    await store.refresh()
    t.equal(store.problem(), undefined)
  })
})

void t.test('a compaction underneath while the watch is away: watchers learn how things are now', async t => {
  const etcd = await startEtcd(1)
  const store = await openStore(etcd.servers)
  t.teardown(async () => {
    await store.close()
    await etcd.stop()
  })
  for (const name of ['a', 'b', 'c']) await store.transact([put(name, 0)])
  const from = store.revision
  const seen: string[] = []
  const told = new Promise<void>(resolve => {
    store.watch(pods, from, ({ type, entry }) => {
      seen.push(`${type} ${entry.key}`)
      if (type === 'delete') resolve()
    })
  })
  // Our store sees nothing while its member is away; meanwhile another one writes and compacts behind its back.
  await etcd.kill(0)
  const other = EtcdClient.open({ servers: etcd.servers }).then(async client => {
    const key = (name: string) => Buffer.from(`/registry/pods/default/${name}`)
    const text = (name: string, n: number) =>
      Buffer.from(`{"kind":"Pod","apiVersion":"v1","metadata":{"name":"${name}"},"n":${n}}`)
    await client.call('KV.Txn', {
      compare: [],
      success: [
        { put: { key: key('a'), value: text('a', 2) } },
        { deleteRange: { key: key('b') } },
        { put: { key: key('d'), value: text('d', 1) } },
      ],
      failure: [],
    })
    const { header } = await client.call('KV.Put', { key: key('a'), value: text('a', 3) })
    await client.call('KV.Compact', { revision: header.revision })
    client.close()
  })
  etcd.start(0)
  await other
  await told
  t.equal(store.get(keyOf('a'))?.object['n'], 3)
  t.equal(store.get(keyOf('b')), undefined)
  t.ok(seen.includes(`put ${keyOf('d')}`) && seen.includes(`delete ${keyOf('b')}`))
})

void t.test('a full etcd is told as such, and reading goes on', async t => {
  const etcd = await startEtcd(1, ['--quota-backend-bytes', String(4 * 1024 * 1024)])
  const store = await openStore(etcd.servers)
  t.teardown(async () => {
    await store.close()
    await etcd.stop()
  })
  const pad = 'x'.repeat(200_000)
  const fill = async () => {
    for (let n = 0; n < 100; n++) await store.transact([put(`p${n}`, 0, { pad })])
  }
  await t.rejects(fill(), { code: 'HOST_UNFIT', message: /space exceeded/ })
  await store.refresh()
  t.ok(store.get(keyOf('p0')))
})
