import { once } from 'node:events'
import type { ClientHttp2Session } from 'node:http2'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { configMaps } from '../../../../kube/resources.ts'
import { configMap, deployment } from '../registry/test-registry.ts'
import { makeAuthority } from './test-certificates.ts'
import { startTestServer } from './test-server.ts'

const collection = '/api/v1/namespaces/default/configmaps'
const server = await startTestServer(t)
const { ask } = server

void t.test('without a certificate there is health and version, and nothing else', async t => {
  for (const path of ['/healthz', '/livez', '/readyz'])
    t.match(await server.askAnonymously(path), { status: 200, text: 'ok' }, path)
  t.match((await server.askAnonymously('/readyz?verbose')).text, /^\[\+\]ping ok\n[^]*readyz check passed\n$/)
  t.match((await server.askAnonymously('/version')).json, {
    major: '1',
    minor: '34',
    gitVersion: /^v1\.34\.0\+skiff\./,
  })
  for (const path of ['/api', '/apis', collection, '/metrics', '/openapi/v2'])
    t.match(await server.askAnonymously(path), { status: 403, json: { kind: 'Status', reason: 'Forbidden' } }, path)
})

void t.test('a certificate of another authority, and a token, are unauthorized', async t => {
  const stranger = await (await makeAuthority('another-ca')).client('kubernetes-admin', ['system:masters'])
  t.match(await ask(collection, { as: stranger }), { status: 401, json: { reason: 'Unauthorized' } })
})

void t.test('a component may do what it needs and is told what it may not', async t => {
  const proxy = await server.authority.client('system:kube-proxy', [])
  t.equal((await ask('/api/v1/services', { as: proxy })).status, 200)
  t.equal((await ask('/apis', { as: proxy })).status, 200)
  t.match(await ask('/api/v1/namespaces/default/secrets', { as: proxy }), {
    status: 403,
    json: {
      message:
        'secrets is forbidden: User "system:kube-proxy" cannot list resource "secrets" in API group "" in the namespace "default"',
      details: { kind: 'secrets' },
    },
  })
})

void t.test('create, get, list, replace, patch and delete over HTTP/1.1', async t => {
  const made = await ask(collection, { method: 'POST', body: configMap('rest', { a: '1' }) })
  t.match(made, {
    status: 201,
    json: { kind: 'ConfigMap', data: { a: '1' } },
    headers: { 'content-type': 'application/json' },
  })
  const got = await ask(`${collection}/rest`)
  t.same(got.json, made.json)
  const list = await ask(collection)
  t.match(list.json, { kind: 'ConfigMapList', apiVersion: 'v1', items: [{ metadata: { name: 'rest' } }] })
  const put = await ask(`${collection}/rest`, { method: 'PUT', body: { ...made.json, data: { a: '2' } } })
  t.match(put, { status: 200, json: { data: { a: '2' } } })
  t.match(
    await ask(`${collection}/rest`, { method: 'PUT', body: made.json }),
    { status: 409 },
    'an old version is refused',
  )
  const patched = await ask(`${collection}/rest`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/merge-patch+json', 'user-agent': 'tester/1.0' },
    body: { data: { b: '3' } },
  })
  t.same(patched.json['data'], { a: '2', b: '3' })
  const { managedFields } = patched.json['metadata'] as { managedFields: { manager: string }[] }
  t.same(managedFields.map(entry => entry.manager).sort(), ['tester', 'unknown'])
  t.match(await ask(`${collection}/rest`, { method: 'DELETE' }), {
    status: 200,
    json: { kind: 'Status', status: 'Success', details: { name: 'rest', kind: 'configmaps' } },
  })
  t.match(await ask(`${collection}/rest`), { status: 404, json: { message: 'configmaps "rest" not found' } })
})

void t.test('bodies in YAML and by server-side apply', async t => {
  const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: "1"\n'
  const headers = { 'content-type': 'application/yaml' }
  t.equal((await ask(collection, { method: 'POST', headers, body: Buffer.from(yaml) })).status, 201)
  const apply = { 'content-type': 'application/apply-patch+yaml' }
  const path = `${collection}/applied?fieldManager=me`
  const body = Buffer.from(yaml.replace('name: yaml', 'name: applied'))
  t.equal((await ask(path, { method: 'PATCH', headers: apply, body })).status, 201)
  t.equal((await ask(path, { method: 'PATCH', headers: apply, body })).status, 200)
  t.match(await ask(`${collection}/applied`, { method: 'PATCH', headers: apply, body }), {
    status: 422,
    json: { message: /fieldManager: Required value/ },
  })
  t.match((await ask(`${collection}/yaml`, { headers: { accept: 'application/yaml' } })).text, /^kind: ConfigMap\n/)
})

