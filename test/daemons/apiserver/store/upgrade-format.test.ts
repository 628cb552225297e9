import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'
import t from 'tap'
import { readNumber, withLmdbFile } from '../../../../daemons/apiserver/store/lmdb-file.ts'
import { makeDirectory, openStore, podsOf } from './log/log-store.ts'
import { keyOf, put } from './store-suite.ts'

const text = (name: string, revision: number, extra = {}) =>
  Buffer.from(
    JSON.stringify({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name, namespace: 'default', resourceVersion: String(revision) },
      ...extra,
    }),
  )
const number = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return bytes
}
/** An event as formats 1 and 2 kept it: time, type, length of the key, key, value. */
const eventRecord = (name: string, value?: Buffer) => {
  const key = Buffer.from(keyOf(name))
  const head = Buffer.alloc(11)
  head.writeDoubleBE(1000, 0)
  head.writeUInt8(value === undefined ? 1 : 0, 8)
  head.writeUInt16BE(key.length, 9)
  return Buffer.concat([head, key, value ?? Buffer.alloc(0)])
}

/** Pods `a` and `b` were there; then `b` was changed, `c` made, `a` deleted and `d` made and deleted. */
const events: [number, Buffer][] = [
  [5, eventRecord('b', text('b', 5, { n: 1 }))],
  [6, eventRecord('c', text('c', 6))],
  [7, eventRecord('a')],
  [8, eventRecord('d', text('d', 8))],
  [9, eventRecord('d')],
  [10, eventRecord('b', text('b', 10, { n: 2 }))],
]

const writeEarlier = async (directory: string, format: 1 | 2): Promise<void> => {
  const root = open<Buffer, string>({
    path: join(directory, 'store.mdb'),
    noSubdir: true,
    encoding: 'binary',
    maxDbs: 8,
  })
  const objects = root.openDB<Buffer, string>({ name: 'objects', encoding: 'binary' })
  for (const [name, revision] of [
    ['a', 3],
    ['b', 4],
  ] as const)
    await objects.put(keyOf(name), Buffer.concat([number(revision), text(name, revision)]))
  const history = root.openDB<Buffer, (number | string)[]>({
    name: format === 1 ? 'history' : 'changes',
    encoding: 'binary',
  })
  for (const [revision, record] of events)
    await history.put(format === 1 ? [revision, 0] : ['/registry/core/pods/', revision, 0], record)
  if (format === 2)
    await root.openDB<Buffer, string>({ name: 'forgotten', encoding: 'binary' }).put('/registry/core/pods/', number(4))
  await root.put('revision', number(10))
  await root.put('compacted', number(4))
  await root.put('format', number(format))
  await root.close()
}

for (const format of [1, 2] as const)
  void t.test(`a store of format ${format} is brought up to this one when it is opened`, async t => {
    const directory = makeDirectory(t)
    await writeEarlier(directory, format)
    let store = await openStore(directory)
    for (const again of [false, true]) {
      t.equal(store.revision, again ? 11 : 10)
      t.same(podsOf(store), again ? ['b', 'c', 'e'] : ['b', 'c'])
      t.equal(store.get(keyOf('b'))?.object['n'], 2)
      t.equal(store.get(keyOf('b'))?.revision, 10)
      t.throws(() => store.watch('/registry/core/pods/', 9, () => {}), { message: /^too old resource version/ })
      if (!again) t.match(await store.transact([put('e', 0)]), { kind: 'committed', revision: 11 })
      await store.close()
      store = await openStore(directory)
    }
    await store.close()
    await withLmdbFile(directory, ({ root }) => {
      t.equal(readNumber(root, 'format'), 3)
      const history = root.openDB({ name: format === 1 ? 'history' : 'changes', encoding: 'binary' })
      t.equal(history.getCount(), 0)
    })
    t.ok(existsSync(join(directory, 'log', '0000000001.log')))
  })

void t.test('a store of a later format is refused', async t => {
  const directory = makeDirectory(t)
  await (await openStore(directory)).close()
  await withLmdbFile(directory, ({ root }) => root.put('format', number(4)))
  await t.rejects(openStore(directory), { code: 'CORRUPT', message: /format 4 is newer than this Skiff/ })
})
