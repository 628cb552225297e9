import { writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import t, { type Test } from 'tap'
import { eventually } from '../http/eventually.ts'
import { makeAuthority } from '../http/test-certificates.ts'
import { startTestServer } from '../http/test-server.ts'
import { apiService, externalService, startAggregatedServer } from './aggregated-server.ts'

type TestServer = Awaited<ReturnType<typeof startTestServer>>

const path = '/apis/apiregistration.k8s.io/v1/apiservices'

interface Served {
  spec: Record<string, unknown>
  metadata: { labels: Record<string, string> }
  status: { conditions: { status: string; reason: string; message: string }[] }
}

const condition = async (api: TestServer, name = 'v1.fruit.example.com') =>
  ((await api.ask(`${path}/${name}`)).json as unknown as Served).status.conditions?.[0]

const untilReason = (api: TestServer, reason: string) =>
  eventually(async () => {
    const found = await condition(api)
    if (found?.reason !== reason) throw new Error(`${found?.reason}: ${found?.message}`)
    return found
  })

/** An API server that shows a front proxy's certificate, and an aggregated one that knows its authority. */
const setUp = async (
  t: Test,
  answers: Parameters<typeof startAggregatedServer>[2] = {},
  overrides: Parameters<typeof startTestServer>[1] = {},
) => {
  const directory = mkdtempSync(join(tmpdir(), 'skiff-aggregation-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const front = await makeAuthority('front-proxy-ca')
  const proxy = await front.client('front-proxy-client', [])
  const served = await makeAuthority('fruit-ca')
  const remote = await startAggregatedServer(t, served, { ...answers, frontProxyCa: front.cert })
  const api = await startTestServer(t, {
    requestheaderClientCaFile: file('front.crt', front.cert),
    requestheaderAllowedNames: ['front-proxy-client'],
    proxyClientCertFile: file('proxy.crt', proxy.cert),
    proxyClientKeyFile: file('proxy.key', proxy.key),
    ...overrides,
  })
  const caBundle = Buffer.from(served.cert).toString('base64')
  const service = { namespace: 'default', name: 'fruit', port: remote.port }
  const register = async (spec: object = {}) => {
    await api.ask('/api/v1/namespaces/default/services', { method: 'POST', body: externalService() })
    const made = await api.ask(path, { method: 'POST', body: apiService({ service, caBundle, ...spec }) })
    t.equal(made.status, 201, 'registered')
  }
  return { api, remote, front, proxy, served, caBundle, service, register }
}

t.test('every built-in group version has its APIService, and a custom one gets and loses it', async t => {
  const api = await startTestServer(t)
  const { items } = (await api.ask(path)).json as { items: (Served & { metadata: { name: string } })[] }
  const apps = items.find(({ metadata }) => metadata.name === 'v1.apps')
  t.match(apps, {
    metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } },
    spec: { group: 'apps', version: 'v1', groupPriorityMinimum: 17_800, versionPriority: 15 },
    status: { conditions: [{ type: 'Available', status: 'True', reason: 'Local' }] },
  })
  t.match(
    items.find(({ metadata }) => metadata.name === 'v1.'),
    { spec: { groupPriorityMinimum: 18_000, versionPriority: 1 } },
  )
  t.equal(
    items.find(({ metadata }) => metadata.name === 'v1.apiregistration.k8s.io'),
    undefined,
  )
  const names = { plural: 'boats', singular: 'boat', kind: 'Boat', listKind: 'BoatList' }
  const version = { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }
  const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  await api.ask(crds, {
    method: 'POST',
    body: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'boats.example.com' },
      spec: { group: 'example.com', scope: 'Namespaced', names, versions: [version] },
    },
  })
  const custom = await eventually(async () => {
    const found = await api.ask(`${path}/v1.example.com`)
    if (found.status !== 200) throw new Error(found.text)
    return found.json
  })
  t.match(custom, {
    metadata: { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'true' } },
    spec: { groupPriorityMinimum: 1000, versionPriority: 100 },
  })
  await api.ask(`${crds}/boats.example.com`, { method: 'DELETE' })
  await eventually(async () => {
    const { status } = await api.ask(`${path}/v1.example.com`)
    if (status !== 404) throw new Error(`still ${status}`)
  })
})

