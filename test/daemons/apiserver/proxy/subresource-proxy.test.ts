import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createSecureServer, request as httpsRequest } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { gunzipSync, gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { makeAuthority } from '../http/test-certificates.ts'
import { startTestServer } from '../http/test-server.ts'

/** Pods are never on loopback, so what plays one listens where the host can be reached. */
const address = Object.values(networkInterfaces())
  .flatMap(list => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
const skip = address === undefined ? 'the host has no address but loopback' : false

type Handler = (request: IncomingMessage, response: ServerResponse) => void

const startPod = async (t: Test, handler: Handler) => {
  const sockets = new Set<Socket>()
  const server = createServer(handler)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>(resolve => server.listen(0, address, resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port }
}

type Api = Awaited<ReturnType<typeof startTestServer>>

/** Pod `web` with the address of the host, and a Service and a slice that lead to it. */
const withPod = async (t: Test, port: number, overrides: Parameters<typeof startTestServer>[1] = {}) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-proxy-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const kubelets = await makeAuthority('kubelet-ca')
  const identity = await kubelets.client('kube-apiserver-kubelet-client', ['system:masters'])
  const api = await startTestServer(t, {
    kubeletClientCertificate: file('client.crt', identity.cert),
    kubeletClientKey: file('client.key', identity.key),
    kubeletCertificateAuthority: file('ca.crt', kubelets.cert),
    ...overrides,
  })
  const make = async (path: string, body: object) => {
    const { status, text } = await api.ask(path, { method: 'POST', body })
    if (status !== 201) throw new Error(text)
  }
  const core = '/api/v1/namespaces/default'
  await make(`${core}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web' },
    spec: { containers: [{ name: 'a', image: 'x', ports: [{ containerPort: port }] }] },
  })
  const status = { podIP: address, podIPs: [{ ip: address }], phase: 'Running' }
  await api.ask(`${core}/pods/web/status`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json' },
    body: { status },
  })
  await make(`${core}/services`, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: { ports: [{ name: 'http', port: 80, targetPort: port }] },
  })
  await make('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: [address],
        conditions: { ready: true },
        targetRef: { kind: 'Pod', name: 'web', namespace: 'default' },
      },
    ],
    ports: [{ name: 'http', port }],
  })
  return { api, kubelets, make }
}

const pod = '/api/v1/namespaces/default/pods/web/proxy'

t.test('a request goes to the pod as it is, and its answer comes back', { skip }, async t => {
  const seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
  const { port } = await startPod(t, (request, response) => {
    let body = ''
    request.on('data', chunk => (body += String(chunk)))
    request.on('end', () => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body })
      response
        .writeHead(418, { 'content-type': 'text/x', 'access-control-allow-origin': '*', 'set-cookie': ['a', 'b'] })
        .end('short and stout')
    })
  })
  const { api } = await withPod(t, port)
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
    const reply = await api.ask(`${pod}/a%20b//c?x=1&x=2`, {
      method,
      headers: { authorization: 'Bearer secret', 'x-own': 'kept' },
      ...(method === 'POST' || method === 'PUT' || method === 'PATCH' ? { body: { method } } : {}),
    })
    t.equal(reply.status, 418)
    t.equal(reply.text, 'short and stout')
    t.equal(reply.headers['access-control-allow-origin'], undefined)
    t.same(reply.headers['set-cookie'], ['a', 'b'])
    const last = seen.at(-1)
    t.equal(last?.method, method)
    t.equal(last?.url, '/a%20b//c?x=1&x=2')
    t.equal(last?.headers['authorization'], undefined, 'who the client is to the API is not the pod’s to know')
    t.match(last?.headers, { 'x-own': 'kept', 'x-forwarded-uri': `${pod}/a%20b//c` })
    t.equal(last?.body, last?.headers['content-type'] === undefined ? '' : JSON.stringify({ method }))
  }
  const head = await api.ask(`${pod}/a`, { method: 'HEAD' })
  t.equal(head.status, 418)
  t.equal(head.text, '')
  for (const path of ['services/web:80', 'services/http:web:http', `pods/http:web:${port}`])
    t.equal((await api.ask(`/api/v1/namespaces/default/${path}/proxy/`)).status, 418, path)
  const stream = api.session().request({ ':path': `${pod}/over-http2` })
  t.equal(await new Promise(resolve => stream.once('response', headers => resolve(headers[':status']))), 418)
  stream.destroy()
})

