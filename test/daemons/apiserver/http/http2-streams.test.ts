import { type ClientHttp2Session, constants } from 'node:http2'
import t from 'tap'
import { startTestServer } from './test-server.ts'

interface Answered {
  status: number
  headers: Record<string, unknown>
  text: string
}

interface Sent {
  headers?: Record<string, string>
  body?: Buffer
}

const request = (
  session: ClientHttp2Session,
  method: string,
  path: string,
  { headers, body }: Sent = {},
): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...headers }, { endStream: body === undefined })
    let answered: Record<string, unknown> = {}
    const chunks: Buffer[] = []
    stream.on('response', given => (answered = { ...given }))
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.on('error', reject)
    stream.on('end', () =>
      resolve({ status: Number(answered[':status']), headers: answered, text: String(Buffer.concat(chunks)) }),
    )
    if (body !== undefined) stream.end(body)
  })

const json = { 'content-type': 'application/json' }
const configMaps = '/api/v1/namespaces/default/configmaps'

void t.test('over HTTP/2', async t => {
  const server = await startTestServer(t)
  const session = server.session()

  void t.test('an answer says how long it is, and a HEAD has the head of its GET alone', async t => {
    const got = await request(session, 'GET', '/version')
    const head = await request(session, 'HEAD', '/version')
    t.equal(got.headers['content-length'], String(Buffer.byteLength(got.text)))
    t.equal(head.status, 200)
    t.equal(head.headers['content-length'], got.headers['content-length'])
    t.equal(head.text, '')
  })

  void t.test('a body that comes in pieces is read whole', async t => {
    const stream = session.request({ ':method': 'POST', ':path': configMaps, ...json })
    const status = new Promise(resolve => stream.on('response', headers => resolve(headers[':status'])))
    const text = JSON.stringify({ metadata: { name: 'pieces' }, data: { a: 'b'.repeat(1000) } })
    for (let at = 0; at < text.length; at += 100) stream.write(text.slice(at, at + 100))
    stream.end()
    stream.resume()
    t.equal(await status, 201)
  })

  void t.test(
    'a body as long as it was said to be is answered, and its stream closed, though its client leaves it open',
    async t => {
      const body = Buffer.from(JSON.stringify({ metadata: { name: 'left-open' } }))
      const headers = { ...json, 'content-length': String(body.length) }
      const stream = session.request({ ':method': 'POST', ':path': configMaps, ...headers }, { endStream: false })
      const status = new Promise(resolve => stream.on('response', head => resolve(head[':status'])))
      const closed = new Promise(resolve => stream.on('close', resolve))
      stream.on('error', () => {})
      stream.resume()
      stream.write(body)
      t.equal(await status, 201)
      await closed
      t.equal((await request(session, 'GET', '/livez')).status, 200)
    },
  )

  void t.test('a body over the bound is refused with 413, and the connection goes on', async t => {
    const big = Buffer.alloc(3 * 1024 * 1024 + 1, 0x20)
    const refused = await request(session, 'POST', configMaps, { headers: json, body: big })
    t.equal(refused.status, 413)
    t.match(JSON.parse(refused.text), { kind: 'Status', reason: 'RequestEntityTooLarge', code: 413 })
    t.equal((await request(session, 'GET', '/livez')).status, 200)
  })

  void t.test('a long list comes in pieces, as long as it said', async t => {
    for (const n of [0, 1, 2, 3, 4])
      await request(session, 'POST', configMaps, {
        headers: json,
        body: Buffer.from(JSON.stringify({ metadata: { name: `long-${n}` }, data: { a: 'ü'.repeat(100_000) } })),
      })
    const list = await request(session, 'GET', `${configMaps}?limit=100`)
    t.equal(list.headers['content-length'], String(Buffer.byteLength(list.text)))
    t.ok(list.text.length > 500_000)
    const names = (JSON.parse(list.text) as { items: { metadata: { name: string } }[] }).items.map(i => i.metadata.name)
    t.same(
      names.filter(name => name.startsWith('long-')),
      ['long-0', 'long-1', 'long-2', 'long-3', 'long-4'],
    )
    const overHttp1 = await server.ask(`${configMaps}?limit=100`)
    t.equal(overHttp1.text, list.text)
    const given = session.request({ ':path': configMaps })
    given.once('response', () => given.close(constants.NGHTTP2_CANCEL))
    given.on('error', () => {})
    await new Promise(resolve => given.once('close', resolve))
    t.equal((await request(session, 'GET', '/livez')).status, 200, 'whoever leaves in the middle of one stops nothing')
  })

  void t.test('a client that gives its request up, or its connection, stops nothing', async t => {
    const dropped = session.request({ ':method': 'POST', ':path': configMaps, ...json })
    dropped.on('error', () => {})
    dropped.write('{"metadata"')
    dropped.close(constants.NGHTTP2_CANCEL)
    const other = server.session()
    const half = other.request({ ':method': 'POST', ':path': configMaps, ...json })
    half.on('error', () => {})
    half.write('{')
    other.destroy()
    t.equal((await request(session, 'GET', '/livez')).status, 200)
  })

  void t.test('a method that nobody knows is 405', async t => {
    const answer = await request(session, 'BREW', configMaps)
    t.equal(answer.status, 405)
    t.match(JSON.parse(answer.text), { kind: 'Status', reason: 'MethodNotAllowed' })
  })

  void t.test('who has no name is refused before the body is read', async t => {
    const stranger = server.session({ cert: '', key: '' })
    const stream = stranger.request({ ':method': 'POST', ':path': configMaps, ...json })
    const status = await new Promise(resolve => stream.on('response', headers => resolve(headers[':status'])))
    t.equal(status, 403)
    stream.on('error', () => {})
    stream.close()
  })
})