t.test('a request is passed on with who asks, its body and its query, and comes back as it is', async t => {
  const { api, remote, register } = await setUp(t, {
    answers: {
      '/apis/fruit.example.com/v1/namespaces/a/fruits': (request, response) => {
        request
          .resume()
          .on('end', () =>
            response
              .writeHead(201, { 'content-type': 'application/x-fruit', 'x-own': ['1', '2'] })
              .end('{"kind":"Fruit"}'),
          )
      },
    },
  })
  await register()
  await untilReason(api, 'Passed')
  const reply = await api.ask('/apis/fruit.example.com/v1/namespaces/a/fruits?dryRun=All', {
    method: 'POST',
    body: { peel: 'thick' },
    headers: {
      'x-remote-user': 'mallory',
      authorization: 'Bearer x',
      'impersonate-user': 'kim',
      'impersonate-group': 'system:masters',
      'x-mine': 'kept',
    },
  })
  t.equal(reply.status, 201)
  t.equal(reply.text, '{"kind":"Fruit"}')
  t.equal(reply.headers['content-type'], 'application/x-fruit')
  t.equal(reply.headers['x-own'], '1, 2')
  t.type(reply.headers['x-kubernetes-pf-flowschema-uid'], 'string', 'it has taken a seat here')
  const seen = remote.seen.find(({ method }) => method === 'POST')
  t.equal(seen?.body, '{"peel":"thick"}')
  t.equal(seen?.client, 'front-proxy-client')
  t.equal(seen?.url, '/apis/fruit.example.com/v1/namespaces/a/fruits?dryRun=All')
  t.match(seen?.headers, {
    'x-remote-user': 'kim',
    'x-remote-group': 'system:masters, system:authenticated',
    'x-mine': 'kept',
  })
  t.equal(seen?.headers['authorization'], undefined)
  t.equal(seen?.headers['impersonate-user'], undefined)
  t.match(seen?.headers['x-forwarded-for'], /127\.0\.0\.1/)
  const large = { peel: 'x'.repeat(5_000_000) }
  const post = { method: 'POST', body: large }
  t.equal(
    (await api.ask('/apis/fruit.example.com/v1/namespaces/a/fruits', post)).status,
    201,
    'it says what is too large',
  )
  t.equal(remote.seen.at(-1)?.body.length, JSON.stringify(large).length)
})

t.test('who may not do it here is told so here', async t => {
  const { api, remote, register } = await setUp(t)
  await register()
  await untilReason(api, 'Passed')
  const nobody = await api.authority.client('nobody', [])
  const before = remote.seen.length
  const reply = await api.ask('/apis/fruit.example.com/v1/fruits', { as: nobody })
  t.equal(reply.status, 403)
  t.match(reply.json['message'], /fruits.fruit.example.com is forbidden: User "nobody" cannot list resource "fruits"/)
  // Whoever may read discovery may read every path that is no resource; another server could see one in these.
  const [known, unknown] = [api.session(), api.session(nobody)]
  // HTTP/2 sends paths as they are; Node's client of HTTP/1.1 resolves dots.
  const statusOf = (session: typeof known, odd: string) =>
    new Promise<number>(resolve => {
      const stream = session.request({ ':path': `/apis/fruit.example.com/v1/${odd}` })
      stream.once('response', headers => resolve(Number(headers[':status'])))
      stream.resume()
    })
  for (const odd of ['/fruits', 'fruits%2Fx', '../v1/fruits', '%2e%2e/v1/fruits', 'fruits/%zz']) {
    t.equal(await statusOf(known, odd), 400, odd)
    t.ok([400, 403].includes(await statusOf(unknown, odd)), odd)
  }
  t.equal(remote.seen.slice(before).filter(({ url }) => url.includes('fruits')).length, 0)
})

