import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { LmdbStore } from '../../daemons/apiserver/store/lmdb-store.ts'
import { FakeClock } from '../../host/clock-fake.ts'
import { keyOf } from '../daemons/apiserver/store/store-suite.ts'

const script = fileURLToPath(new URL('../daemons/apiserver/store/store-writer.js', import.meta.url))

/** What the writers were told is written. */
class Acknowledged {
  readonly present = new Set<string>()
  readonly absent = new Set<string>()
  readonly counters = new Map<string, [number, number]>()
  lines = 0
  read(text: string): void {
    for (const line of text.split('\n').slice(0, -1)) {
      const [what, name = '', round = '', n = ''] = line.split(' ')
      if (what === 'created') this.present.add(name)
      // Asked for but perhaps not done: it may be there or not.
      else if (what === 'deleting') this.present.delete(name)
      else if (what === 'deleted') this.absent.add(name)
      else if (what === 'counted') this.counters.set(name, [Number(round), Number(n)])
      this.lines++
    }
  }
  /** What the store does not have as it was acknowledged. */
  missing(store: LmdbStore): string[] {
    const lost = [...this.present].filter(name => store.get(keyOf(name)) === undefined)
    const back = [...this.absent].filter(name => store.get(keyOf(name)) !== undefined)
    const behind = [...this.counters].filter(([id, [round, n]]) => {
      const { round: r, n: stored } = store.get(keyOf(`counter-${id}`))?.object ?? {}
      return Number(r) < round || (Number(r) === round && !(Number(stored) >= n))
    })
    return [...lost, ...back, ...behind.map(([id]) => `counter-${id}`)]
  }
}

/** Lets writers write until the process has told of `target` writes, and kills it in the middle of the next ones. */
const writeAndKill = async (directory: string, round: number, target: number): Promise<[string, string]> => {
  const child = spawn(process.execPath, [script, directory, String(round)], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  let said = ''
  let lines = 0
  child.stdout.setEncoding('utf8')
  child.stderr.on('data', (chunk: Buffer) => (said += String(chunk)))
  child.stdout.on('data', (chunk: string) => {
    text += chunk
    lines += chunk.split('\n').length - 1
    // At once, so that it falls anywhere in a commit; what is in the pipe still arrives.
    if (lines >= target) child.kill('SIGKILL')
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return [text, signal ?? `exit code ${code}: ${said}`]
}

for (const series of [1, 2])
  void t.test(`no acknowledged write is lost in 25 kills, series ${series}`, { jobs: 2, buffered: true }, async t => {
    const directory = mkdtempSync(join(tmpdir(), 'skiff-store-kill-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const acknowledged = new Acknowledged()
    for (let round = 0; round < 25; round++) {
      // Each process first opens what the one before left.
      const [text, end] = await writeAndKill(directory, round, 1 + ((round * 37 + series * 11) % 120))
      t.equal(end, 'SIGKILL')
      acknowledged.read(text)
    }
    const store = await LmdbStore.open({ directory, clock: new FakeClock(), signal: new AbortController().signal })
    t.same(acknowledged.missing(store), [])
    t.ok(acknowledged.lines > 1000, `${acknowledged.lines} writes were acknowledged`)
    await store.close()
  })