void t.test('field validation ignores, warns or refuses', async t => {
  const text = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"odd"},"foo":1,"data":{"a":"1","a":"2"}}'
  const send = (query: string) => ask(`${collection}?dryRun=All${query}`, { method: 'POST', body: Buffer.from(text) })
  const warned = await send('')
  t.equal(warned.status, 201)
  t.equal(warned.headers['warning'], '299 - "duplicate field \\"data.a\\"", 299 - "unknown field \\"foo\\""')
  t.equal((await send('&fieldValidation=Ignore')).headers['warning'], undefined)
  t.match(await send('&fieldValidation=Strict'), {
    status: 400,
    json: { message: /strict decoding error: duplicate field "data\.a", unknown field "foo"$/ },
  })
})

void t.test('content that is not spoken is refused by its name', async t => {
  const protobuf = 'application/vnd.kubernetes.protobuf'
  t.match(await ask(collection, { headers: { accept: 'text/html' } }), {
    status: 406,
    json: { reason: 'NotAcceptable' },
  })
  const cbor = { 'content-type': 'application/cbor' }
  t.match(await ask(collection, { method: 'POST', headers: cbor, body: Buffer.alloc(4) }), { status: 415 })
  const torn = { method: 'POST', headers: { 'content-type': protobuf }, body: Buffer.from('k8s\0\n\x7f') }
  t.match(await ask(collection, torn), { status: 400, json: { message: /unexpected EOF/ } })
  t.match(await ask(collection, { method: 'POST', body: Buffer.from('{') }), { status: 400 })
  t.match(await ask(collection, { method: 'POST', body: Buffer.alloc(3 * 1024 * 1024 + 1) }), {
    status: 413,
    json: { kind: 'Status' },
  })
  t.match(await ask('/api/v1/nonsense'), { status: 404, json: { kind: 'Status', reason: 'NotFound' } })
  t.match(await ask('/nonsense'), { status: 404, json: { kind: 'Status' } })
  t.match(await ask('/api/v1/namespaces/default/pods/x/proxy'), {
    status: 404,
    json: { message: 'pods "x" not found' },
  })
})

void t.test('tables carry cells, and as much of the object as is asked for', async t => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'
  await ask('/apis/apps/v1/namespaces/default/deployments', { method: 'POST', body: deployment('table', 3) })
  const path = '/apis/apps/v1/namespaces/default/deployments/table'
  const { json } = await ask(path, { headers: { accept: table } })
  t.match(json, {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    rows: [{ object: { kind: 'PartialObjectMetadata', metadata: { name: 'table' } } }],
  })
  t.equal((json['rows'] as { cells: unknown[] }[])[0]?.cells[0], 'table')
  const none = await ask(`${path}?includeObject=None`, { headers: { accept: table } })
  t.equal('object' in (none.json['rows'] as object[])[0]!, false)
  const whole = await ask('/apis/apps/v1/deployments?includeObject=Object', { headers: { accept: table } })
  t.match(whole.json, {
    kind: 'Table',
    metadata: { resourceVersion: /\d/ },
    rows: [{ object: { kind: 'Deployment' } }],
  })
  const partial = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io'
  t.match((await ask('/apis/apps/v1/deployments', { headers: { accept: partial } })).json, {
    kind: 'PartialObjectMetadataList',
    items: [{ kind: 'PartialObjectMetadata' }],
  })
})

void t.test('large answers are compressed for who takes it', async t => {
  const data = { blob: 'x'.repeat(200_000) }
  await ask(collection, { method: 'POST', body: configMap('large', data) })
  const session = server.session()
  const stream = session.request({ ':path': `${collection}/large`, 'accept-encoding': 'gzip' })
  const [headers] = (await once(stream, 'response')) as [Record<string, string>]
  t.equal(headers['content-encoding'], 'gzip')
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  t.match(JSON.parse(String(gunzipSync(Buffer.concat(chunks)))), { data })
})

const watchLines = async function* (session: ClientHttp2Session, path: string, headers: Record<string, string> = {}) {
  const stream = session.request({ ':path': path, ...headers })
  let text = ''
  try {
    for await (const chunk of stream) {
      text += String(chunk)
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        yield JSON.parse(text.slice(0, end)) as { type: string; object: Record<string, unknown> }
        text = text.slice(end + 1)
      }
    }
  } finally {
    stream.destroy()
  }
}

