import t from 'tap'
import { decodePatch } from '../../../../daemons/apiserver/rest/decode-body.ts'
import { negotiate, negotiateStream } from '../../../../daemons/apiserver/rest/negotiate.ts'
import { parseResourcePath, verbOf } from '../../../../daemons/apiserver/rest/resource-path.ts'

const none = { group: '', version: 'v1', plural: '', namespace: '', name: '', subresource: '' }
const paths: [path: string, want: object | undefined][] = [
  ['/api/v1/pods', { ...none, plural: 'pods' }],
  ['/api/v1/namespaces', { ...none, plural: 'namespaces' }],
  ['/api/v1/namespaces/x', { ...none, plural: 'namespaces', name: 'x' }],
  ['/api/v1/namespaces/x/status', { ...none, plural: 'namespaces', name: 'x', subresource: 'status' }],
  ['/api/v1/namespaces/x/finalize', { ...none, plural: 'namespaces', name: 'x', subresource: 'finalize' }],
  ['/api/v1/namespaces/x/pods', { ...none, plural: 'pods', namespace: 'x' }],
  ['/api/v1/namespaces/x/pods/', { ...none, plural: 'pods', namespace: 'x' }],
  ['/api/v1/namespaces/x/pods/a/log', { ...none, plural: 'pods', namespace: 'x', name: 'a', subresource: 'log' }],
  [
    '/api/v1/namespaces/x/pods/a/proxy/b/c',
    { ...none, plural: 'pods', namespace: 'x', name: 'a', subresource: 'proxy' },
  ],
  ['/api/v1/namespaces/x/status/y', { ...none, plural: 'status', namespace: 'x', name: 'y' }],
  ['/apis/apps/v1/deployments', { ...none, group: 'apps', plural: 'deployments' }],
  [
    '/apis/apps/v1/namespaces/x/deployments/a/scale',
    { ...none, group: 'apps', plural: 'deployments', namespace: 'x', name: 'a', subresource: 'scale' },
  ],
  ['/api/v1/namespaces/x/pods/a%2Fb', { ...none, plural: 'pods', namespace: 'x', name: 'a/b' }],
  ['/api/v1/pods/%zz', undefined],
  ['/api', undefined],
  ['/api/v1', undefined],
  ['/apis/apps', undefined],
  ['/apis/apps/v1', undefined],
  ['/version', undefined],
  ['/', undefined],
]
for (const [path, want] of paths)
  void t.test(`${path} addresses what it should`, async t => t.same(parseResourcePath(path), want))

void t.test('the verb follows from method, name and watch', async t => {
  const collection = { ...none, plural: 'pods' }
  const object = { ...collection, name: 'a' }
  t.same(
    [
      verbOf('GET', collection, false),
      verbOf('GET', collection, true),
      verbOf('GET', object, false),
      verbOf('DELETE', collection, false),
      verbOf('DELETE', object, false),
      verbOf('PUT', object, false),
    ],
    ['list', 'watch', 'get', 'deletecollection', 'delete', 'update'],
  )
})

const accepts: [accept: string | undefined, want: object][] = [
  [undefined, { media: 'json', as: 'Object' }],
  ['*/*', { media: 'json', as: 'Object' }],
  ['application/vnd.kubernetes.protobuf, application/json', { media: 'protobuf', as: 'Object' }],
  ['application/vnd.kubernetes.protobuf;q=0.5, application/json', { media: 'json', as: 'Object' }],
  ['application/json;q=0.5, application/yaml;q=0.9', { media: 'yaml' }],
  ['*/*, application/yaml', { media: 'yaml' }],
  ['application/vnd.kubernetes.protobuf;stream=watch', { media: 'protobuf' }],
  ['application/json;pretty=1', { media: 'json', pretty: true }],
  ['application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', { media: 'protobuf' }],
  ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', { as: 'Table', metaVersion: 'v1' }],
  ['application/json;as=Table;g=meta.k8s.io;v=v1beta1', { as: 'Table', metaVersion: 'v1beta1' }],
  ['application/json;as=Nonsense;v=v1;g=meta.k8s.io, application/json', { as: 'Object' }],
  [
    'application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1;g=meta.k8s.io',
    { as: 'Table' },
  ],
  ['text/html, application/xhtml+xml, */*;q=0.8', { media: 'json', as: 'Object' }],
  ['application/yaml', { media: 'yaml' }],
  ['application/json;stream=watch', { media: 'json', as: 'Object' }],
]
for (const [accept, want] of accepts)
  void t.test(`Accept: ${accept} is served`, async t => t.match(negotiate(accept), want))

const custom = { protobuf: false, views: true, tables: true }

void t.test('an Accept of nothing that is spoken is refused with what is', async t => {
  const message =
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf'
  t.throws(() => negotiate('text/html'), { message })
  t.throws(() => negotiate('application/json;as=Nonsense;v=v1;g=meta.k8s.io'), { message })
  t.throws(() => negotiate('application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io'), { message })
  t.throws(() => negotiate('application/vnd.kubernetes.protobuf', custom), { message })
})

void t.test('a custom kind falls to the JSON that is also taken, and has its metadata in protobuf', async t => {
  t.match(negotiate('application/vnd.kubernetes.protobuf, application/json', custom), { media: 'json' })
  const metadata = 'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
  t.match(negotiate(metadata, custom), { media: 'protobuf', as: 'PartialObjectMetadataList' })
})

void t.test('a watch is refused in YAML, with what can be watched', async t => {
  t.throws(() => negotiateStream('application/yaml'), {
    message:
      'only the following media types are accepted: application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch',
  })
  t.match(negotiateStream('application/vnd.kubernetes.protobuf'), { media: 'protobuf' })
})

void t.test('the media type of a patch says its kind, and an unknown one is refused with those there are', async t => {
  const decode = (text: string, type: string) => decodePatch(Buffer.from(text), type)
  t.equal((await decode('[]', 'application/json-patch+json')).type, 'json')
  t.equal((await decode('{}', 'application/merge-patch+json; charset=utf-8')).type, 'merge')
  t.same((await decode('a: [1, 2]', 'application/apply-patch+yaml')).value, { a: [1, 2] })
  t.same((await decode('a: 1\na: 2', 'application/apply-patch+yaml')).findings.length, 1)
  await t.rejects(decode('{}', 'application/json'), { message: /application\/merge-patch\+json/ })
  await t.rejects(decode('a: [', 'application/apply-patch+yaml'), { message: /YAML/ })
})
