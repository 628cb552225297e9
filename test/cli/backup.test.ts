import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { run } from '../../cli/commands/backup.ts'
import { LmdbStore } from '../../daemons/apiserver/store/lmdb-store.ts'
import { listSegments } from '../../daemons/apiserver/store/log/segment-head.ts'
import { FakeClock } from '../../host/clock-fake.ts'
import { keyOf, put } from '../daemons/apiserver/store/store-suite.ts'

const cli = fileURLToPath(new URL('../../cli/main.js', import.meta.url))
const pods = '/registry/core/pods/'
const open = (directory: string) =>
  LmdbStore.open({ directory, clock: new FakeClock(), signal: new AbortController().signal })

const backup = async (...argv: string[]): Promise<Record<string, unknown>> => {
  let text = ''
  const output = { out: (more: string) => void (text += more), err: () => {}, terminal: false }
  await run([...argv, '-o', 'json'], output)
  return JSON.parse(text) as Record<string, unknown>
}

const directoryFor = (t: Test): string => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-backup-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  return directory
}

void t.test('what is saved while the store is open comes back, and nothing that came later', async t => {
  const directory = directoryFor(t)
  const store = join(directory, 'store')
  const file = join(directory, 'file')
  let opened = await open(store)
  for (const name of ['a', 'b', 'c']) await opened.transact([put(name, 0)])
  await opened.compact(opened.revision)
  await opened.transact([put('b', undefined, { n: 2 })])
  await opened.transact([{ kind: 'delete', key: keyOf('c') }])
  await opened.transact([put('d', 0)])
  const saved = await backup('save', file, '--store', store)
  t.match(saved, { objects: 3, revision: opened.revision, encryptedWith: [] })
  t.equal(statSync(file).mode & 0o777, 0o600)
  const before = opened.range({ prefix: pods }).entries.map(({ bytes }) => String(bytes))
  await opened.transact([put('later', 0)])
  const seen = opened.revision
  await t.rejects(backup('restore', file, '--store', store), { code: 'ALREADY_RUNNING' })
  await opened.close()
  const restored = await backup('restore', file, '--store', store)
  opened = await open(store)
  t.teardown(() => opened.close())
  t.same(
    opened.range({ prefix: pods }).entries.map(({ bytes }) => String(bytes)),
    before,
  )
  t.equal(opened.revision, restored['newRevision'])
  t.ok(opened.revision > seen, 'time does not go backwards')
  t.throws(() => opened.watch(pods, seen, () => {}), { message: /^too old resource version/ })
  const next = opened.revision + 1
  t.match(await opened.transact([put('e', 0)]), { kind: 'committed', revision: next })
})

void t.test('what is saved while segments of the log are folded is of one revision', async t => {
  const directory = directoryFor(t)
  const store = join(directory, 'store')
  const log = { segmentBytes: 20_000, segments: 2 }
  const opened = await LmdbStore.open({
    directory: store,
    clock: new FakeClock(),
    signal: new AbortController().signal,
    log,
  })
  let ended = false
  const pad = 'x'.repeat(3000)
  // Pairs that change together: a backup has both as one transaction left them.
  const write = (n: number) =>
    opened.transact([put('left', undefined, { n, pad }), put('right', undefined, { n, pad })])
  const writer = async () => {
    for (let n = 1; !ended; n++) await write(n)
  }
  await write(0)
  const writing = writer()
  // A process of its own, as an operator has it: LMDB may be open only once in a process.
  for (let round = 0; round < 5; round++) {
    const file = join(directory, `file-${round}`)
    await promisify(execFile)(process.execPath, [cli, 'backup', 'save', file, '--store', store])
    const values = [...String(gunzipSync(readFileSync(file))).matchAll(/\\"n\\":(\d+)/g)].map(([, n]) => n)
    t.ok(values.length === 2 && values[0] === values[1], `${values.join(' and ')} in round ${round}`)
  }
  ended = true
  await writing
  t.ok(listSegments(store)[0] !== 1, 'segments were folded meanwhile')
  await opened.close()
})

void t.test('a store that is lost comes back far above what clients can have seen', async t => {
  const directory = directoryFor(t)
  const file = join(directory, 'file')
  const first = await open(join(directory, 'one'))
  await first.transact([put('a', 0)])
  await first.close()
  await backup('save', file, '--store', join(directory, 'one'))
  t.match(await backup('restore', file, '--store', join(directory, 'two')), { newRevision: 1_000_000_002 })
  const second = await open(join(directory, 'two'))
  t.equal(second.range({ prefix: pods }).entries.length, 1)
  await second.close()
})

const damages: { name: string; damage(bytes: Buffer): Buffer; message: RegExp }[] = [
  { name: 'cut off', damage: bytes => bytes.subarray(0, -20), message: /is no whole backup/ },
  { name: 'no backup at all', damage: () => Buffer.from('hello'), message: /is no whole backup/ },
  {
    name: 'changed',
    damage: bytes => gzipSync(String(gunzipSync(bytes)).replace('"text":"{', '"text":" {')),
    message: /its checksum does not fit/,
  },
  {
    name: 'without its last line',
    damage: bytes => gzipSync(String(gunzipSync(bytes)).split('\n').slice(0, -2).join('\n')),
    message: /its end is missing/,
  },
]
for (const { name, damage, message } of damages)
  void t.test(`a backup that is ${name} is refused, and the old state stays`, async t => {
    const directory = directoryFor(t)
    const file = join(directory, 'file')
    const first = await open(directory)
    await first.transact([put('a', 0)])
    await first.close()
    await backup('save', file, '--store', directory)
    writeFileSync(file, damage(readFileSync(file)))
    await t.rejects(backup('restore', file, '--store', directory), { code: 'CORRUPT', message })
    const again = await open(directory)
    t.ok(again.get(keyOf('a')))
    await again.close()
  })

const misuses: { argv: string[]; code: string; message: RegExp }[] = [
  { argv: ['copy', 'x'], code: 'INVALID_INPUT', message: /save and restore are known/ },
  { argv: ['save'], code: 'INVALID_INPUT', message: /needs a FILE/ },
  {
    argv: ['restore', 'missing', '--store', join(tmpdir(), 'skiff-nowhere')],
    code: 'NOT_FOUND',
    message: /missing is not there/,
  },
  {
    argv: ['save', 'x', '--store', join(tmpdir(), 'skiff-nowhere')],
    code: 'NOT_FOUND',
    message: /store.mdb is not there/,
  },
  {
    argv: ['save', 'x', '--store', 'y', '--etcd-servers', 'http://127.0.0.1:1'],
    code: 'INVALID_INPUT',
    message: /goes with neither/,
  },
]
for (const { argv, code, message } of misuses)
  void t.test(`backup ${argv.join(' ').replaceAll(tmpdir(), 'TMP')} is refused`, async t => {
    await t.rejects(run(argv, { out: () => {}, err: () => {}, terminal: false }), { code, message })
  })
