import { constants, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { readNumber, withLmdbFile } from '../../../../../daemons/apiserver/store/lmdb-file.ts'
import { foldSegment } from '../../../../../daemons/apiserver/store/log/fold-segment.ts'
import { listSegments, segmentFile } from '../../../../../daemons/apiserver/store/log/segment-head.ts'
import { FakeClock } from '../../../../../host/clock-fake.ts'
import { keyOf, put } from '../store-suite.ts'
import { makeDirectory, openStore, podsOf } from './log-store.ts'

const history = { historyMs: 1e9 }
const log = { segmentBytes: 200_000, segments: 1000 }
const count = 500

/** Two full segments and some more: pods are made, changed, and every third one is deleted. */
const writeSegments = async (directory: string): Promise<void> => {
  const store = await openStore(directory, { log, history })
  const all = Array.from({ length: count }, (_, n) => n)
  await Promise.all(all.map(n => store.transact([put(`p${n}`, 0, { pad: 'x'.repeat(300) })])))
  await Promise.all(all.map(n => store.transact([put(`p${n}`, undefined, { changed: true })])))
  for (const n of all) if (n % 3 === 0) await store.transact([{ kind: 'delete', key: keyOf(`p${n}`) }])
  await store.close()
}

const stateOf = async (t: Test, directory: string) => {
  const store = await openStore(directory, { log, history })
  const state = {
    revision: store.revision,
    pods: store.range({ prefix: '/registry/core/pods/' }).entries.map(({ bytes }) => String(bytes)),
  }
  const seen: number[] = []
  store.watch('/registry/core/pods/', store.revision - 50, ({ entry }) => seen.push(entry.revision))()
  t.same(
    seen,
    Array.from({ length: 50 }, (_, n) => store.revision - 49 + n),
  )
  await store.close()
  return state
}

for (const commits of [1, 2, 3, Infinity])
  void t.test(`a fold that ends after ${commits} commits has lost nothing, and the next one completes it`, async t => {
    const directory = makeDirectory(t)
    await writeSegments(directory)
    const before = await stateOf(t, directory)
    const [number = 0, next = 0] = listSegments(directory)
    t.ok(next > number)
    const segment = { number, file: segmentFile(directory, number), revision: 0, timeMs: 0 }
    let left = commits
    await withLmdbFile(directory, async file => {
      const revision = await firstRevisionOf(directory, next)
      const write = async (puts: () => void) => {
        if (left-- <= 0) throw new Error('killed')
        await file.root.batch(puts)
      }
      const folding = foldSegment(file, { ...segment, revision }, { write, stopped: () => false })
      if (commits === Infinity) t.equal(await folding, true)
      else await t.rejects(folding, { message: 'killed' })
      t.equal(readNumber(file.root, 'segment'), commits === Infinity ? next : number)
    })
    t.same(await stateOf(t, directory), before)
    t.equal(existsSync(segment.file), commits !== Infinity, 'what is folded is removed at the next start')
    const store = await openStore(directory, { history })
    await store.compact(store.revision)
    t.equal(listSegments(directory).length, 1)
    await store.close()
    const after = await openStore(directory, { history })
    t.same(
      after.range({ prefix: '/registry/core/pods/' }).entries.map(({ bytes }) => String(bytes)),
      before.pods,
    )
    await after.close()
  })

const firstRevisionOf = async (directory: string, number: number): Promise<number> => {
  const { SegmentReader } = await import('../../../../../daemons/apiserver/store/log/segment-reader.ts')
  const reader = new SegmentReader(segmentFile(directory, number), number)
  try {
    for (const { before } of reader.groups()) return before
    return 0
  } finally {
    reader.close()
  }
}

void t.test('full segments are folded when they are older than the history, and when there are too many', async t => {
  const directory = makeDirectory(t)
  const clock = new FakeClock()
  const store = await openStore(directory, { clock, log: { segmentBytes: 5000, segments: 4 } })
  const pad = 'x'.repeat(2000)
  for (const name of ['a', 'b', 'c', 'd', 'e']) await store.transact([put(name, 0, { pad })])
  t.ok(listSegments(directory).includes(1))
  // Every turn of the clock ends what the one before began.
  for (let turn = 0; turn < 8; turn++) await clock.advance(60_000)
  await store.compact(0)
  t.notOk(listSegments(directory).includes(1), 'too old')
  for (let n = 0; n < 40; n++) await store.transact([put(`p${n}`, 0, { pad })])
  await store.compact(0)
  t.ok(listSegments(directory).length <= 5, 'too many')
  await store.close()
  const again = await openStore(directory)
  t.equal(podsOf(again).length, 45)
  await again.close()
})

void t.test('a group that is larger than a segment is written as a whole', async t => {
  const directory = makeDirectory(t)
  let store = await openStore(directory, { log: { segmentBytes: 5000, segments: 4 } })
  const pad = 'x'.repeat(3_000_000)
  await store.transact([put('a', 0), put('b', 0, { pad }), put('c', 0)])
  await store.transact([put('d', 0)])
  await store.close()
  store = await openStore(directory)
  t.same(podsOf(store), ['a', 'b', 'c', 'd'])
  t.equal(store.get(keyOf('b'))?.object['pad'], pad)
  await store.close()
})

void t.test('a segment that the disk has not kept is not folded, and not tried again at every write', async t => {
  const directory = makeDirectory(t)
  const failures: unknown[] = []
  const clock = new FakeClock()
  const store = await openStore(directory, {
    clock,
    log: { segmentBytes: 5000, segments: 2 },
    onError: error => failures.push(error),
  })
  const pad = 'x'.repeat(2000)
  for (const name of ['a', 'b']) await store.transact([put(name, 0, { pad })])
  const file = segmentFile(directory, 1)
  const bytes = readFileSync(file)
  bytes[3000] = 0
  writeFileSync(file, bytes)
  for (let n = 0; n < 40; n++) await store.transact([put(`p${n}`, 0, { pad })])
  await t.rejects(store.compact(store.revision), {
    code: 'CORRUPT',
    message: /0000000001\.log: at byte \d+: a group is/,
  })
  t.equal(failures.length, 1)
  t.ok(existsSync(file))
  await clock.advance(60_000)
  await t.rejects(store.compact(store.revision), { code: 'CORRUPT' })
  t.equal(failures.length, 2, 'at the turn of the clock it is tried again')
  await store.close()
})

void t.test('the log waits for the disk at every write, and of LMDB nothing is in memory', async t => {
  const directory = makeDirectory(t)
  const store = await openStore(directory, { log: { segmentBytes: 5000, segments: 2 } })
  t.teardown(() => store.close())
  const pad = 'x'.repeat(2000)
  const check = (when: string): void => {
    const logs = readdirSync('/proc/self/fd').filter(fd => targetOf(fd).startsWith(join(directory, 'log')))
    t.ok(logs.length > 0)
    for (const fd of logs) {
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? ''
      t.ok(parseInt(flags, 8) & constants.O_DSYNC, `${targetOf(fd)} ${when}`)
    }
    t.notOk(readFileSync('/proc/self/maps', 'utf8').includes(directory), `nothing is mapped ${when}`)
  }
  check('after the start')
  for (let n = 0; n < 20; n++) await store.transact([put(`p${n}`, 0, { pad })])
  await store.compact(0)
  t.notOk(listSegments(directory).includes(1))
  check('after a fold')
})

const targetOf = (fd: string): string => {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return ''
  }
}
