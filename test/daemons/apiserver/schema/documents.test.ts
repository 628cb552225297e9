import t from 'tap'
import { builtinKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import { groupVersionPath } from '../../../../daemons/apiserver/schema/endpoints.ts'
import { makeDocuments } from '../../../../daemons/apiserver/schema/documents.ts'
import { isJsonObject } from '../../../../kube/patch/json-value.ts'
import { versionInfo } from './version-info.ts'

const documents = makeDocuments(() => builtinKinds, versionInfo)
const get = (path: string, accept = 'application/json') => {
  const url = new URL(path, 'http://api')
  return documents(url.pathname, accept, url.searchParams)
}

/** Follows keys and indexes into a JSON document; undefined where they lead nowhere. */
const dig = (value: unknown, ...path: (string | number)[]): unknown =>
  path.reduce<unknown>((node, key) => {
    if (Array.isArray(node)) return typeof key === 'number' ? (node[key] as unknown) : undefined
    return isJsonObject(node) ? node[key] : undefined
  }, value)
const read = (path: string, accept?: string): unknown => JSON.parse(String(get(path, accept)?.body))
const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'
const v2beta1 = 'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList'

t.test('/api names v1, /apis every group with its preferred version', async t => {
  t.strictSame(dig(read('/api'), 'versions'), ['v1'])
  const apps = list(dig(read('/apis'), 'groups')).find(group => dig(group, 'name') === 'apps')
  t.strictSame(apps, {
    name: 'apps',
    versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
    preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
  })
  t.match(read('/apis/apps'), { kind: 'APIGroup', name: 'apps' })
})

t.test('/api/v1 lists resources and subresources as upstream does', async t => {
  const resources = list(dig(read('/api/v1'), 'resources'))
  const named = (name: string) => resources.find(resource => dig(resource, 'name') === name)
  t.match(named('pods'), {
    singularName: 'pod',
    namespaced: true,
    kind: 'Pod',
    shortNames: ['po'],
    categories: ['all'],
  })
  t.strictSame(dig(named('pods'), 'verbs'), [
    'create',
    'delete',
    'deletecollection',
    'get',
    'list',
    'patch',
    'update',
    'watch',
  ])
  t.match(named('pods/eviction'), { group: 'policy', version: 'v1', kind: 'Eviction', verbs: ['create'] })
  t.match(named('pods/log'), { kind: 'Pod', verbs: ['get'], singularName: '' })
  t.match(named('pods/exec'), { kind: 'PodExecOptions' })
  t.notOk(list(dig(named('namespaces'), 'verbs')).includes('deletecollection'))
})

t.test('scale is autoscaling/v1 Scale', async t => {
  const scale = list(dig(read('/apis/apps/v1'), 'resources')).find(row => dig(row, 'name') === 'deployments/scale')
  t.match(scale, { group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] })
})

for (const { path, hash } of [
  { path: '/api/v1/pods', hash: 'xPOwRZ+Yhw8=' },
  { path: '/apis/events.k8s.io/v1/events', hash: 'r2yiGXH7wu8=' },
  { path: '/apis/autoscaling/v1/horizontalpodautoscalers', hash: 'qwQve8ut294=' },
  { path: '/apis/autoscaling/v2/horizontalpodautoscalers', hash: 'qwQve8ut294=' },
])
  t.test(`${path} is told the version that it is stored in, by upstream's hash`, async t => {
    const [, groupVersion = '', plural] = /^(.*)\/([a-z]+)$/.exec(path) ?? []
    const row = list(dig(read(groupVersion), 'resources')).find(resource => dig(resource, 'name') === plural)
    t.ok(row)
    t.equal(dig(row, 'storageVersionHash'), hash)
  })

for (const { name, accept, type } of [
  { name: 'a client of 1.30 and later gets v2', accept: `${v2},${v2beta1},application/json`, type: v2 },
  { name: 'a client of 1.27 gets v2beta1', accept: `${v2beta1},application/json`, type: v2beta1 },
  { name: 'an old client gets plain JSON', accept: 'application/json, */*', type: 'application/json' },
  { name: 'a client that likes plain JSON more gets it', accept: `application/json,${v2}`, type: 'application/json' },
])
  t.test(`discovery: ${name}`, async t => {
    t.equal(get('/apis', accept)?.contentType, type)
  })

