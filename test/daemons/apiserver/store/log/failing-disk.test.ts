import t from 'tap'
import { FaultyLogIo } from '../../../../../daemons/apiserver/store/log/log-io-fake.ts'
import { keyOf, put } from '../store-suite.ts'
import { makeDirectory, openStore, podsOf } from './log-store.ts'

const pad = 'x'.repeat(3000)

for (const afterBytes of [0, 40, 1000, 3000])
  void t.test(`a disk that is full after ${afterBytes} bytes of a group leaves no trace of it`, async t => {
    const directory = makeDirectory(t)
    const io = new FaultyLogIo()
    let store = await openStore(directory, { io })
    await store.transact([put('a', 0, { pad })])
    const at = store.revision
    io.fault = { code: 'ENOSPC', afterBytes }
    await t.rejects(store.transact([put('lost', 0, { pad })]), { code: 'HOST_UNFIT', message: /is full/ })
    await t.rejects(store.transact([put('lost', 0)]), { code: 'HOST_UNFIT' })
    t.equal(store.get(keyOf('a'))?.revision, at, 'reads go on')
    t.equal(store.problem(), undefined)
    io.fault = undefined
    t.match(await store.transact([put('b', 0)]), { kind: 'committed', revision: at + 1 })
    await store.close()
    store = await openStore(directory)
    t.same(podsOf(store), ['a', 'b'])
    await store.close()
  })

void t.test('no write takes what the file system is to keep, and writes come back with the space', async t => {
  const directory = makeDirectory(t)
  const io = new FaultyLogIo()
  const store = await openStore(directory, { io, reserveBytes: 1000 })
  t.teardown(() => store.close())
  io.left = 1000
  const large = { pad: 'x'.repeat(300_000) }
  await t.rejects(store.transact([put('a', 0, large)]), { code: 'HOST_UNFIT', message: /1000 bytes left/ })
  t.match(await store.transact([put('small', 0)]), { kind: 'committed' }, 'the room that the log has is used')
  io.left = 10_000_000
  t.match(await store.transact([put('a', 0, large)]), { kind: 'committed' })
})

void t.test('a new segment that there is no room for is made when there is', async t => {
  const directory = makeDirectory(t)
  const io = new FaultyLogIo()
  const store = await openStore(directory, { io, log: { segmentBytes: 8000, segments: 1000 }, reserveBytes: 1000 })
  t.teardown(() => store.close())
  io.left = 0
  const fill = async () => {
    for (let n = 0; n < 4; n++) await store.transact([put(`p${n}`, 0, { pad })])
  }
  await t.rejects(fill(), { code: 'HOST_UNFIT' })
  t.same(podsOf(store), ['p0', 'p1'])
  io.left = 10_000_000
  t.match(await store.transact([put('q', 0, { pad })]), { kind: 'committed' })
})

void t.test('after a failed write to the disk nothing is written until the next start, and that is said', async t => {
  const directory = makeDirectory(t)
  const io = new FaultyLogIo()
  let store = await openStore(directory, { io })
  await store.transact([put('a', 0)])
  io.fault = { code: 'EIO', afterBytes: 0 }
  await t.rejects(store.transact([put('b', 0)]), { code: 'TIMEOUT', message: /shows at the next start/ })
  io.fault = undefined
  await t.rejects(store.transact([put('c', 0)]), { code: 'UNAVAILABLE', message: /until the next start/ })
  t.match(store.problem(), /could not be written: EIO/)
  t.same(podsOf(store), ['a'])
  await store.close()
  store = await openStore(directory)
  t.same(podsOf(store), ['a'])
  t.match(await store.transact([put('c', 0)]), { kind: 'committed' })
  await store.close()
})

void t.test('a full disk that does not let go of what was written stops the writes as well', async t => {
  const io = new FaultyLogIo()
  const store = await openStore(makeDirectory(t), { io })
  t.teardown(() => store.close())
  io.fault = { code: 'ENOSPC', afterBytes: 50 }
  io.stuck = true
  await t.rejects(store.transact([put('a', 0)]), { code: 'TIMEOUT' })
  t.ok(store.problem())
})
