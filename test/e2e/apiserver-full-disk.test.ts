import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { LmdbStore } from '../../daemons/apiserver/store/lmdb-store.ts'
import { FakeClock } from '../../host/clock-fake.ts'
import { keyOf, put } from '../daemons/apiserver/store/store-suite.ts'

void t.test('on a full disk writes are refused by name, reads go on, and writes come back with the space', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-full-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', directory])
  const open = () =>
    LmdbStore.open({
      directory,
      clock: new FakeClock(),
      signal: new AbortController().signal,
      reserveBytes: 2 * 1024 * 1024,
    })
  const store = await open()
  t.teardown(async () => {
    await store.close()
    execFileSync('umount', [directory])
    rmdirSync(directory)
  })
  const pad = 'x'.repeat(50_000)
  const fill = async () => {
    for (let n = 0; n < 1000; n++) await store.transact([put(`p${n}`, undefined, { pad })])
  }
  await t.rejects(fill(), { code: 'HOST_UNFIT', message: /full/ })
  t.ok(store.get(keyOf('p0')))
  t.ok(store.range({ prefix: '/registry/core/pods/' }).entries.length > 10)
  await t.rejects(store.transact([put('q', 0, { pad })]), { code: 'HOST_UNFIT' })
  execFileSync('mount', ['-o', 'remount,size=32m', directory])
  t.match(await store.transact([put('q', 0)]), { kind: 'committed' })
})
