import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { runHandler, type Handler } from '../../../../daemons/kubelet/probes/run-handler.ts'
import { SkiffError } from '../../../../kube/errors.ts'

const listen = (server: Server): Promise<number> =>
  new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))

const run = (handler: Handler, more: { port?: number; timeoutMs?: number; exec?: () => Promise<never> } = {}) =>
  runHandler(handler, {
    podIP: '127.0.0.1',
    containerId: 'c1',
    exec: more.exec ?? (async (_id, command) => ({ exitCode: Number(command[0]), output: `out ${command[0]}` })),
    signal: new AbortController().signal,
    timeoutMs: more.timeoutMs ?? 1000,
    ports: more.port === undefined ? [] : [{ name: 'web', containerPort: more.port }],
  })

t.test('exec: exit code 0 is a success, anything else fails with what the program wrote', async t => {
  t.strictSame(await run({ exec: { command: ['0'] } }), { result: 'success', message: 'out 0' })
  t.strictSame(await run({ exec: { command: ['3'] } }), { result: 'failure', message: 'out 3' })
  const timedOut = () => Promise.reject(new SkiffError('TIMEOUT', 'slow'))
  t.match(await run({ exec: { command: ['x'] } }, { exec: timedOut }), { message: 'command timed out after 1s' })
})

t.test('HTTP', async t => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(`${request.headers.host} ${request.headers['user-agent']} ${request.headers['x-probe'] ?? ''}`)
    const path = request.url ?? ''
    if (path === '/hang') return
    if (path === '/here') response.writeHead(302, { location: '/ok' })
    else if (path === '/loop') response.writeHead(302, { location: '/loop' })
    else if (path === '/away') response.writeHead(302, { location: 'http://127.0.0.2:1/' })
    else response.writeHead(Number(path.slice(1)) || 200)
    response.end('body')
  })
  const port = await listen(server)
  t.teardown(() => server.close())
  const cases: { name: string; path: string; result: string; message: RegExp }[] = [
    { name: '200 is a success', path: '/200', result: 'success', message: /body/ },
    { name: '399 is a success', path: '/399', result: 'success', message: /body/ },
    { name: '404 is a failure', path: '/404', result: 'failure', message: /^HTTP probe failed with statuscode: 404$/ },
    { name: 'a redirect to the same host is followed', path: '/here', result: 'success', message: /body/ },
    { name: 'a redirect elsewhere is not followed', path: '/away', result: 'success', message: /terminated redirects/ },
    { name: 'redirects without end fail', path: '/loop', result: 'failure', message: /stopped after 10 redirects/ },
  ]
  for (const { name, path, result, message } of cases)
    t.test(name, async t => {
      t.match(await run({ httpGet: { path, port } }), { result, message })
    })
  t.test('a port by name, and headers of one’s own', async t => {
    const httpHeaders = [
      { name: 'Host', value: 'hello.example' },
      { name: 'X-Probe', value: 'yes' },
    ]
    t.match(await run({ httpGet: { port: 'web', httpHeaders } }, { port }), { result: 'success' })
    t.equal(seen.at(-1), 'hello.example kube-probe/1.34 yes')
  })
  t.test('a name no port has is a failure that names it', async t => {
    t.match(await run({ httpGet: { port: 'nope' } }, { port }), { result: 'failure', message: /nope/ })
  })
  t.test('a server that never answers runs into the timeout', async t => {
    t.match(await run({ httpGet: { path: '/hang', port } }, { timeoutMs: 50 }), { message: /deadline exceeded/ })
  })
})

t.test('TCP: open is a success, closed is refused', async t => {
  const server = createServer()
  const port = await listen(server)
  t.match(await run({ tcpSocket: { port } }), { result: 'success' })
  await new Promise(resolve => server.close(resolve))
  t.strictSame(await run({ tcpSocket: { port } }), {
    result: 'failure',
    message: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  })
  t.match(await run({ httpGet: { port } }), { message: /^Get "http:.*connection refused$/ })
})

t.test('what is not built says so by name', async t => {
  t.match(await run({ grpc: { port: 1 } }), { result: 'failure', message: /NOT_IMPLEMENTED: gRPC/ })
})
