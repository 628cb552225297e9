import fc from 'fast-check'
import t from 'tap'
import { builtinKinds } from '../../../../daemons/apiserver/kinds/builtin.ts'
import { decodeProtobuf } from '../../../../daemons/apiserver/rest/decode-protobuf.ts'
import { protobufObject } from '../../../../daemons/apiserver/rest/protobuf-envelope.ts'
import { protobufFields } from '../../../../daemons/apiserver/rest/protobuf-fields.gen.ts'
import { messageNameOf, protobufMessage } from '../../../../daemons/apiserver/rest/protobuf-messages.ts'
import { schemaOf } from '../../../../daemons/apiserver/schema/schemas.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import type { TypeSchema } from '../../../../kube/patch/schema.ts'
import { apiVersionOf } from '../../../../kube/resource.ts'
import { type Plain, seal, unseal } from './proto-snippets.ts'

const encode = (object: Plain): Buffer => protobufObject(object as UnknownObject)
const roundTrip = (object: Plain): unknown => decodeProtobuf(encode(object))

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'wéb',
    namespace: 'default',
    labels: { b: '2', a: '1', __proto__x: 'y' },
    creationTimestamp: '2026-01-02T03:04:05Z',
    managedFields: [
      { manager: 'm', operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': {} } },
    ],
  },
  spec: {
    volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Gi' } }],
    containers: [
      {
        name: 'c',
        image: 'busybox:1',
        command: ['sh', '-c', 'é'.repeat(300)],
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        resources: { limits: { cpu: '100m' } },
        livenessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 3 },
      },
    ],
    terminationGracePeriodSeconds: 0,
    priority: -5,
  },
  status: { phase: 'Pending' },
}

void t.test('a decoder that knows only the .proto files reads what is encoded', async t => {
  const { apiVersion, kind, object } = unseal(encode(pod))
  t.same([apiVersion, kind], ['v1', 'Pod'])
  t.match(object, {
    metadata: {
      name: 'wéb',
      labels: pod.metadata.labels,
      creationTimestamp: { seconds: Date.UTC(2026, 0, 2, 3, 4, 5) / 1000, nanos: 0 },
      managedFields: [{ fieldsV1: { Raw: Buffer.from('{"f:spec":{}}').toString('base64') } }],
    },
    spec: {
      volumes: [{ name: 'v', volumeSource: { emptyDir: { medium: '', sizeLimit: { string: '1Gi' } } } }],
      containers: [
        {
          name: 'c',
          command: pod.spec.containers[0]?.command,
          ports: [{ name: '', hostPort: 0, containerPort: 80, protocol: 'TCP' }],
          resources: { limits: { cpu: { string: '100m' } } },
          livenessProbe: { handler: { tcpSocket: { port: { type: 1, intVal: 0, strVal: 'http' } } }, periodSeconds: 3 },
          stdin: false,
        },
      ],
      terminationGracePeriodSeconds: 0,
      priority: -5,
      hostNetwork: false,
    },
    status: { phase: 'Pending' },
  })
  t.notOk('deletionTimestamp' in (object['metadata'] as Plain), 'a pointer that is not there is not sent')
})

const deployment = {
  metadata: { name: 'web' },
  spec: {
    replicas: 0,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { creationTimestamp: {} }, spec: { containers: [{ name: 'c' }] } },
    strategy: { rollingUpdate: { maxSurge: { type: 0, intVal: 1 }, maxUnavailable: { type: 1, strVal: '25%' } } },
    paused: false,
    revisionHistoryLimit: 0,
    minReadySeconds: 0,
  },
}

void t.test('what an encoder that knows only the .proto files writes is read, zeros by their Go types', async t => {
  t.same(decodeProtobuf(seal('apps/v1', 'Deployment', deployment)), {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: {
      replicas: 0,
      revisionHistoryLimit: 0,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: {}, spec: { containers: [{ name: 'c' }] } },
      strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: '25%' } },
    },
  })
})

void t.test('a definition keeps its schemas in either form, defaults and extensions', async t => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'array', items: { type: 'string' }, default: [1, { b: null }], 'x-kubernetes-list-type': 'set' },
      b: { additionalProperties: false, maximum: 1.5, enum: ['x', 1, null] },
      c: { additionalProperties: { type: 'integer' }, minLength: 0, nullable: true },
    },
    dependencies: { a: ['b'], c: { type: 'string' } },
    'x-kubernetes-preserve-unknown-fields': false,
  }
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'things.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'things', kind: 'Thing' },
      scope: 'Namespaced',
      versions: [
        { name: 'v1', served: false, storage: true, schema: { openAPIV3Schema: schema }, subresources: { status: {} } },
      ],
    },
    status: { acceptedNames: { plural: '', kind: '' } },
  }
  t.same(roundTrip(definition), definition)
})