t.test('aggregated discovery holds the core group at /api and the others at /apis', async t => {
  const core = read('/api', v2)
  t.match(core, { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2' })
  const pods = list(dig(core, 'items', 0, 'versions', 0, 'resources')).find(row => dig(row, 'resource') === 'pods')
  t.match(pods, {
    responseKind: { group: '', version: 'v1', kind: 'Pod' },
    scope: 'Namespaced',
    singularResource: 'pod',
  })
  t.ok(list(dig(pods, 'subresources')).some(row => dig(row, 'subresource') === 'log'))
  t.strictSame(
    list(dig(read('/apis', v2), 'items'))
      .map(item => dig(item, 'metadata', 'name'))
      .includes('apps'),
    true,
  )
})

t.test('OpenAPI v2 carries what kubectl looks for', async t => {
  const document = read('/openapi/v2')
  const patch = dig(document, 'paths', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}', 'patch')
  t.strictSame(dig(patch, 'x-kubernetes-group-version-kind'), { group: 'apps', version: 'v1', kind: 'Deployment' })
  const names = list(dig(patch, 'parameters')).map(parameter => dig(parameter, 'name'))
  for (const name of ['dryRun', 'fieldValidation', 'fieldManager', 'force']) t.ok(names.includes(name), name)
  const definitions = dig(document, 'definitions')
  t.match(dig(definitions, 'io.k8s.api.core.v1.PodSpec', 'properties', 'containers'), {
    type: 'array',
    items: { $ref: '#/definitions/io.k8s.api.core.v1.Container' },
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
  })
  t.match(dig(definitions, 'io.k8s.api.core.v1.Pod', 'x-kubernetes-group-version-kind'), [
    { kind: 'Pod', version: 'v1' },
  ])
  t.match(dig(definitions, 'io.k8s.api.core.v1.Pod', 'description'), /^Pod is a collection of containers/)
})

const refsIn = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(refsIn)
  if (!isJsonObject(value)) return []
  return Object.entries(value).flatMap(([key, child]) =>
    key === '$ref' && typeof child === 'string' ? [child] : refsIn(child),
  )
}

t.test('every reference in OpenAPI v2 leads somewhere', async t => {
  const document = read('/openapi/v2')
  const missing = refsIn(document).filter(
    ref => dig(document, 'definitions', ref.slice('#/definitions/'.length)) === undefined,
  )
  t.strictSame(missing, [])
})

const index = read('/openapi/v3')
const groups = isJsonObject(dig(index, 'paths')) ? Object.keys(dig(index, 'paths') as object) : []

t.test('the index of OpenAPI v3 names every group version', async t => {
  const served = builtinKinds.map(kind => groupVersionPath(kind).slice(1))
  t.strictSame([...groups].sort(), [...new Set(served)].sort())
})

for (const group of groups)
  t.test(`OpenAPI v3 of ${group} is whole, and its URL carries its hash`, async t => {
    const url = String(dig(index, 'paths', group, 'serverRelativeURL'))
    const reply = get(url)
    t.equal(reply?.etag, `"${url.split('hash=')[1]}"`)
    t.ok((reply?.maxAgeSeconds ?? 0) > 0)
    t.equal(get(`/openapi/v3/${group}`)?.maxAgeSeconds, undefined)
    const document = read(url)
    const schemas = dig(document, 'components', 'schemas')
    t.strictSame(
      refsIn(document).filter(ref => dig(schemas, ref.slice('#/components/schemas/'.length)) === undefined),
      [],
    )
  })

t.test('in OpenAPI v3 what stands beside a reference is in an allOf', async t => {
  const spec = dig(read('/openapi/v3/api/v1'), 'components', 'schemas', 'io.k8s.api.core.v1.Pod', 'properties', 'spec')
  t.match(spec, {
    allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.PodSpec' }],
    description: /^Specification of/,
  })
})

t.test('an ETag stays the same for the same table and changes with it', async t => {
  const again = makeDocuments(() => builtinKinds, versionInfo)('/openapi/v2', 'application/json', new URLSearchParams())
  t.equal(again?.etag, get('/openapi/v2')?.etag)
  const fewer = makeDocuments(() => builtinKinds.slice(1), versionInfo)(
    '/openapi/v2',
    'application/json',
    new URLSearchParams(),
  )
  t.not(fewer?.etag, again?.etag)
})

for (const path of [
  '/api/v2',
  '/apis/nope',
  '/apis/apps/v2',
  '/openapi/v1',
  '/openapi/v3/apis/nope/v1',
  '/api/v1/pods',
  '/version',
])
  t.test(`${path} is no document`, async t => {
    t.equal(get(path), undefined)
  })

/** The fields of a protobuf message: number and content. */
const fieldsOf = (message: Buffer): [number, Buffer][] => {
  const fields: [number, Buffer][] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++] ?? 0
      value += (byte & 127) * shift
      if (byte < 128) return value
    }
  }
  while (at < message.length) {
    const key = varint()
    const length = key % 8 === 2 ? varint() : 0
    if (key % 8 === 2) fields.push([Math.floor(key / 8), message.subarray(at, (at += length))])
    else fields.push([Math.floor(key / 8), Buffer.from([varint()])])
  }
  return fields
}
const field = (message: Buffer | undefined, number: number): Buffer | undefined =>
  message === undefined ? undefined : fieldsOf(message).find(([n]) => n === number)?.[1]

for (const name of ['v2@v1.0', 'v2.v1.0'])
  t.test(`application/com.github.proto-openapi.spec.${name}+protobuf is gnostic's message`, async t => {
    const reply = get('/openapi/v2', `application/com.github.proto-openapi.spec.${name}+protobuf`)
    t.match(reply?.contentType, /protobuf/)
    t.equal(String(field(reply?.body, 1)), '2.0')
    const definitions = fieldsOf(field(reply?.body, 9) ?? Buffer.alloc(0)).map(([, entry]) => String(field(entry, 1)))
    t.ok(definitions.includes('io.k8s.api.apps.v1.Deployment'))
    const paths = fieldsOf(field(reply?.body, 8) ?? Buffer.alloc(0)).map(([, entry]) => String(field(entry, 1)))
    t.ok(paths.includes('/api/v1/namespaces/{namespace}/pods/{name}/log'))
  })
