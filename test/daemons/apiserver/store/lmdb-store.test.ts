import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { LmdbStore } from '../../../../daemons/apiserver/store/lmdb-store.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import { keyOf, put, storeSuite } from './store-suite.ts'

const makeStore = async () => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-store-'))
  const stop = new AbortController()
  const clock = new FakeClock()
  const open = () => LmdbStore.open({ directory, clock, signal: stop.signal })
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

storeSuite(t, makeStore)

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

void t.test('no write that was acknowledged is missing after SIGKILL, whenever it comes', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-store-kill-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const writer = fileURLToPath(new URL('./store-writer.js', import.meta.url))
  const acknowledged = new Set<string>()
  for (let round = 0; round < 4; round++) {
    const child = spawn(process.execPath, [writer, directory, `r${round}`], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.setEncoding('utf8')
    const target = 40 + round * 97
    let lines = 0
    child.stdout.on('data', (chunk: string) => {
      text += chunk
      lines += chunk.split('\n').length - 1
      if (lines >= target) child.kill('SIGKILL')
    })
    await once(child, 'close')
    for (const name of text.split('\n').slice(0, -1)) acknowledged.add(name)
  }
  const signal = new AbortController().signal
  const store = await LmdbStore.open({ directory, clock: new FakeClock(), signal })
  const missing = [...acknowledged].filter(name => store.get(keyOf(name)) === undefined)
  t.same(missing, [])
  t.ok(acknowledged.size > 500, `${acknowledged.size} writes were acknowledged`)
  await store.close()
})
