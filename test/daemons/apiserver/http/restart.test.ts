import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { configMap } from '../registry/test-registry.ts'
import { startTestServer } from './test-server.ts'

const collection = '/api/v1/namespaces/default/configmaps'
type Server = Awaited<ReturnType<typeof startTestServer>>

/** A watch's events as `TYPE name`, until `count` of them came or the stream ended. */
const watch = (server: Server, query: string, count: number) => {
  const request = server.session().request({ ':path': `${collection}?watch=1&${query}` })
  const open = new Promise<void>(resolve => request.once('response', () => resolve()))
  const events = new Promise<string[]>(resolve => {
    let text = ''
    const read = (): string[] =>
      text
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(line) as { type: string; object: { metadata?: { name?: string } } })
        .map(({ type, object }) => `${type} ${object.metadata?.name ?? ''}`)
    request.on('data', chunk => {
      text += String(chunk)
      if (read().length >= count) resolve(read())
    })
    request.once('close', () => resolve(read()))
  })
  return { open, events }
}

void t.test('a server that stops ends watches and answers what is under way; its store goes on from there', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'skiff-restart-'))
  t.teardown(() => rmSync(dataDir, { recursive: true }))
  const make = (server: Server, name: string) =>
    server.ask(collection, { method: 'POST', body: configMap(name, { a: 'b' }) })
  const first = await startTestServer(t, { dataDir })
  const version = (reply: { json: Record<string, unknown> }) =>
    Number((reply.json['metadata'] as { resourceVersion?: string }).resourceVersion)
  const seen = version(await make(first, 'before'))
  const watching = watch(first, `resourceVersion=${seen}`, Infinity)
  await watching.open
  const asked = Array.from({ length: 20 }, (_, i) => make(first, `under-way-${i}`))
  const writes = Promise.allSettled(asked)
  await Promise.race(asked)
  await first.terminate()
  const replies = await writes
  await watching.events
  const second = await startTestServer(t, { dataDir })
  const kept = ((await second.ask(collection)).json['items'] as { metadata: { name: string } }[]).map(
    o => o.metadata.name,
  )
  const acknowledged = replies.flatMap(reply =>
    reply.status === 'fulfilled' && reply.value.status === 201
      ? [(reply.value.json['metadata'] as { name: string }).name]
      : [],
  )
  t.same(
    acknowledged.filter(name => !kept.includes(name)),
    [],
    'what was acknowledged is there',
  )
  const later = version(await make(second, 'after'))
  t.ok(later > seen, 'versions go on')
  const resumed = await watch(second, `resourceVersion=${seen}`, kept.length).events
  t.ok(acknowledged.length > 0 && resumed.length === kept.length)
  t.same(
    resumed,
    kept
      .filter(name => name !== 'before')
      .map(name => `ADDED ${name}`)
      .concat('ADDED after')
      .sort((a, b) => resumed.indexOf(a) - resumed.indexOf(b)),
    'a watch takes up again where it was, over the restart',
  )
})