t.test('a page is given with links and redirects that lead through the proxy', { skip }, async t => {
  const page = '<html><a href="/next">next</a></html>'
  const answers: Record<string, Handler> = {
    '/': (_, response) => response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page),
    '/zipped': (_, response) =>
      response.writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' }).end(gzipSync(page)),
    '/plain': (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(page),
    '/away': (_, response) => response.writeHead(302, { location: '/next?x=1' }).end(),
  }
  const { port } = await startPod(t, (request, response) => answers[request.url ?? '']?.(request, response))
  const { api } = await withPod(t, port)
  const linked = `<html><a href="${pod}/next">next</a></html>`
  t.equal((await api.ask(`${pod}/`)).text, linked)
  t.equal((await api.ask(`${pod}/plain`)).text, page)
  const away = await api.ask(`${pod}/away`)
  t.equal(away.status, 302)
  t.equal(away.headers.location, `${pod}/next?x=1`)
  const slash = await api.ask(`${pod}?x=1`)
  t.equal(slash.status, 301)
  t.equal(slash.headers.location, `${pod}/?x=1`)
  const stream = api.session().request({ ':path': `${pod}/zipped` })
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  t.equal(gunzipSync(Buffer.concat(chunks)).toString(), linked)
})

t.test('what cannot be reached is told so', { skip }, async t => {
  const { port, server } = await startPod(t, () => {})
  await new Promise<void>(resolve => server.close(() => resolve()))
  const { api } = await withPod(t, port)
  const reply = await api.ask(`${pod}/`)
  t.equal(reply.status, 503)
  t.match(reply.json, {
    reason: 'ServiceUnavailable',
    message: `error trying to reach service: dial tcp ${address}:${port}: connect: connection refused`,
  })
  t.match((await api.ask('/api/v1/namespaces/default/services/no/proxy/')).json, { reason: 'NotFound' })
  t.match((await api.ask('/api/v1/namespaces/default/configmaps/no/proxy/')).status, 404)
})

t.test('who may read pods may not go through them', { skip }, async t => {
  const { port } = await startPod(t, (_, response) => response.end('in'))
  const { api, make } = await withPod(t, port)
  const rules = [{ apiGroups: [''], resources: ['pods'], verbs: ['*'] }]
  await make('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRole',
    metadata: { name: 'r' },
    rules,
  })
  await make('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'r' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'r' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'kim' }],
  })
  const kim = await api.authority.client('kim', [])
  const refused = await api.ask(`${pod}/`, { as: kim, method: 'POST', body: {} })
  t.match(refused.json, { reason: 'Forbidden', message: /cannot create resource "pods\/proxy"/ })
})

const upgraded = (api: Api, path: string): Promise<{ head: IncomingMessage; socket?: Socket }> => {
  const { cert, key } = api.admin
  return new Promise((resolve, reject) => {
    httpsRequest(api.url + path, {
      ca: api.authority.cert,
      cert,
      key,
      agent: false,
      headers: { connection: 'Upgrade', upgrade: 'echo' },
    })
      .on('upgrade', (head, socket) => resolve({ head, socket: socket as Socket }))
      .on('response', head => resolve({ head }))
      .on('error', reject)
      .end()
  })
}

t.test('an upgrade goes through, or its refusal comes back', { skip }, async t => {
  const { port, server } = await startPod(t, (_, response) => response.writeHead(409).end())
  server.on('upgrade', (request, socket) => {
    if (request.url === '/no') return void socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno')
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n')
    socket.pipe(socket)
  })
  const { api } = await withPod(t, port)
  const { socket, head } = await upgraded(api, `${pod}/echo`)
  t.equal(head.statusCode, 101)
  socket?.write('hello')
  t.equal(String(await new Promise(resolve => socket?.once('data', resolve))), 'hello')
  socket?.destroy()
  const refused = await upgraded(api, `${pod}/no`)
  t.equal(refused.head.statusCode, 409)
  refused.head.destroy()
})

t.test('a node’s kubelet is shown who asks, and another port of the node is not', { skip }, async t => {
  const { port } = await startPod(t, (_, response) => response.end('exporter'))
  const { api, kubelets, make } = await withPod(t, port)
  const identity = await kubelets.server(['127.0.0.1'])
  const kubelet = createSecureServer({ ...identity, ca: kubelets.cert, requestCert: true }, (request, response) => {
    response.end(`${(request.socket as TLSSocket).getPeerCertificate().subject.CN} asks ${request.url}`)
  })
  await new Promise<void>(resolve => kubelet.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    kubelet.closeAllConnections()
    kubelet.close()
  })
  const node = async (name: string, host: string) => {
    const status = {
      addresses: [{ type: 'InternalIP', address: host }],
      daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } },
    }
    await make('/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name } })
    await api.ask(`/api/v1/nodes/${name}/status`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { status },
    })
  }
  await node('here', '127.0.0.1')
  await node('there', address ?? '')
  const path = '/api/v1/nodes/here/proxy/stats/summary?only=cpu'
  t.equal((await api.ask(path)).text, 'kube-apiserver-kubelet-client asks /stats/summary?only=cpu')
  t.equal((await api.ask(`/api/v1/nodes/there:${port}/proxy/metrics`)).text, 'exporter')
  const self = await api.ask(`/api/v1/nodes/here:${port}/proxy/`)
  t.match(self.json, { reason: 'BadRequest', message: 'address not allowed' })
})
