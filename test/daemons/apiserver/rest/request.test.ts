import t from 'tap'
import { decodePatch } from '../../../../daemons/apiserver/rest/decode-body.ts'
import { decodeProtobuf } from '../../../../daemons/apiserver/rest/decode-protobuf.ts'
import { negotiate } from '../../../../daemons/apiserver/rest/negotiate.ts'
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
  ['application/vnd.kubernetes.protobuf, application/json', { media: 'json', as: 'Object' }],
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

void t.test('an Accept of nothing that is spoken is refused', async t => {
  t.throws(() => negotiate('application/vnd.kubernetes.protobuf'), { message: /only the following media types/ })
})

void t.test('the media type of a patch says its kind, and an unknown one is refused with those there are', async t => {
  t.equal(decodePatch(Buffer.from('[]'), 'application/json-patch+json').type, 'json')
  t.equal(decodePatch(Buffer.from('{}'), 'application/merge-patch+json; charset=utf-8').type, 'merge')
  t.same(decodePatch(Buffer.from('a: [1, 2]'), 'application/apply-patch+yaml').value, { a: [1, 2] })
  t.same(decodePatch(Buffer.from('a: 1\na: 2'), 'application/apply-patch+yaml').findings.length, 1)
  t.throws(() => decodePatch(Buffer.from('{}'), 'application/json'), { message: /application\/merge-patch\+json/ })
  t.throws(() => decodePatch(Buffer.from('a: ['), 'application/apply-patch+yaml'), { message: /YAML/ })
})

/** A field of the wire format, enough for these tests: strings, messages and small numbers. */
const field = (number: number, value: string | number | Buffer): Buffer => {
  if (typeof value === 'number') return Buffer.from([number << 3, value])
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes])
}
const message = (...fields: Buffer[]) => Buffer.concat(fields)
const envelope = (apiVersion: string, kind: string, raw: Buffer) =>
  message(Buffer.from('k8s\0'), field(1, message(field(1, apiVersion), field(2, kind))), field(2, raw))

void t.test('protobuf bodies give the object their JSON would be', async t => {
  const meta = message(
    field(1, 'web'),
    field(3, ''),
    field(8, ''),
    field(11, message(field(1, 'app'), field(2, 'web'))),
  )
  const container = message(
    field(1, 'c'),
    field(2, 'busybox:1'),
    field(6, message(field(2, 0), field(3, 80))),
    field(8, message(field(1, message(field(1, 'cpu'), field(2, message(field(1, '100m'))))))),
  )
  const volume = message(field(1, 'v'), field(2, message(field(2, ''))))
  const spec = message(field(1, volume), field(2, container), field(4, 0))
  t.same(decodeProtobuf(envelope('v1', 'Pod', message(field(1, meta), field(2, spec)))), {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name: 'web', labels: { app: 'web' } },
    spec: {
      volumes: [{ name: 'v', emptyDir: {} }],
      containers: [
        { name: 'c', image: 'busybox:1', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '100m' } } },
      ],
      terminationGracePeriodSeconds: 0,
    },
  })
  const options = message(field(1, 5), field(2, message(field(1, 'u'))), field(4, 'Foreground'), field(5, 'All'))
  t.match(decodeProtobuf(envelope('policy/v1', 'DeleteOptions', options)), {
    gracePeriodSeconds: 5,
    preconditions: { uid: 'u' },
    propagationPolicy: 'Foreground',
    dryRun: ['All'],
  })
  const service = message(
    field(2, message(field(1, message(field(4, message(field(1, 1), field(2, 0), field(3, 'http'))), field(3, 80))))),
  )
  t.match(decodeProtobuf(envelope('v1', 'Service', service)), { spec: { ports: [{ port: 80, targetPort: 'http' }] } })
  t.match(decodeProtobuf(envelope('v1', 'Secret', message(field(2, message(field(1, 'a'), field(2, 'b')))))), {
    data: { a: 'Yg==' },
  })
})

void t.test('protobuf that is torn, or of a kind that is not known, is refused', async t => {
  const whole = envelope('v1', 'Secret', field(2, message(field(1, 'a'), field(2, 'b'))))
  for (let length = 0; length < whole.length; length++)
    try {
      decodeProtobuf(whole.subarray(0, length))
    } catch (error) {
      t.match(error, { name: 'ApiError' })
    }
  t.throws(() => decodeProtobuf(envelope('example.com/v1', 'Thing', Buffer.alloc(0))), {
    message: /send application\/json/,
  })
})
