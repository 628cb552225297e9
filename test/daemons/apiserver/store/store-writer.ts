// Run by test/e2e/apiserver-store-kill.test.ts as a process of its own: writes until it is killed, and tells each write once it is acknowledged.
import { writeSync } from 'node:fs'
import { LmdbStore } from '../../../../daemons/apiserver/store/lmdb-store.ts'
import { systemClock } from '../../../../host/clock.ts'
import { keyOf, put } from './store-suite.ts'

const [directory = '', round = '', writers = '8'] = process.argv.slice(2)
// A short history: compaction is under way most of the time.
const history = { historyEvents: 50 }
const log = { segmentBytes: 32 * 1024, segments: 2 }
const signal = new AbortController().signal
const store = await LmdbStore.open({ directory, clock: systemClock, signal, history, log })
/** Once the kernel has the line, it arrives whatever happens to this process; a full pipe is tried again. */
const tell = (line: string): void => {
  for (;;)
    try {
      writeSync(1, `${line}\n`)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
}

const writer = async (id: number): Promise<void> => {
  for (let n = 0; ; n++) {
    const name = `${round}-${id}-${n}`
    await store.transact([put(name, 0)])
    tell(`created ${name}`)
    await store.transact([put(`counter-${id}`, undefined, { round: Number(round), n })])
    tell(`counted ${id} ${round} ${n}`)
    if (n % 3 !== 2) continue
    tell(`deleting ${name}`)
    await store.transact([{ kind: 'delete', key: keyOf(name) }])
    tell(`deleted ${name}`)
  }
}
await Promise.all(Array.from({ length: Number(writers) }, (_, id) => writer(id)))
