import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createHttpClient, failureOf, parseWatchLine } from '../../../kube/client/http-client.ts'
import { LineDecoder } from '../../../kube/client/line-decoder.ts'
import type { UnknownObject, WatchEvent } from '../../../kube/object.ts'
import { configMaps, pods } from '../../../kube/resources.ts'

interface Seen {
  method: string
  path: string
  type: string
  body: string
}

type Answer = (stream: ServerHttp2Stream, seen: Seen) => void

const serve = async (t: Pick<Test, 'teardown'>, answer: Answer) => {
  const server: Http2Server = createServer()
  const sessions = new Set<{ destroy(): void }>()
  server.on('session', session => {
    sessions.add(session)
    session.on('error', () => {})
  })
  const seen: Seen[] = []
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    let body = ''
    stream.on('data', (chunk: Buffer) => (body += chunk.toString()))
    stream.on('end', () => {
      const request = {
        method: String(headers[':method']),
        path: String(headers[':path']),
        type: String(headers['content-type'] ?? ''),
        body,
      }
      seen.push(request)
      answer(stream, request)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = createHttpClient({ server: url }, { requestTimeoutMs: 10_000 })
  t.teardown(() => {
    client.close()
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { client, seen, url, sessions }
}

const json = (stream: ServerHttp2Stream, status: number, value: unknown) => {
  stream.respond({ ':status': status, 'content-type': 'application/json' })
  stream.end(JSON.stringify(value))
}

t.test('each verb asks for the path, query, type and body that the API defines', async t => {
  const { client, seen } = await serve(t, (stream, { method, path }) =>
    json(stream, 200, method === 'GET' && path.includes('?') ? { metadata: {}, items: [{ metadata: {} }] } : {}),
  )
  const pod = { metadata: { name: 'a', namespace: 'n' } }
  const list = await client.list(pods, { namespace: 'n', labelSelector: 'a=b', limit: 5 })
  await client.get(pods, 'a', { namespace: 'n' })
  await client.create(pods, pod as never, { fieldManager: 'me', dryRun: true })
  await client.create(pods, {} as never, { namespace: 'n', name: 'a', subresource: 'binding' })
  await client.update(pods, pod as never, { subresource: 'status' })
  await client.patch(pods, 'a', [], { namespace: 'n', type: 'json' })
  await client.delete(pods, 'a', { namespace: 'n', gracePeriodSeconds: 0 })
  t.same(
    seen.map(s => `${s.method} ${s.path} ${s.type}`.trim()),
    [
      'GET /api/v1/namespaces/n/pods?labelSelector=a%3Db&limit=5',
      'GET /api/v1/namespaces/n/pods/a',
      'POST /api/v1/namespaces/n/pods?fieldManager=me&dryRun=All application/json',
      'POST /api/v1/namespaces/n/pods/a/binding application/json',
      'PUT /api/v1/namespaces/n/pods/a/status application/json',
      'PATCH /api/v1/namespaces/n/pods/a application/json-patch+json',
      'DELETE /api/v1/namespaces/n/pods/a application/json',
    ],
  )
  t.same(JSON.parse(seen[6]?.body ?? ''), { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0 })
  t.match(list.items[0], { apiVersion: 'v1', kind: 'Pod' }, 'items of a list get their kind')
})

t.test("a failure is the server's Status", async t => {
  const { client } = await serve(t, stream =>
    json(stream, 404, {
      kind: 'Status',
      status: 'Failure',
      reason: 'NotFound',
      message: 'no',
      code: 404,
      metadata: {},
    }),
  )
  await t.rejects(client.get(pods, 'a', { namespace: 'n' }), { name: 'ApiError', reason: 'NotFound', message: 'no' })
})

t.test('a body that is no Status becomes one by its code', async t => {
  t.equal(failureOf(401, '<html>').reason, 'Unauthorized')
  t.equal(failureOf(418, '').code, 418)
})

t.test('a watch is decoded whatever the chunks are', async t => {
  const events = ['é', '漢字', '😀'].map(name => ({ type: 'ADDED', object: { metadata: { name } } }))
  const bytes = Buffer.from(events.map(e => `${JSON.stringify(e)}\n`).join(''))
  const { client } = await serve(t, stream => {
    stream.respond({ ':status': 200 })
    let at = 0
    const step = () => {
      if (at >= bytes.length) return stream.end()
      stream.write(bytes.subarray(at, at + 1), step)
      at++
    }
    step()
  })
  const seen: unknown[] = []
  for await (const event of client.watch(configMaps, { signal: new AbortController().signal })) seen.push(event)
  t.same(seen, events)
})

t.test('any cut of a stream gives the same lines', async t => {
  const bytes = Buffer.from('{"a":"é"}\n\n{"b":"😀"}\nrest')
  for (let size = 1; size <= bytes.length; size++) {
    const decoder = new LineDecoder()
    const lines: string[] = []
    for (let i = 0; i < bytes.length; i += size) lines.push(...decoder.push(bytes.subarray(i, i + size)))
    t.same(lines, ['{"a":"é"}', '{"b":"😀"}'])
    t.equal(decoder.pendingBytes, 4)
  }
})

for (const { name, line, error } of [
  { name: 'a line that is not JSON', line: '{"type"', error: { code: 'CORRUPT' } },
  { name: 'a line that is no event', line: '{"type":"OTHER","object":{}}', error: { code: 'CORRUPT' } },
  { name: 'an event without an object', line: '{"type":"ADDED"}', error: { code: 'CORRUPT' } },
  {
    name: 'an ERROR event',
    line: '{"type":"ERROR","object":{"kind":"Status","reason":"Expired","code":410}}',
    error: { name: 'ApiError', reason: 'Expired' },
  },
])
  t.test(`${name} ends the watch with an error`, async t => {
    t.throws(() => parseWatchLine(line), { ...error, name: 'reason' in error ? 'ApiError' : 'SkiffError' })
  })

const drain = async (events: AsyncIterable<WatchEvent<UnknownObject>>) => {
  for await (const event of events) void event
}

t.test('a watch that breaks off is UNAVAILABLE, and the next request gets a new connection', async t => {
  let broken = false
  const { client, sessions } = await serve(t, stream => {
    if (broken) return json(stream, 200, { metadata: { name: 'a' } })
    broken = true
    stream.respond({ ':status': 200 })
    stream.write('{"type":"ADDED","object":{"metadata":{}}}\n', () => {
      for (const session of sessions) session.destroy()
    })
  })
  const signal = new AbortController().signal
  await t.rejects(drain(client.watch(configMaps as never, { signal })), { code: 'UNAVAILABLE' })
  t.match(await client.get(configMaps, 'a', { namespace: 'n' }), { metadata: { name: 'a' } })
})

t.test('aborting ends a watch without an error, and closes its stream', async t => {
  let closed: () => void = () => {}
  const gone = new Promise<void>(resolve => (closed = resolve))
  const { client } = await serve(t, stream => {
    stream.on('close', () => closed())
    stream.respond({ ':status': 200 })
    stream.write('{"type":"ADDED","object":{"metadata":{}}}\n')
  })
  const stop = new AbortController()
  for await (const event of client.watch(configMaps, { signal: stop.signal })) {
    t.equal(event.type, 'ADDED')
    stop.abort()
  }
  await gone
})

t.test('a dead server is UNAVAILABLE at once', async t => {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const client = createHttpClient({ server: `http://127.0.0.1:${port}` })
  await t.rejects(client.get(pods, 'a', { namespace: 'n' }), { code: 'UNAVAILABLE' })
  await t.rejects(client.get(pods, 'a', { namespace: 'n' }), { code: 'UNAVAILABLE' })
  client.close()
})

t.test('a server that accepts and says nothing is noticed by deadlines', async t => {
  const sockets: { destroy(): void }[] = []
  const server = createTcpServer(socket => {
    socket.on('error', () => {})
    sockets.push(socket)
  }).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const session = { pingEveryMs: 20, pingAnswerMs: 20 }
  const client = createHttpClient({ server: `http://127.0.0.1:${port}` }, { session })
  t.teardown(() => {
    client.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const signal = new AbortController().signal
  await t.rejects(drain(client.watch(configMaps as never, { signal })), { code: 'UNAVAILABLE' })
})

t.test("a request past its deadline is a TIMEOUT; the caller's abort is the caller's reason", async t => {
  const { url } = await serve(t, () => {})
  const client = createHttpClient({ server: url }, { requestTimeoutMs: 30 })
  t.teardown(() => client.close())
  await t.rejects(client.get(pods, 'a', { namespace: 'n' }), { code: 'TIMEOUT' })
  const stop = new AbortController()
  const asked = client.get(pods, 'a', { namespace: 'n', signal: stop.signal })
  stop.abort(new Error('enough'))
  await t.rejects(asked, { message: 'enough' })
})
