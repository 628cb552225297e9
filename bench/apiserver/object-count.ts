import { firstName, runLoad } from './load.ts'
import { configMap } from './objects.ts'
import { type ServerUnderTest, startServer } from './server-under-test.ts'

const counts = [1000, 10_000, 100_000]
const path = '/api/v1/namespaces/default/configmaps'
/** As JSON stores one: name, uid, times and managed fields included. */
const storedBytes = 2000
/** Creates and deletes nothing that stays, but has V8 compile and the heap grow as any load does. */
const warmUp = {
  path: '/api/v1/namespaces/default/configmaps?dryRun=All',
  clients: 64,
  requests: 5000,
  body: configMap,
}
/** How long the store may go on folding what it was given. */
const settleMs = 3000

const fill = async (server: ServerUnderTest, requests: number): Promise<void> => {
  if (requests > 0) await runLoad(server, { path, clients: 64, requests, body: configMap })
}

/** Resident memory that each object adds, in its own sizes, by how many there are. */
const measureMemory = async (): Promise<Map<number, number>> => {
  const server = await startServer()
  try {
    await runLoad(server, warmUp)
    const before = server.residentMib()
    const memory = new Map<number, number>()
    let there = 0
    for (const count of counts) {
      await fill(server, count - there)
      there = count
      await new Promise(resolve => setTimeout(resolve, settleMs))
      memory.set(count, ((server.residentMib() - before) * 1024 * 1024) / count / storedBytes)
    }
    return memory
  } finally {
    await server.stop()
  }
}

const measureTimes = async (memory: ReadonlyMap<number, number>): Promise<string[]> => {
  const server = await startServer()
  try {
    await runLoad(server, warmUp)
    const rows: string[] = []
    let there = 0
    for (const count of counts) {
      await fill(server, count - there)
      const created = await runLoad(server, { path, clients: 16, requests: 1000, body: configMap })
      there = count + 1000
      const name = await firstName(server, path)
      const got = await runLoad(server, { path: `${path}/${name}`, clients: 64, requests: 10_000 })
      const listed = await runLoad(server, { path, clients: 1, requests: 5 })
      const perObject = (listed.meanMs / there) * 1000
      rows.push(
        `| ${count} | ${created.perSecond.toFixed(0)} /s | ${got.perSecond.toFixed(0)} /s | ${listed.meanMs.toFixed(1)} ms | ${perObject.toFixed(1)} µs | ${(memory.get(count) ?? NaN).toFixed(2)} x |`,
      )
    }
    return rows
  } finally {
    await server.stop()
  }
}

/** What a request costs as the number of objects grows: create and get should stay flat, a list grow with it. */
export const objectCount = async (): Promise<string> => {
  const rows = await measureTimes(await measureMemory())
  return [
    '| objects | create, 16 clients | get, 64 clients | list of all | the same, an object | memory an object, by its size |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}
