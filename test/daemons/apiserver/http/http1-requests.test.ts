import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import t, { type Test } from 'tap'
import type { Pem } from './test-certificates.ts'
import { startTestServer } from './test-server.ts'

const server = await startTestServer(t)
const maps = '/api/v1/namespaces/default/configmaps'

/** A connection of HTTP/1.1 that is written to by hand. */
const open = async (t: Test, as?: Pem): Promise<TLSSocket> => {
  const socket = connect({ host: '127.0.0.1', port: server.port, ca: server.authority.cert, ...as })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** What arrives until it satisfies, or until the server ends the connection. */
const read = (socket: TLSSocket, satisfies: (text: string) => boolean): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ''
    const onData = (chunk: Buffer) => {
      text += chunk.toString()
      if (satisfies(text)) finish()
    }
    const finish = () => {
      socket.off('data', onData)
      resolve(text)
    }
    socket.on('data', onData)
    socket.once('end', finish)
    socket.once('error', reject)
  })
const head = (method: string, path: string, more = '') => `${method} ${path} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
const json = (body: string) => `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
const never = () => false

t.test('a connection serves one request after another, with and without bodies', async t => {
  const socket = await open(t, server.admin)
  const body = '{"metadata":{"name":"one"}}'
  socket.write(head('POST', maps, json(body)) + body)
  t.match(await read(socket, text => text.includes('"name":"one"')), /^HTTP\/1.1 201 /)
  socket.write(head('GET', `${maps}/one`))
  const got = await read(socket, text => text.includes('"name":"one"'))
  t.match(got, /^HTTP\/1.1 200 /)
  t.notMatch(got, /connection: close/i)
})

t.test('a body in pieces is one body', async t => {
  const socket = await open(t, server.admin)
  const pieces = ['{"metadata":', '{"name":"pieces"}}'].map(text => `${text.length.toString(16)}\r\n${text}\r\n`)
  socket.write(head('POST', maps, 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n') + pieces[0])
  socket.write(`${pieces[1]}0\r\n\r\n`)
  t.match(await read(socket, text => text.includes('"name":"pieces"')), /^HTTP\/1.1 201 /)
})

t.test('HEAD is answered as GET is, without the body', async t => {
  const socket = await open(t, server.admin)
  socket.write(head('HEAD', '/version') + head('GET', '/healthz'))
  const text = await read(socket, said => said.endsWith('ok'))
  t.match(text, /^HTTP\/1.1 200 OK\r\n[^]*content-length: \d{2,}\r\n/i)
  t.notMatch(text, 'gitVersion')
  t.equal(text.match(/HTTP\/1.1 200/g)?.length, 2)
})

t.test('a body from somebody who may not write is refused before it has come, and the connection ends', async t => {
  const socket = await open(t)
  socket.write(head('POST', maps, 'Content-Type: application/json\r\nContent-Length: 1000000\r\n') + '{"metadata"')
  const text = await read(socket, never)
  t.match(text, /^HTTP\/1.1 403 /)
  t.match(text, /connection: close/i)
})

t.test('a body that is too large is refused by what it says of itself, and by what comes', async t => {
  const declared = await open(t, server.admin)
  declared.write(head('POST', maps, 'Content-Type: application/json\r\nContent-Length: 4000000\r\n'))
  t.match(await read(declared, text => text.includes('RequestEntityTooLarge')), /^HTTP\/1.1 413 /)
  const chunked = await open(t, server.admin)
  chunked.write(head('POST', maps, 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n'))
  const piece = `${(65_536).toString(16)}\r\n${' '.repeat(65_536)}\r\n`
  for (let n = 0; n < 49; n++) chunked.write(piece)
  t.match(await read(chunked, text => text.includes('RequestEntityTooLarge')), /^HTTP\/1.1 413 /)
})

t.test('what is no HTTP is answered with 400 and the connection ends', async t => {
  const socket = await open(t, server.admin)
  socket.write('NONSENSE\r\n\r\n')
  t.match(await read(socket, never), /^HTTP\/1.1 400 Bad Request/)
})

t.test('a client that goes away in the middle of its body disturbs nobody', async t => {
  const socket = await open(t, server.admin)
  socket.write(head('POST', maps, 'Content-Type: application/json\r\nContent-Length: 1000\r\n') + '{"metadata"')
  socket.destroy()
  t.equal((await server.ask('/readyz')).status, 200)
})