t.test('a watch is passed on event by event, over HTTP/2 too', async t => {
  let say: (text: string) => void = () => {}
  const { api, register } = await setUp(t, {
    answers: {
      '/apis/fruit.example.com/v1/fruits': (_, response) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        response.flushHeaders()
        say = text => response.write(text)
      },
    },
  })
  await register()
  await untilReason(api, 'Passed')
  const stream = api.session().request({ ':path': '/apis/fruit.example.com/v1/fruits?watch=true' })
  const status = await new Promise(resolve => stream.once('response', headers => resolve(headers[':status'])))
  t.equal(status, 200)
  for (const line of ['{"type":"ADDED"}\n', '{"type":"MODIFIED"}\n']) {
    say(line)
    t.equal(await new Promise(resolve => stream.once('data', chunk => resolve(String(chunk)))), line)
  }
  stream.destroy()
})

t.test('an upgrade is passed through, bytes both ways', async t => {
  const { api, remote, register } = await setUp(t)
  remote.server.on('upgrade', (request, socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\nX-User: ${request.headers['x-remote-user']}\r\n\r\n`,
    )
    socket.pipe(socket)
  })
  await register()
  await untilReason(api, 'Passed')
  const { cert, key } = api.admin
  const request = httpsRequest(`${api.url}/apis/fruit.example.com/v1/fruits/a/exec`, {
    ca: api.authority.cert,
    cert,
    key,
    agent: false,
    headers: { connection: 'Upgrade', upgrade: 'echo' },
  }).end()
  const { response, socket } = await new Promise<{
    response: { headers: Record<string, unknown> }
    socket: NodeJS.ReadWriteStream & { destroy(): void }
  }>((resolve, reject) => {
    request.on('upgrade', (response, socket) => resolve({ response, socket }))
    request.on('response', ({ statusCode }) => reject(new Error(`answered ${statusCode}`)))
    request.on('error', reject)
  })
  t.equal(response.headers['x-user'], 'kubernetes-admin')
  socket.write('hello')
  t.equal(String(await new Promise(resolve => socket.once('data', resolve))), 'hello')
  socket.destroy()
})

t.test('what cannot be reached is told in the status, and asked for gives 503', async t => {
  const { api, remote, caBundle, service, register } = await setUp(t)
  const { status } = await api.ask(path, { method: 'POST', body: apiService({ service, caBundle }) })
  t.equal(status, 201)
  const missing = await untilReason(api, 'ServiceNotFound')
  t.match(missing, { status: 'False', message: 'service/fruit in "default" is not present' })
  const refused = await api.ask('/apis/fruit.example.com/v1/fruits')
  t.equal(refused.status, 503)
  t.equal(refused.text, 'service unavailable\n')
  // Its Service appears: that is noticed without waiting for the next look.
  await api.ask('/api/v1/namespaces/default/services', {
    method: 'POST',
    body: { ...externalService(), spec: { ports: [{ port: service.port + 1, targetPort: 1 }] } },
  })
  const port = await untilReason(api, 'ServicePortError')
  t.equal(port.message, `service/fruit in "default" is not listening on port ${service.port}`)
  await api.ask('/api/v1/namespaces/default/services/fruit', { method: 'DELETE' })
  await api.ask('/api/v1/namespaces/default/services', {
    method: 'POST',
    body: { ...externalService(), spec: { ports: [{ name: 'https', port: service.port }] } },
  })
  t.equal(
    (await untilReason(api, 'EndpointsNotFound')).message,
    'cannot find endpointslices for service/fruit in "default"',
  )
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'fruit-1', labels: { 'kubernetes.io/service-name': 'fruit' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: false } }],
    ports: [{ name: 'https', port: 1 }],
  }
  await api.ask('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { method: 'POST', body: slice })
  t.equal(
    (await untilReason(api, 'MissingEndpoints')).message,
    'endpointslices for service/fruit in "default" have no addresses with port name "https"',
  )
  await api.ask('/api/v1/namespaces/default/services/fruit', { method: 'DELETE' })
  await remote.close()
  await api.ask(`${path}/v1.fruit.example.com`, { method: 'DELETE' })
  await register()
  const failed = await untilReason(api, 'FailedDiscoveryCheck')
  const url = `https://127.0.0.1:${service.port}/apis/fruit.example.com/v1`
  t.equal(
    failed.message,
    `failing or missing response from ${url}: Get "${url}": dial tcp 127.0.0.1:${service.port}: connect: connection refused`,
  )
})

t.test('a Service with a ClusterIP and ready endpoints leads there', async t => {
  // The range of the ClusterIPs is on loopback, so that one leads to the server without a proxy.
  const { api, caBundle, service } = await setUp(t, { host: '127.0.0.5' }, { serviceClusterIpRange: '127.0.0.0/24' })
  const make = async (where: string, body: object) => {
    const { status, text } = await api.ask(where, { method: 'POST', body })
    if (status !== 201) throw new Error(text)
  }
  await make('/api/v1/namespaces/default/services', {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'fruit' },
    spec: { clusterIP: '127.0.0.5', ports: [{ name: 'https', port: service.port }] },
  })
  await make('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'fruit-1', labels: { 'kubernetes.io/service-name': 'fruit' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.2.3'] }],
    ports: [{ name: 'https', port: service.port }],
  })
  await make(path, apiService({ service, caBundle }))
  const passed = await untilReason(api, 'Passed')
  t.match(passed, { status: 'True', message: 'all checks passed' })
  t.match((await api.ask('/apis/fruit.example.com/v1')).json, { kind: 'APIResourceList' })
})

