import type { Test } from 'tap'
import { hasReason } from '../../../../kube/status.ts'
import type { Store, StoreEvent, StoreOperation } from '../../../../daemons/apiserver/store/store.ts'

const pod = (name: string, extra: Record<string, unknown> = {}) => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: { name, namespace: 'default' },
  ...extra,
})
export const keyOf = (name: string, namespace = 'default') => `/registry/core/pods/${namespace}/${name}`
export const put = (name: string, expected?: number, extra?: Record<string, unknown>): StoreOperation => ({
  kind: 'put',
  key: keyOf(name),
  object: pod(name, extra),
  ...(expected === undefined ? {} : { expected }),
})
const remove = (name: string, expected?: number): StoreOperation => ({
  kind: 'delete',
  key: keyOf(name),
  ...(expected === undefined ? {} : { expected }),
})
const names = (entries: readonly { key: string }[]) => entries.map(entry => entry.key.split('/').at(-1))

/** The rules every engine keeps. `reopen` closes the store and opens it again on the same data. */
export const storeSuite = (
  t: Test,
  makeStore: () => Promise<{ store: Store; reopen(): Promise<Store>; stop(): Promise<void> }>,
): void => {
  const rule = (
    sentence: string,
    check: (t: Test, store: Store, reopen: () => Promise<Store>) => Promise<void>,
  ): void => {
    void t.test(sentence, async t => {
      const { store, reopen, stop } = await makeStore()
      t.teardown(stop)
      await check(t, store, reopen)
    })
  }

  rule('a put counts one revision and stamps it into the object', async (t, store) => {
    const before = store.revision
    const result = await store.transact([put('a', 0)])
    t.match(result, { kind: 'committed', revision: before + 1 })
    const entry = store.get(keyOf('a'))
    t.equal(entry?.revision, before + 1)
    t.equal(entry?.object.metadata?.resourceVersion, String(before + 1))
    t.same(JSON.parse(String(entry?.bytes)), entry?.object)
  })

  rule('a put that expects absence conflicts with what is there, and says what that is', async (t, store) => {
    await store.transact([put('a', 0)])
    const result = await store.transact([put('a', 0)])
    t.equal(result.kind, 'conflict')
    t.equal(result.kind === 'conflict' ? result.current?.key : '', keyOf('a'))
  })

  rule('of concurrent writers that expect one revision, one wins', async (t, store) => {
    await store.transact([put('a', 0)])
    const at = store.revision
    const results = await Promise.all(Array.from({ length: 8 }, (_, n) => store.transact([put('a', at, { n })])))
    t.equal(results.filter(result => result.kind === 'committed').length, 1)
  })

  rule('a transaction writes all or nothing', async (t, store) => {
    await store.transact([put('a', 0)])
    const before = store.revision
    t.match(await store.transact([put('b', 0), remove('a', before + 7)]), { kind: 'conflict', index: 1 })
    t.equal(store.get(keyOf('b')), undefined)
    t.equal(store.revision, before)
    t.match(await store.transact([put('b', 0), remove('a', before)]), { kind: 'committed', revision: before + 1 })
    t.equal(store.get(keyOf('a')), undefined)
  })

  rule('deleting what is not there conflicts', async (t, store) => {
    t.match(await store.transact([remove('a')]), { kind: 'conflict', current: undefined })
  })

  rule('a range comes in key order, page by page, at one revision', async (t, store) => {
    for (const name of ['c', 'a', 'e', 'b', 'd']) await store.transact([put(name, 0)])
    const prefix = '/registry/core/pods/'
    const first = store.range({ prefix, limit: 2 })
    t.same([names(first.entries), first.remaining], [['a', 'b'], 3])
    await store.transact([remove('d')])
    await store.transact([put('c', undefined, { changed: true })])
    await store.transact([put('bb', 0)])
    const second = store.range({ prefix, after: keyOf('b'), revision: first.revision })
    t.same(names(second.entries), ['c', 'd', 'e'])
    t.equal(second.entries[0]?.object['changed'], undefined)
    t.same(names(store.range({ prefix }).entries), ['a', 'b', 'bb', 'c', 'e'])
  })

  rule('a prefix selects a namespace and not the one whose name is longer', async (t, store) => {
    for (const namespace of ['x', 'xy'])
      await store.transact([{ kind: 'put', key: keyOf('p', namespace), object: pod('p') }])
    t.equal(store.range({ prefix: '/registry/core/pods/x/' }).entries.length, 1)
  })

  rule('a watch gives every event after its revision once, in order, with what was there before', async (t, store) => {
    await store.transact([put('a', 0)])
    const from = store.revision
    await store.transact([put('a', undefined, { n: 1 })])
    const seen: StoreEvent[] = []
    const stop = store.watch('/registry/core/pods/', from, event => seen.push(event))
    await store.transact([remove('a')])
    await store.transact([put('b', 0)])
    stop()
    await store.transact([put('c', 0)])
    t.same(
      seen.map(event => [event.type, event.entry.key, event.entry.revision - from, event.previous?.object['n']]),
      [
        ['put', keyOf('a'), 1, undefined],
        ['delete', keyOf('a'), 2, 1],
        ['put', keyOf('b'), 3, undefined],
      ],
    )
    t.equal(seen[1]?.entry.object.metadata?.resourceVersion, String(from + 2), 'a delete carries its own revision')
  })

  rule('a watch sees only its prefix', async (t, store) => {
    const seen: string[] = []
    store.watch('/registry/core/pods/other/', store.revision, event => seen.push(event.entry.key))
    await store.transact([put('a', 0)])
    await store.transact([{ kind: 'put', key: keyOf('p', 'other'), object: pod('p') }])
    t.same(seen, [keyOf('p', 'other')])
  })

  rule('what is compacted can be neither watched nor ranged, the rest can', async (t, store) => {
    for (const name of ['a', 'b', 'c']) await store.transact([put(name, 0)])
    const at = store.revision
    await store.compact(at - 1)
    t.throws(() => store.watch('/registry/core/pods/', at - 2, () => {}), { message: /^too old resource version/ })
    t.throws(() => store.range({ prefix: '/registry/core/pods/', revision: at - 2 }), {
      message: /^too old resource version/,
    })
    t.equal(store.range({ prefix: '/registry/core/pods/', revision: at - 1 }).entries.length, 2)
    const seen: string[] = []
    store.watch('/registry/core/pods/', at - 1, event => seen.push(event.entry.key))
    t.same(seen, [keyOf('c')])
  })

  rule('a revision of the future is refused with a hint to try again', async (t, store) => {
    try {
      store.range({ prefix: '/registry/core/pods/', revision: store.revision + 5 })
      t.fail('did not throw')
    } catch (error) {
      t.ok(hasReason(error, 'Timeout'))
    }
  })

  rule('state, revision, compaction and history outlive a restart', async (t, store, reopen) => {
    for (const name of ['a', 'b', 'c']) await store.transact([put(name, 0)])
    await store.transact([remove('a')])
    await store.compact(store.revision - 2)
    await store.transact([put('b', undefined, { n: 2 })])
    const { revision } = store
    const again = await reopen()
    // On a shared engine opening and closing leave traces that count too.
    if (again.shared) t.ok(again.revision >= revision)
    else t.equal(again.revision, revision)
    t.same(names(again.range({ prefix: '/registry/core/pods/' }).entries), ['b', 'c'])
    t.throws(() => again.watch('/registry/core/pods/', revision - 4, () => {}), {
      message: /^too old resource version/,
    })
    // What happened before is told again in full, or refused: an engine may keep its history in memory alone.
    const seen: StoreEvent[] = []
    try {
      again.watch('/registry/core/pods/', revision - 3, event => seen.push(event))
      t.same(
        seen.map(event => [event.type, names([event.entry])[0], event.previous !== undefined]),
        [
          ['put', 'c', false],
          ['delete', 'a', true],
          ['put', 'b', true],
        ],
      )
    } catch (error) {
      t.ok(again.shared && hasReason(error, 'Expired'))
    }
    const next = again.revision + 1
    t.match(await again.transact([put('d', 0)]), { kind: 'committed', revision: next })
  })

  rule('many writers at once lose nothing', async (t, store, reopen) => {
    await Promise.all(Array.from({ length: 500 }, (_, n) => store.transact([put(`p${n}`, 0)])))
    t.equal(store.range({ prefix: '/registry/core/pods/' }).entries.length, 500)
    const again = await reopen()
    t.equal(again.range({ prefix: '/registry/core/pods/' }).entries.length, 500)
  })
}
