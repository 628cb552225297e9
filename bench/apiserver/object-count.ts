import { firstName, runLoad } from './load.ts'
import { configMap } from './objects.ts'
import { type ServerUnderTest, startServer } from './server-under-test.ts'

const counts = [1000, 10_000, 100_000]
const path = '/api/v1/namespaces/default/configmaps'
/** As JSON stores one: name, uid, times and managed fields included. */
const storedBytes = 2000

const fill = async (server: ServerUnderTest, requests: number): Promise<void> => {
  if (requests > 0) await runLoad(server, { path, clients: 64, requests, body: configMap })
}

/** What a request costs as the number of objects grows: create and get should stay flat, a list grow with it. */
export const objectCount = async (): Promise<string> => {
  const server = await startServer()
  const rows: string[] = []
  try {
    const empty = server.residentMib()
    let there = 0
    for (const count of counts) {
      await fill(server, count - there)
      there = count
      const created = await runLoad(server, { path, clients: 16, requests: 1000, body: configMap })
      there += 1000
      const name = await firstName(server, path)
      const got = await runLoad(server, { path: `${path}/${name}`, clients: 64, requests: 10_000 })
      const listed = await runLoad(server, { path, clients: 1, requests: 3 })
      const perObject = ((server.residentMib() - empty) * 1024 * 1024) / there
      rows.push(
        `| ${count} | ${created.perSecond.toFixed(0)} /s | ${got.perSecond.toFixed(0)} /s | ${listed.meanMs.toFixed(1)} ms | ${((listed.meanMs / there) * 1000).toFixed(1)} µs | ${(perObject / storedBytes).toFixed(2)} x |`,
      )
    }
    return [
      '| objects | create, 16 clients | get, 64 clients | list of all | the same, an object | memory an object, by its size |',
      '| --- | --- | --- | --- | --- | --- |',
      ...rows,
    ].join('\n')
  } finally {
    await server.stop()
  }
}