void t.test('a watch over HTTP/2 gives events in order, as objects or as tables', async t => {
  const session = server.session()
  const { json } = await ask(collection)
  const from = (json['metadata'] as { resourceVersion: string }).resourceVersion
  const path = `${collection}?watch=true&resourceVersion=${from}&fieldSelector=metadata.name%3Dwatched&timeoutSeconds=30`
  const lines = watchLines(session, path)
  const tables = watchLines(session, path, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  await ask(collection, { method: 'POST', body: configMap('watched', { n: '0' }) })
  for (let n = 1; n < 5; n++)
    await ask(`${collection}/watched`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { data: { n: String(n) } },
    })
  await ask(`${collection}/watched`, { method: 'DELETE' })
  const seen: unknown[] = []
  for await (const { type, object } of lines) {
    seen.push([type, (object['data'] as { n: string }).n])
    if (type === 'DELETED') break
  }
  t.same(seen, [
    ['ADDED', '0'],
    ['MODIFIED', '1'],
    ['MODIFIED', '2'],
    ['MODIFIED', '3'],
    ['MODIFIED', '4'],
    ['DELETED', '4'],
  ])
  const columns: number[] = []
  for await (const { type, object } of tables) {
    columns.push((object['columnDefinitions'] as unknown[]).length)
    if (type === 'DELETED') break
  }
  t.ok((columns[0] ?? 0) > 0, 'the first table has columns')
  t.same(columns.slice(1), [0, 0, 0, 0, 0], 'the later ones do not repeat them')
})

void t.test('a watch ends when its time is up', async t => {
  const started = await ask(`${collection}?watch=1&timeoutSeconds=1&labelSelector=none%3Dsuch`)
  t.match(started, { status: 200, text: '' })
})

void t.test('a version of the future gives a Status, not a stream', async t => {
  const future = await ask(`${collection}?watch=true&resourceVersion=999999`)
  t.match(future, { status: 504, json: { details: { causes: [{ reason: 'ResourceVersionTooLarge' }] } } })
})

void t.test('metrics count requests by upstream’s names', async t => {
  const { text } = await ask('/metrics')
  t.match(text, /apiserver_request_total\{verb="LIST",group="",version="v1",resource="configmaps"[^}]*code="200"\} \d+/)
  t.match(text, /apiserver_request_duration_seconds_bucket/)
  t.match(text, /apiserver_longrunning_requests/)
})

void t.test('the objects every cluster has are there', async t => {
  t.match((await ask('/api/v1/namespaces/default/services/kubernetes')).json, {
    spec: { clusterIP: '10.96.0.1', ports: [{ port: 443, targetPort: server.port }] },
  })
  for (const name of ['kube-system', 'kube-public', 'kube-node-lease'])
    t.match((await ask(`/api/v1/namespaces/${name}`)).json, { status: { phase: 'Active' } })
  t.match((await ask('/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical')).json, { value: 2_000_001_000 })
})

void t.test('the in-process client sees what HTTP writes, and shares the parsed object', async t => {
  const client = server.client({ name: 'inside', groups: ['system:masters'] })
  await ask(collection, { method: 'POST', body: configMap('shared', { a: '1' }) })
  const first = await client.get(configMaps, 'shared', { namespace: 'default' })
  t.same(first.data, { a: '1' })
  t.equal(await client.get(configMaps, 'shared', { namespace: 'default' }), first)
  const nobody = server.client({ name: 'nobody', groups: [] })
  await t.rejects(nobody.list(configMaps), { message: /at the cluster scope/ })
})

void t.test('a session that is resumed keeps the identity of its certificate', async t => {
  const { connect } = await import('node:tls')
  const tls = {
    ca: server.authority.cert,
    ...server.admin,
    host: '127.0.0.1',
    port: server.port,
    ALPNProtocols: ['http/1.1'],
  }
  const get = (socket: import('node:tls').TLSSocket): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = ''
      socket.on('data', (chunk: Buffer) => {
        text += String(chunk)
        if (text.includes('\r\n\r\n')) resolve(text.split('\r\n')[0] ?? '')
      })
      socket.on('error', reject)
      socket.write(`GET ${collection} HTTP/1.1\r\nHost: x\r\n\r\n`)
    })
  const first = connect(tls)
  const ticket = once(first, 'session') as Promise<[Buffer]>
  t.match(await get(first), /200/)
  const [session] = await ticket
  first.destroy()
  const second = connect({ ...tls, session })
  t.match(await get(second), /200/)
  t.ok(second.isSessionReused())
  second.destroy()
})
