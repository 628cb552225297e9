import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LmdbStore } from '../../daemons/apiserver/store/lmdb-store.ts'
import { systemClock } from '../../host/clock.ts'

const writes = 200_000
const objects = 1000
const writers = 256
const pad = 'x'.repeat(1850)

/** In MB; a segment of the log may go away in between. */
const sizeOf = (directory: string): string => {
  const sizes = readdirSync(directory, { recursive: true, encoding: 'utf8' }).map(
    name => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0,
  )
  return (sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(0)
}

/** 200,000 durable updates of 1,000 objects of 2 KB: the files of the embedded store stop growing early on. */
export const storeGrowth = async (): Promise<string> => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-bench-growth-'))
  const stop = new AbortController()
  const store = await LmdbStore.open({ directory, clock: systemClock, signal: stop.signal })
  const rows: string[] = ['writes     files (MB)']
  const startedAt = performance.now()
  let next = 0
  const writer = async (): Promise<void> => {
    while (next < writes) {
      const n = next++
      if (n > 0 && n % (writes / 8) === 0) rows.push(`${String(n).padEnd(10)} ${sizeOf(directory)}`)
      const name = `pod-${n % objects}`
      const object = { kind: 'Pod', apiVersion: 'v1', metadata: { name, namespace: 'default' }, pad }
      await store.transact([{ kind: 'put', key: `/registry/core/pods/default/${name}`, object }])
    }
  }
  await Promise.all(Array.from({ length: writers }, writer))
  const rate = Math.round((writes / (performance.now() - startedAt)) * 1000)
  const size = sizeOf(directory)
  stop.abort(new Error('the measurement is over'))
  await store.close()
  rmSync(directory, { recursive: true })
  return [...rows, `${String(writes).padEnd(10)} ${size}`, `${rate} writes a second by ${writers} writers`].join('\n')
}
