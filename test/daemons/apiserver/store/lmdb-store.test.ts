import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { HistoryBounds } from '../../../../daemons/apiserver/store/history-bounds.ts'
import { LmdbStore } from '../../../../daemons/apiserver/store/lmdb-store.ts'
import type { LogBounds } from '../../../../daemons/apiserver/store/log/commit-log.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { keyOf, put, storeSuite } from './store-suite.ts'

/** All files of a store, in bytes. */
const sizeOf = (directory: string): number =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    // A segment may go away in between.
    .map(name => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0)
    .reduce((sum, size) => sum + size, 0)

const makeStore = async (history: Partial<HistoryBounds> = {}, log: Partial<LogBounds> = {}) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-store-'))
  const stop = new AbortController()
  const clock = new FakeClock()
  const open = () => LmdbStore.open({ directory, clock, signal: stop.signal, history, log })
  let store = await open()
  return {
    store,
    clock,
    directory,
    reopen: async () => {
      await store.close()
      store = await open()
      return store
    },
    stop: async () => {
      stop.abort(new Error('the test is over'))
      await store.close()
      rmSync(directory, { recursive: true })
    },
  }
}

storeSuite(t, () => makeStore())

void t.test('a second server on the same directory is refused', async t => {
  const { directory, stop } = await makeStore()
  t.teardown(stop)
  const signal = new AbortController().signal
  await t.rejects(LmdbStore.open({ directory, clock: new FakeClock(), signal }), { code: 'ALREADY_RUNNING' })
})

void t.test('history older than five minutes is compacted, younger history is kept', async t => {
  const { store, clock, stop } = await makeStore()
  t.teardown(stop)
  await store.transact([put('a', 0)])
  const first = store.revision
  await clock.advance(290_000)
  await store.transact([put('b', 0)])
  await clock.advance(60_000)
  // The compaction that the clock woke is the last write in line: a transaction behind it waits for it.
  await store.transact([put('c', 0)])
  t.throws(() => store.watch('/registry/core/pods/', first - 1, () => {}), { message: /^too old resource version/ })
  const seen: string[] = []
  store.watch('/registry/core/pods/', first, event => seen.push(event.entry.key))
  t.same(seen, [keyOf('b'), keyOf('c')])
})

const lease = (n: number) => ({
  kind: 'put' as const,
  key: `/registry/coordination.k8s.io/leases/kube-node-lease/node-${n % 50}`,
  object: { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata: { name: `node-${n % 50}` } },
})

void t.test('thousands of lease renewals leave the history of pods alone', async t => {
  const { store, stop, reopen } = await makeStore({ busyHistoryEvents: 100 })
  t.teardown(stop)
  await store.transact([put('a', 0)])
  const from = store.revision
  const page = store.range({ prefix: '/registry/core/pods/' })
  await store.transact([put('b', 0)])
  for (let round = 0; round < 10; round++)
    await Promise.all(Array.from({ length: 300 }, (_, n) => store.transact([lease(n)])))
  for (const current of [store, await reopen()]) {
    const seen: string[] = []
    current.watch('/registry/core/pods/', from, event => seen.push(event.entry.key))()
    t.same(seen, [keyOf('b')])
    t.equal(current.range({ prefix: '/registry/core/pods/', revision: page.revision }).entries.length, 1)
    t.throws(() => current.watch('/registry/coordination.k8s.io/leases/', from, () => {}), {
      message: /^too old resource version/,
    })
  }
})

void t.test('a history of large objects is bounded by its bytes', async t => {
  const { store, stop } = await makeStore({ historyBytes: 1_000_000 })
  t.teardown(stop)
  const first = store.revision
  const pad = 'x'.repeat(50_000)
  for (let n = 0; n < 60; n++) await store.transact([put('a', undefined, { n, pad })])
  t.throws(() => store.watch('/registry/core/pods/', first, () => {}), { message: /^too old resource version/ })
  const seen: unknown[] = []
  store.watch('/registry/core/pods/', store.revision - 5, event => seen.push(event.entry.object['n']))
  t.same(seen, [55, 56, 57, 58, 59])
})

void t.test('the files stop growing under a steady load', async t => {
  const { store, stop, directory } = await makeStore({ historyEvents: 500 }, { segmentBytes: 500_000, segments: 2 })
  t.teardown(stop)
  const pad = 'x'.repeat(1500)
  const write = async (rounds: number): Promise<number> => {
    let most = 0
    for (let round = 0; round < rounds; round++) {
      await Promise.all(
        Array.from({ length: 250 }, (_, n) => store.transact([put(`p${n}`, undefined, { pad, round })])),
      )
      most = Math.max(most, sizeOf(directory))
    }
    return most
  }
  const early = await write(20)
  const late = await write(60)
  t.ok(late <= early * 1.5, `${early} bytes after 5,000 writes, ${late} after 20,000`)
})
