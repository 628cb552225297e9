// Run by lmdb-store.test.ts as a process of its own: writes until it is killed, and names each write once it is acknowledged.
import { writeSync } from 'node:fs'
import { LmdbStore } from '../../../../daemons/apiserver/store/lmdb-store.ts'
import { systemClock } from '../../../../host/clock.ts'
import { put } from './store-suite.ts'

const [directory = '', round = ''] = process.argv.slice(2)
const store = await LmdbStore.open({ directory, clock: systemClock, signal: new AbortController().signal })
const writer = async (id: number): Promise<void> => {
  for (let n = 0; ; n++) {
    const name = `${round}-${id}-${n}`
    await store.transact([put(name, 0)])
    if (n % 10 === 9) await store.compact(store.revision - 20)
    writeSync(1, `${name}\n`)
  }
}
await Promise.all(Array.from({ length: 16 }, (_, id) => writer(id)))
