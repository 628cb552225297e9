import { once } from 'node:events'
import t from 'tap'
import { type Plain, seal, unframe, unseal, writeAs } from '../rest/proto-snippets.ts'
import { configMap, deployment } from '../registry/test-registry.ts'
import { startTestServer } from './test-server.ts'

const collection = '/api/v1/namespaces/default/configmaps'
const protobuf = 'application/vnd.kubernetes.protobuf'
const accept = { accept: protobuf }
const server = await startTestServer(t)
const { ask } = server

void t.test('an object is written, read, replaced and listed in protobuf', async t => {
  const object = { metadata: { name: 'a', namespace: 'default' }, data: { k: 'v' }, binaryData: { b: 'AAE=' } }
  const made = await ask(collection, {
    method: 'POST',
    headers: { ...accept, 'content-type': protobuf },
    body: seal('v1', 'ConfigMap', object),
  })
  t.match(made, { status: 201, headers: { 'content-type': protobuf, 'cache-control': 'no-cache, private' } })
  const { apiVersion, kind, object: created } = unseal(made.bytes)
  t.match({ apiVersion, kind, created }, { apiVersion: 'v1', kind: 'ConfigMap', created: object })
  const { json } = await ask(`${collection}/a`)
  t.match(json, { data: { k: 'v' }, binaryData: { b: 'AAE=' } })
  t.match(unseal((await ask(`${collection}/a`, { headers: accept })).bytes).object, {
    metadata: { uid: (json['metadata'] as Plain)['uid'] },
  })
  const replaced = await ask(`${collection}/a`, {
    method: 'PUT',
    headers: { 'content-type': protobuf },
    body: seal('v1', 'ConfigMap', { ...created, data: { k: 'w' } }),
  })
  t.match(replaced, { status: 200, json: { data: { k: 'w' } } })
  await ask(collection, { method: 'POST', body: configMap('b', { n: '1' }) })
  const list = unseal((await ask(`${collection}?limit=1`, { headers: accept })).bytes)
  t.match(list, {
    apiVersion: 'v1',
    kind: 'ConfigMapList',
    object: {
      metadata: { resourceVersion: /^\d+$/, continue: /./, remainingItemCount: 1 },
      items: [{ metadata: { name: 'a' }, data: { k: 'w' } }],
    },
  })
})

void t.test('an envelope that does not name its kind is of the kind of its path', async t => {
  const raw = writeAs('ConfigMap', { metadata: { name: 'untyped' } }).toString('base64')
  const body = Buffer.concat([Buffer.from('k8s\0'), writeAs('Unknown', { raw })])
  const made = await ask(collection, { method: 'POST', headers: { 'content-type': protobuf }, body })
  t.match(made, { status: 201, json: { kind: 'ConfigMap', metadata: { name: 'untyped' } } })
})

void t.test('failures and successes are told in protobuf', async t => {
  const missing = await ask(`${collection}/none`, { headers: accept })
  t.match(missing, { status: 404, headers: { 'content-type': protobuf } })
  t.match(unseal(missing.bytes), {
    apiVersion: 'v1',
    kind: 'Status',
    object: { status: 'Failure', reason: 'NotFound', code: 404, details: { name: 'none', kind: 'configmaps' } },
  })
  await ask(collection, { method: 'POST', body: configMap('doomed', {}) })
  const wrong = { preconditions: { uid: 'another' }, gracePeriodSeconds: 0 }
  const options = (object: Plain) => ({
    method: 'DELETE',
    headers: { ...accept, 'content-type': protobuf },
    body: seal('v1', 'DeleteOptions', object),
  })
  t.match(await ask(`${collection}/doomed`, options(wrong)), { status: 409 })
  const deleted = await ask(`${collection}/doomed`, options({ gracePeriodSeconds: 0 }))
  t.match(unseal(deleted.bytes).object, { status: 'Success', details: { name: 'doomed' } })
})

void t.test('who takes protobuf or JSON gets protobuf, and a table in JSON', async t => {
  const both = await ask(collection, { headers: { accept: `${protobuf},application/json` } })
  t.equal(both.headers['content-type'], protobuf)
  const table = 'as=Table;v=v1;g=meta.k8s.io'
  const rows = await ask(collection, { headers: { accept: `${protobuf};${table},application/json;${table}` } })
  t.match(rows, { headers: { 'content-type': 'application/json' }, json: { kind: 'Table' } })
  const refused = await ask(collection, { headers: { accept: `${protobuf};${table}` } })
  t.match(refused, { status: 406, headers: { 'content-type': 'application/json' }, json: { reason: 'NotAcceptable' } })
})