t.test('a server whose certificate is not of the authority that was named is not believed', async t => {
  const { api, register, front } = await setUp(t)
  await register({ caBundle: Buffer.from(front.cert).toString('base64') })
  await eventually(async () => {
    // That somebody answers is seen without trust; what they say is not passed on.
    const reply = await api.ask('/apis/fruit.example.com/v1/fruits')
    if (!reply.text.includes('certificate')) throw new Error(reply.text)
    t.equal(reply.status, 503)
    t.match(reply.text, /x509: certificate signed by unknown authority/)
  })
})

t.test('a backend that redirects is not followed', async t => {
  const { api, register } = await setUp(t, {
    answers: {
      '/apis/fruit.example.com/v1/fruits': (_, response) =>
        response.writeHead(302, { location: 'https://elsewhere.example' }).end(),
    },
  })
  await register()
  await untilReason(api, 'Passed')
  const reply = await api.ask('/apis/fruit.example.com/v1/fruits')
  t.equal(reply.status, 502)
  t.equal(reply.text, 'the backend attempted to redirect this request, which is not permitted')
})

const discovery = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

t.test('what a remote group serves is in discovery and OpenAPI, old while it is away, and gone with it', async t => {
  const { api, remote, register } = await setUp(t)
  await register()
  await untilReason(api, 'Passed')
  interface Group {
    metadata: { name: string }
    versions: { version: string; freshness: string; resources: { resource: string }[] }[]
  }
  const groupIn = async (freshness: string) => {
    const list = (await api.ask('/apis', { headers: { accept: discovery } })).json as unknown as { items: Group[] }
    const names = list.items.map(({ metadata }) => metadata.name)
    const group = list.items.find(({ metadata }) => metadata.name === 'fruit.example.com')
    if (group?.versions[0]?.freshness !== freshness) throw new Error(JSON.stringify(group))
    return { group, names }
  }
  const { group, names } = await eventually(() => groupIn('Current'))
  t.equal(names.at(-1), 'fruit.example.com', 'behind the built-in groups, as its priority says')
  t.match(group.versions, [
    {
      version: 'v1',
      resources: [
        {
          resource: 'fruits',
          responseKind: { group: 'fruit.example.com', version: 'v1', kind: 'Fruit' },
          scope: 'Namespaced',
          subresources: [{ subresource: 'status', verbs: ['get', 'update'] }],
        },
      ],
    },
  ])
  const plain = (await api.ask('/apis/fruit.example.com')).json
  t.match(plain, { kind: 'APIGroup', preferredVersion: { groupVersion: 'fruit.example.com/v1' } })
  const list = (await api.ask('/apis/fruit.example.com/v1')).json
  t.match(list, { kind: 'APIResourceList', resources: [{ name: 'fruits' }, { name: 'fruits/status' }] })
  const v2 = (await api.ask('/openapi/v2')).json as { paths: object; definitions: Record<string, object> }
  t.ok('/apis/fruit.example.com/v1/fruits' in v2.paths)
  t.notOk('/apis/other.example.com/v1/others' in v2.paths, 'groups that it was not given are not taken')
  t.ok(v2.definitions['Fruit'])
  t.notOk(v2.definitions['Unused'])
  const index = (await api.ask('/openapi/v3')).json as { paths: Record<string, { serverRelativeURL: string }> }
  const url = index.paths['apis/fruit.example.com/v1']?.serverRelativeURL ?? ''
  t.match((await api.ask(url)).json, { openapi: '3.0.0', info: { title: 'fruit' } })
  await remote.close()
  await api.ask('/api/v1/namespaces/default/services/fruit', { method: 'DELETE' })
  await untilReason(api, 'ServiceNotFound')
  await groupIn('Stale')
  const { text } = await api.ask('/metrics')
  t.match(text, 'aggregator_unavailable_apiservice{name="v1.fruit.example.com"} 1')
  t.match(text, 'aggregator_unavailable_apiservice_total{name="v1.fruit.example.com",reason="ServiceNotFound"} 1')
  await api.ask(`${path}/v1.fruit.example.com`, { method: 'DELETE' })
  t.equal((await api.ask('/apis/fruit.example.com')).status, 404)
  t.equal((await api.ask('/apis/fruit.example.com/v1/fruits')).status, 404)
})

