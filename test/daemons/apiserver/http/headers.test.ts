import { gunzipSync } from 'node:zlib'
import protobuf from 'protobufjs'
import t from 'tap'
import { compressed, warningHeaders, wholeBody } from '../../../../daemons/apiserver/http/answer.ts'
import { unseal } from '../rest/proto-snippets.ts'
import { configMap } from '../registry/test-registry.ts'
import { startTestServer } from './test-server.ts'

const collection = '/api/v1/namespaces/default/configmaps'
const server = await startTestServer(t)
const { ask } = server

const many = Array.from({ length: 20 }, (_, index) => `${index} `.padEnd(400, 'x'))
const warnings: [name: string, texts: string[], headers: string[]][] = [
  ['a text is quoted, with quotes and backslashes escaped', [String.raw`a "b" \c`], [String.raw`299 - "a \"b\" \\c"`]],
  ['a text is sent once', ['a', 'b', 'a'], ['299 - "a"', '299 - "b"']],
  ['no text is no header, nor is one with a control character', ['', 'a\nb', 'c'], ['299 - "c"']],
  ['other letters go as the bytes of UTF-8', ['é✓'], ['299 - "Ã©â\u009c\u0093"']],
  [
    'past 4,096 characters each is cut to 256, until there are 4,096 again',
    many,
    many.slice(0, 16).map(text => `299 - "${text.slice(0, 256)}"`),
  ],
]
for (const [name, texts, headers] of warnings)
  void t.test(`warnings: ${name}`, async t => t.same(warningHeaders(texts), headers))

void t.test('a warning in UTF-8 arrives as it was', async t => {
  const body = { ...configMap('warned', {}), ünknown: 1 }
  const { headers, status } = await ask(`${collection}?fieldValidation=Warn`, { method: 'POST', body })
  t.equal(status, 201)
  const warning: unknown = headers['warning']
  t.equal(Buffer.from(String(warning), 'latin1').toString(), '299 - "unknown field \\"ünknown\\""')
})

void t.test('every answer has an Audit-ID, the client’s where it names one, and is not to be kept', async t => {
  for (const path of [
    collection,
    `${collection}/none`,
    '/version',
    '/readyz',
    '/api',
    `${collection}?watch=1&timeoutSeconds=1&labelSelector=x`,
  ]) {
    const { headers } = await ask(path)
    t.match(headers, { 'audit-id': /^[0-9a-f-]{36}$/, 'cache-control': 'no-cache, private' }, path)
  }
  t.match((await ask(collection, { headers: { 'audit-id': 'mine' } })).headers, { 'audit-id': 'mine' })
})

void t.test('what is larger than 128 KiB is compressed for those who ask for gzip by its name', async t => {
  const answer = (length: number) => ({ status: 200, headers: {}, body: Buffer.alloc(length, 'a') })
  t.notOk((await compressed(answer(128 * 1024), 'gzip')).headers['content-encoding'])
  for (const refused of ['', 'deflate', 'x-gzip', 'gzip;q=0'])
    t.notOk((await compressed(answer(200_000), refused)).headers['content-encoding'], refused)
  const small = await compressed(answer(128 * 1024 + 1), 'deflate, gzip')
  t.match(small.headers, { 'content-encoding': 'gzip', vary: 'Accept-Encoding' })
  t.equal(gunzipSync(wholeBody(small)).length, 128 * 1024 + 1)
})

