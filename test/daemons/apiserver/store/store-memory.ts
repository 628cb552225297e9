// Run by stored-entry-memory.test.ts with --expose-gc: what one stored object of 2 KB costs, on the heap and outside of it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LmdbStore } from '../../../../daemons/apiserver/store/lmdb-store.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import type { StoreOperation } from '../../../../daemons/apiserver/store/store.ts'
import { put } from './store-suite.ts'

const count = Number(process.argv[2])
const env = (n: number) => Array.from({ length: 16 }, (_, i) => ({ name: `NAME_${i}`, value: `value-${n}-${i}` }))
const pod = (n: number): StoreOperation =>
  put(`pod-${n}`, 0, {
    spec: { containers: [0, 1].map(i => ({ name: `c${i}`, image: 'registry.example/image:1.2.3', env: env(n) })) },
    pad: 'x'.repeat(450),
  })
const used = (): number => {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const directory = mkdtempSync(join(tmpdir(), 'skiff-store-memory-'))
const store = await LmdbStore.open({ directory, clock: new FakeClock(), signal: new AbortController().signal })
const write = async (from: number, to: number): Promise<void> => {
  for (let n = from; n < to; n += 500)
    await Promise.all(Array.from({ length: Math.min(500, to - n) }, (_, i) => store.transact([pod(n + i)])))
}
await write(0, 20)
const before = used()
await write(20, 20 + count)
// Objects that were looked at do not stay parsed either.
for (const { object } of store.range({ prefix: '/registry/core/pods/' }).entries) void object.metadata
await new Promise(resolve => setImmediate(resolve))
const perObject = Math.round((used() - before) / count)
const size = store.get('/registry/core/pods/default/pod-700')?.bytes.length ?? 0
process.stdout.write(JSON.stringify({ size, perObject }))
await store.close()
rmSync(directory, { recursive: true })