t.test('a front proxy says who asks, and nobody else may', async t => {
  const { api, front, proxy } = await setUp(t)
  const whoami = (as: { cert: string; key: string }, headers: Record<string, string>) =>
    api.ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      as,
      headers,
    })
  const claims = { 'x-remote-user': 'kim', 'x-remote-group': 'sailors', 'x-remote-extra-acme.com%2fproject': 'sea' }
  const { json } = await whoami(proxy, claims)
  t.match(json, {
    status: {
      userInfo: {
        username: 'kim',
        groups: ['sailors', 'system:authenticated'],
        extra: { 'acme.com/project': ['sea'] },
      },
    },
  })
  t.match((await whoami(api.admin, claims)).json, { status: { userInfo: { username: 'kubernetes-admin' } } })
  t.equal((await whoami(proxy, {})).status, 401, 'its certificate alone is nobody')
  t.equal(
    (await whoami(await front.client('other', []), claims)).status,
    401,
    'its name must be among the allowed ones',
  )
  t.equal((await whoami(await front.client('x', ['system:masters']), {})).status, 401, 'it signs no clients')
})

t.test('aggregated servers read in a ConfigMap whom to believe', async t => {
  const { api, front } = await setUp(t)
  const { json } = await api.ask('/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication')
  t.match(json['data'], {
    'client-ca-file': api.authority.cert,
    'requestheader-client-ca-file': front.cert,
    'requestheader-allowed-names': '["front-proxy-client"]',
    'requestheader-username-headers': '["X-Remote-User"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
  })
})