void t.test('answers are indented for people, and for who asks so', async t => {
  const isIndented = async (query: string, headers: Record<string, string> = {}) =>
    (await ask(`${collection}${query}`, { headers })).text.startsWith('{\n  "')
  t.notOk(await isIndented(''))
  t.ok(await isIndented('?pretty=true'))
  t.ok(await isIndented('?pretty=1'))
  t.notOk(await isIndented('?pretty=yes'), 'what is no boolean is a no')
  t.ok(await isIndented('', { 'user-agent': 'curl/8.0' }))
  t.notOk(await isIndented('?pretty=false', { 'user-agent': 'curl/8.0' }))
  t.ok(await isIndented('', { accept: 'application/json;pretty=1' }))
  t.ok(await isIndented('/none', { 'user-agent': 'curl/8.0' }), 'failures too')
  for (const path of ['/api', '/apis', '/apis/apps', '/apis/apps/v1']) {
    const discovered = async (headers: Record<string, string>) => (await ask(path, { headers })).text
    t.match(await discovered({ 'user-agent': 'curl/8.0' }), /^\{\n  "kind"/, `${path} too`)
    t.match(await discovered({}), /^\{"kind"/)
  }
})

void t.test('a type of content has no charset, of texts neither', async t => {
  for (const path of [collection, `${collection}/none`, '/version', '/api', '/apis', '/openapi/v3'])
    t.equal((await ask(path)).headers['content-type'], 'application/json', path)
})

void t.test('a failure is told in YAML to who takes YAML', async t => {
  const { headers, text } = await ask(`${collection}/none`, { headers: { accept: 'application/yaml' } })
  t.equal(headers['content-type'], 'application/yaml')
  t.match(text, /^reason: NotFound$/m)
})

const v3Protobuf = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf'

/** Of gnostic's OpenAPIv3.proto, what the test looks at. */
const gnostic = protobuf.parse(
  `syntax = "proto3";
  message Document { string openapi = 1; Paths paths = 4; Components components = 5; }
  message Paths { repeated NamedPathItem path = 1; }
  message NamedPathItem { string name = 1; PathItem value = 2; }
  message PathItem { Operation get = 4; }
  message Operation { string operation_id = 5; repeated NamedAny specification_extension = 13; }
  message Components { Schemas schemas = 1; }
  message Schemas { repeated NamedSchema additional_properties = 1; }
  message NamedSchema { string name = 1; SchemaOrReference value = 2; }
  message SchemaOrReference { Schema schema = 1; Reference reference = 2; }
  message Reference { string ref = 1; }
  message Schema { string type = 25; Schemas properties = 31; repeated NamedAny specification_extension = 36; }
  message NamedAny { string name = 1; Any value = 2; }
  message Any { string yaml = 2; }`,
  { keepCase: true },
).root

void t.test('OpenAPI v3 comes in protobuf, with the hash of the JSON', async t => {
  const index = (await ask('/openapi/v3')).json as { paths: Record<string, { serverRelativeURL: string }> }
  const url = index.paths['apis/apps/v1']?.serverRelativeURL ?? ''
  const { headers, bytes, status } = await ask(url, { headers: { accept: v3Protobuf } })
  t.match({ status, headers }, { status: 200, headers: { 'content-type': v3Protobuf, vary: 'Accept' } })
  t.match(headers, { 'cache-control': 'public, immutable', expires: /GMT$/, 'last-modified': /GMT$/ })
  t.equal(headers.etag, `"${url.split('hash=')[1]}"`)
  const type = gnostic.lookupType('Document')
  const document = type.toObject(type.decode(bytes)) as {
    paths: { path: { name: string; value: { get?: { operation_id: string } } }[] }
    components: { schemas: { additional_properties: { name: string; value: unknown }[] } }
  }
  t.match(document, { openapi: '3.0.0' })
  const path = '/apis/apps/v1/namespaces/{namespace}/deployments'
  t.match(
    document.paths.path.find(({ name }) => name === path),
    { value: { get: { operation_id: 'listAppsV1NamespacedDeployment' } } },
  )
  const json = (await ask(url)).json as { paths: object; components: { schemas: object } }
  t.same(
    document.components.schemas.additional_properties.map(({ name }) => name),
    Object.keys(json.components.schemas),
  )
  t.same(
    document.paths.path.map(({ name }) => name),
    Object.keys(json.paths),
  )
  t.match(
    document.components.schemas.additional_properties.find(({ name }) => name === 'io.k8s.api.apps.v1.Deployment'),
    { value: { schema: { type: 'object', specification_extension: [{ name: 'x-kubernetes-group-version-kind' }] } } },
  )
})

void t.test('a hash of yesterday leads to that of today, and what is known is not sent again', async t => {
  const { headers } = await ask('/openapi/v3/api/v1')
  const { etag = '', 'last-modified': since = '' } = headers
  t.notMatch(headers, { 'cache-control': /immutable/ })
  t.match(await ask('/openapi/v3/api/v1?hash=OLD'), {
    status: 301,
    headers: { location: `/openapi/v3/api/v1?hash=${etag.slice(1, -1)}` },
  })
  for (const known of [
    { 'if-none-match': etag },
    { 'if-none-match': `"x", W/${etag}` },
    { 'if-modified-since': since },
  ])
    t.match(await ask('/openapi/v3/api/v1', { headers: known }), { status: 304, text: '' })
  t.equal(
    (await ask('/openapi/v3/api/v1', { headers: { 'if-none-match': '"x"', 'if-modified-since': since } })).status,
    200,
  )
  for (const path of ['/openapi/v2', '/openapi/v3/api/v1'])
    t.match(await ask(path, { headers: { accept: 'text/html' } }), { status: 406, text: '' })
})

void t.test('aggregated discovery has an ETag, and is found in whatever is taken', async t => {
  const form = 'g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
  const first = await ask('/apis', { headers: { accept: `application/json;${form},application/json` } })
  t.match(first.headers, { 'content-type': `application/json;${form}`, 'cache-control': 'public', vary: 'Accept' })
  const again = { accept: `application/json;${form}`, 'if-none-match': String(first.headers.etag) }
  t.equal((await ask('/apis', { headers: again })).status, 304)
  const less = await ask('/apis', { headers: { accept: `application/json;${form};q=0.5,application/json` } })
  t.equal(less.headers['content-type'], 'application/json')
  t.match(await ask('/apis', { headers: { accept: 'text/html' } }), { status: 406, json: { reason: 'NotAcceptable' } })
  const accept = { accept: 'application/vnd.kubernetes.protobuf' }
  const { kind, object } = unseal((await ask('/apis/apps/v1', { headers: accept })).bytes)
  t.equal(kind, 'APIResourceList')
  t.match(object, { groupVersion: 'apps/v1' })
  const resources = object['resources'] as { name: string; verbs: { items: string[] } }[]
  t.ok(resources.find(({ name }) => name === 'deployments')?.verbs.items.includes('watch'))
  t.match((await ask('/api', { headers: { accept: 'application/yaml' } })).text, /^kind: APIVersions$/m)
})