/** Numbers from 0 to 1, the same ones for the same seed. */
const random = (seed: number): (() => number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const texts = ['a', 'web-1', 'ünïcode ✓', 'x'.repeat(200), '__proto__', '"\\\n']

const sampleText = (schema: TypeSchema, next: () => number): unknown => {
  const seconds = Math.floor(next() * 4e9)
  switch (schema.format) {
    case 'byte':
      return Buffer.from([seconds & 255, 1, 2]).toString('base64')
    case 'date-time':
      return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`
    case 'date-time-micro':
      return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${String(seconds % 1e6).padStart(6, '0')}Z`
    case 'quantity':
      return '100m'
    case 'int-or-string':
      return next() < 0.5 ? seconds % 60_000 : '25%'
    default:
      return texts[Math.floor(next() * texts.length)]
  }
}

/** Some object of the schema; half of its fields are left out, and what is nested is small. */
const sample = (schema: TypeSchema, next: () => number, depth = 0): unknown => {
  switch (schema.type) {
    case 'string':
      return sampleText(schema, next)
    case 'boolean':
      return next() < 0.5
    case 'integer':
      return Math.floor((next() - 0.5) * (schema.format === 'int32' ? 2 ** 31 : 2 ** 52))
    case 'number':
      return next() * 1e9
    case 'list':
      return Array.from({ length: Math.floor(next() * 3) }, () => sample(schema.items as TypeSchema, next, depth + 1))
    case 'map':
      return Object.fromEntries(
        texts.filter(() => next() < 0.3).map(key => [key, sample(schema.values as TypeSchema, next, depth + 1)]),
      )
    case 'object': {
      const all = [...(schema.fields ?? [])]
      // An object within an object (a claim's template) has no place for its type in protobuf, in upstream's neither.
      const isTyped = depth > 0 && schema.fields?.has('metadata') === true
      const fields = all
        .filter(([name]) => !isTyped || (name !== 'apiVersion' && name !== 'kind'))
        .filter(() => next() < (depth > 5 ? 0.1 : 0.5))
      return Object.fromEntries(fields.map(([name, field]) => [name, sample(field, next, depth + 1)]))
    }
    default:
      return { any: ['thing', 1, { at: 'all' }] }
  }
}

/** Without zeros (of a Quantity '0') and what is empty: those may come to be or go where Go's types say so. */
const pruned = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(item => pruned(item) ?? null)
  if (typeof value !== 'object' || value === null)
    return value === 0 || value === '' || value === '0' || value === false || value === null ? undefined : value
  const entries = Object.entries(value).flatMap(([key, inner]) => {
    const kept = pruned(inner)
    const isEmpty = kept === undefined || (Array.isArray(kept) && kept.length === 0)
    return isEmpty ? [] : [[key, kept] as const]
  })
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

const kinds = builtinKinds.filter(
  ({ schema, kind }) => schema.startsWith('io.k8s.') && kind !== 'CustomResourceDefinition',
)

void t.test('every kind has a message, and its list', async t => {
  for (const kind of kinds) {
    t.ok(messageNameOf(apiVersionOf(kind), kind.kind), kind.kind)
    if (kind.review === undefined && kind.orders === undefined)
      t.ok(messageNameOf(apiVersionOf(kind), `${kind.kind}List`), `${kind.kind}List`)
  }
})

void t.test('every message of the table can be written and read', async t => {
  for (const name of Object.keys(protobufFields))
    t.doesNotThrow(() => protobufMessage(name).descending.map(field => field.type === 'm' && field.message), name)
})

void t.test('whatever fits the schema of a kind comes back as it was', async t => {
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.integer(), (kind, seed) => {
      const object = sample(schemaOf(kind.schema), random(seed)) as Plain
      const sent = { ...object, apiVersion: apiVersionOf(kind), kind: kind.kind }
      const got = roundTrip(sent) as Plain
      t.strictSame(pruned(got), pruned(sent), kind.kind)
      // What has been through once is what Go would say: it stays as it is.
      t.strictSame(roundTrip(got), got, kind.kind)
    }),
    { numRuns: 400 },
  )
})
