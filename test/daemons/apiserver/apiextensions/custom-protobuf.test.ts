import t from 'tap'
import { seal, unframe, unseal } from '../rest/proto-snippets.ts'
import { startCrdServer } from './crd-server.ts'
import { definition, specOf, version } from './definitions.ts'

const path = '/apis/example.com/v1/namespaces/default/widgets'
const protobuf = 'application/vnd.kubernetes.protobuf'
const scaled = version(
  {
    properties: {
      ...specOf({ size: { type: 'integer' } }).properties,
      status: { type: 'object', properties: { size: { type: 'integer' } } },
    },
  },
  { subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } } },
)
const server = await startCrdServer(t)
const { ask } = server

t.test('custom objects have no protobuf, but their metadata, their scale and what deletes them have', async t => {
  await server.define(definition([scaled]))
  const body = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' }, spec: { size: 1 } }
  await ask(path, { method: 'POST', body })
  const only = await ask(path, { headers: { accept: protobuf } })
  t.equal(only.status, 406)
  t.match(unseal(only.bytes), { kind: 'Status', object: { reason: 'NotAcceptable' } })
  const both = await ask(`${path}/a`, { headers: { accept: `${protobuf},application/json` } })
  t.match(both, { status: 200, headers: { 'content-type': 'application/json' }, json: { kind: 'Widget' } })
  const sent = { method: 'POST', headers: { 'content-type': protobuf }, body: seal('v1', 'ConfigMap', {}) }
  t.match(await ask(path, sent), { status: 415, json: { reason: 'UnsupportedMediaType' } })

  const accept = `${protobuf};as=PartialObjectMetadataList;v=v1;g=meta.k8s.io`
  t.match(unseal((await ask(path, { headers: { accept } })).bytes), {
    kind: 'PartialObjectMetadataList',
    object: { items: [{ metadata: { name: 'a' } }] },
  })
  const watch = `${path}?watch=1&timeoutSeconds=1`
  t.match(await ask(watch, { headers: { accept: protobuf } }), { status: 406 })
  const metadata = { accept: `${protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io` }
  t.match(unframe((await ask(watch, { headers: metadata })).bytes), [
    { type: 'ADDED', kind: 'PartialObjectMetadata', object: { metadata: { name: 'a' } } },
  ])

  const scale = seal('autoscaling/v1', 'Scale', {
    metadata: { name: 'a', namespace: 'default' },
    spec: { replicas: 4 },
  })
  const put = await ask(`${path}/a/scale`, { method: 'PUT', headers: { 'content-type': protobuf }, body: scale })
  t.match(put, { status: 200, json: { spec: { replicas: 4 } } })
  const gone = await ask(`${path}/a`, {
    method: 'DELETE',
    headers: { accept: `${protobuf},application/json`, 'content-type': protobuf },
    body: seal('v1', 'DeleteOptions', { gracePeriodSeconds: 0 }),
  })
  t.equal(gone.status, 200)
  t.match(await ask(`${path}/a`), { status: 404 })
})

t.test('a definition itself is read in protobuf', async t => {
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const { headers, status } = await ask(definitions, { headers: { accept: protobuf } })
  t.match({ headers, status }, { headers: { 'content-type': protobuf }, status: 200 })
})
