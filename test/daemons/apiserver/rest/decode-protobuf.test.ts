import t from 'tap'
import { decodeProtobuf } from '../../../../daemons/apiserver/rest/decode-protobuf.ts'

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
    message: /no kind "Thing" is registered for version "example.com\/v1"/,
  })
})

/** Bodies that are wrong in one place; upstream's words follow the kind's. */
const wrong: [name: string, body: Buffer, message: RegExp][] = [
  ['nothing', Buffer.alloc(0), /empty data \(<empty>\)$/],
  [
    'no magic',
    Buffer.from('{}'),
    /does not appear to be a protobuf message, expected prefix \[107 56 115 0\] \(\{\}\)$/,
  ],
  ['magic alone', Buffer.from('k8s\0'), /empty body/],
  ['no type', Buffer.concat([Buffer.from('k8s\0'), field(2, '')]), /Object 'Kind' is missing/],
  [
    'a number where a text belongs',
    envelope('v1', 'Secret', field(3, 1)),
    /^Secret in version "v1" cannot be handled as a Secret: proto: wrong wireType = 0 for field Type$/,
  ],
  ['a length past the end', envelope('v1', 'Secret', Buffer.from([0x1a, 0x7f, 0])), /: unexpected EOF$/],
  [
    'a length of nearly 2^63',
    envelope('v1', 'Secret', Buffer.from([0x1a, 255, 255, 255, 255, 255, 255, 255, 255, 127])),
    /: unexpected EOF$/,
  ],
  [
    'a negative length',
    envelope('v1', 'Secret', Buffer.from([0x1a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1])),
    /: proto: negative length found during unmarshaling$/,
  ],
  ['a number of eleven bytes', envelope('v1', 'Secret', Buffer.alloc(11, 255)), /: proto: integer overflow$/],
  ['field 0', envelope('v1', 'Secret', Buffer.from([2, 0])), /: proto: Secret: illegal tag 0 \(wire type 2\)$/],
  [
    'a group that ends',
    envelope('v1', 'Secret', Buffer.from([12])),
    /: proto: Secret: wiretype end group for non-group$/,
  ],
  ['a wire type of later days', envelope('v1', 'Secret', Buffer.from([0x7e])), /: proto: illegal wireType 6$/],
  [
    'a time after the year 9999',
    envelope('v1', 'Secret', field(1, field(8, Buffer.from([8, 255, 255, 255, 255, 255, 255, 1])))),
    /year outside of range/,
  ],
  ['raw JSON that is none', envelope('apps/v1', 'ControllerRevision', field(2, field(1, '{'))), /no JSON/],
]
for (const [name, body, message] of wrong)
  void t.test(`${name} is refused as upstream does`, async t => t.throws(() => decodeProtobuf(body), { message }))

void t.test('unknown fields are dropped, groups of old and all', async t => {
  const group = Buffer.from([0xf3, 7, 8, 1, 0x12, 1, 0, 0xf4, 7])
  const later = message(field(15, 'x'), Buffer.from([0xf0, 7, 1]), group, field(3, 'Opaque'))
  t.same(decodeProtobuf(envelope('v1', 'Secret', later)), { apiVersion: 'v1', kind: 'Secret', type: 'Opaque' })
})

/** A schema in a schema, so many times. */
const nested = (levels: number): Buffer => {
  let schema: Buffer = Buffer.alloc(0)
  const head = (tag: number[], length: number): Buffer => {
    const bytes = [...tag]
    for (; length > 127; length >>= 7) bytes.push((length & 127) | 128)
    return Buffer.from([...bytes, length])
  }
  // JSONSchemaProps.not is field 28.
  for (let i = 0; i < levels; i++) schema = Buffer.concat([head([0xe2, 1], schema.length), schema])
  for (const tag of [10, 34, 58, 18]) schema = Buffer.concat([head([tag], schema.length), schema])
  const type = message(field(1, 'apiextensions.k8s.io/v1'), field(2, 'CustomResourceDefinition'))
  return message(Buffer.from('k8s\0'), field(1, type), head([0x12], schema.length), schema)
}

void t.test('messages within messages are read to a depth and no deeper', async t => {
  t.doesNotThrow(() => decodeProtobuf(nested(900)))
  for (const levels of [1100, 20_000])
    t.throws(() => decodeProtobuf(nested(levels)), { message: /exceeded max depth of 1000$/ })
})

void t.test('a body of millions of empty messages is refused before it fills the memory', async t => {
  const many = Buffer.alloc(3 * 1024 * 1024)
  // PodSpec.containers, each of no bytes.
  for (let i = 0; i < many.length; i += 2) many[i] = 0x12
  const size = (length: number) =>
    Buffer.from([(length & 127) | 128, ((length >> 7) & 127) | 128, ((length >> 14) & 127) | 128, length >> 21])
  const spec = Buffer.concat([Buffer.from([0x12]), size(many.length), many])
  const raw = Buffer.concat([Buffer.from([0x12]), size(spec.length), spec])
  const body = message(Buffer.from('k8s\0'), field(1, message(field(1, 'v1'), field(2, 'Pod'))), raw)
  t.throws(() => decodeProtobuf(body), { message: /more than 1000000 parts$/ })
})

void t.test('a map may have a key __proto__, and no prototype is touched', async t => {
  const data = field(2, message(field(1, '__proto__'), field(2, 'x')))
  const decoded = decodeProtobuf(envelope('v1', 'ConfigMap', data)) as { data: object }
  t.ok(Object.hasOwn(decoded.data, '__proto__'))
  t.equal(({} as { x?: unknown }).x, undefined)
})