void t.test('metadata alone comes in protobuf, of one and of all', async t => {
  const of = (kind: string) => ({ accept: `${protobuf};as=${kind};v=v1;g=meta.k8s.io` })
  t.match(unseal((await ask(`${collection}/a`, { headers: of('PartialObjectMetadata') })).bytes), {
    apiVersion: 'meta.k8s.io/v1',
    kind: 'PartialObjectMetadata',
    object: { metadata: { name: 'a' } },
  })
  const { kind, object } = unseal((await ask(collection, { headers: of('PartialObjectMetadataList') })).bytes)
  t.equal(kind, 'PartialObjectMetadataList')
  t.match((object['items'] as Plain[])[0], { metadata: { name: 'a' } })
})

void t.test('a scale is read and written in protobuf', async t => {
  const deployments = '/apis/apps/v1/namespaces/default/deployments'
  await ask(deployments, { method: 'POST', body: deployment('scaled') })
  const scale = unseal((await ask(`${deployments}/scaled/scale`, { headers: accept })).bytes)
  t.match(scale, { apiVersion: 'autoscaling/v1', kind: 'Scale', object: { metadata: { name: 'scaled' } } })
  const put = await ask(`${deployments}/scaled/scale`, {
    method: 'PUT',
    headers: { ...accept, 'content-type': protobuf },
    body: seal('autoscaling/v1', 'Scale', { ...scale.object, spec: { replicas: 0 } }),
  })
  t.equal(put.status, 200)
  t.match((await ask(`${deployments}/scaled`)).json, { spec: { replicas: 0 } })
})

void t.test(
  'a watch sends frames, each event as an object of its own and a bookmark at the end of what was there',
  async t => {
    const query = 'watch=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan'
    const path = `${collection}?${query}&fieldSelector=metadata.name%3Dframed&timeoutSeconds=30`
    await ask(collection, { method: 'POST', body: configMap('framed', { n: '0' }) })
    const request = server.session().request({ ':path': path, ...accept })
    const [headers] = (await once(request, 'response')) as [Record<string, unknown>]
    t.equal(headers['content-type'], `${protobuf};stream=watch`)
    const patch = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' } }
    await ask(`${collection}/framed`, { ...patch, body: { data: { n: '1' } } })
    await ask(`${collection}/framed`, { method: 'DELETE' })
    let stream: Buffer = Buffer.alloc(0)
    for await (const chunk of request) {
      stream = Buffer.concat([stream, chunk as Buffer])
      if (unframe(stream).at(-1)?.type === 'DELETED') break
    }
    t.match(unframe(stream), [
      { type: 'ADDED', kind: 'ConfigMap', object: { data: { n: '0' } } },
      {
        type: 'BOOKMARK',
        kind: 'ConfigMap',
        object: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
      },
      { type: 'MODIFIED', object: { metadata: { name: 'framed' }, data: { n: '1' } } },
      { type: 'DELETED', object: { data: { n: '1' } } },
    ])
  },
)

void t.test('a watch of metadata is framed too, and none is to be had in YAML', async t => {
  const from = ((await ask(collection)).json['metadata'] as { resourceVersion: string }).resourceVersion
  const path = `${collection}?watch=1&resourceVersion=${from}&timeoutSeconds=1`
  await ask(collection, { method: 'POST', body: configMap('seen', { n: '0' }) })
  const watched = await ask(path, { headers: { accept: `${protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io` } })
  t.match(unframe(watched.bytes), [
    { type: 'ADDED', kind: 'PartialObjectMetadata', object: { metadata: { name: 'seen' } } },
  ])
  t.match(await ask(path, { headers: { accept: 'application/yaml' } }), { status: 406 })
})

void t.test('a review is asked and answered in protobuf', async t => {
  const body = seal('authentication.k8s.io/v1', 'SelfSubjectReview', {})
  const answer = await ask('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
    method: 'POST',
    headers: { ...accept, 'content-type': protobuf },
    body,
  })
  t.match(unseal(answer.bytes), {
    kind: 'SelfSubjectReview',
    object: { status: { userInfo: { username: 'kubernetes-admin' } } },
  })
})
