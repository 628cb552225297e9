import fc from 'fast-check'
import assert from 'node:assert'
import t from 'tap'
import { checkFields } from '../../../../daemons/apiserver/schema/check.ts'
import { findDuplicateKeys } from '../../../../daemons/apiserver/schema/duplicate-keys.ts'

const deployment = 'io.k8s.api.apps.v1.Deployment'
const go = (given: string, field: string, type: string) =>
  `json: cannot unmarshal ${given} into Go struct field ${field} of type ${type}`
const container = (fields: object) => ({ spec: { template: { spec: { containers: [{ name: 'a', ...fields }] } } } })
const inContainer = 'spec.template.spec.containers'

const cases: {
  name: string
  object: unknown
  definition?: string
  kind: 'unknown' | 'type'
  field: string
  message: string
}[] = [
  {
    name: 'an unknown field',
    object: { spec: { foo: 1 } },
    kind: 'unknown',
    field: 'spec.foo',
    message: 'unknown field "spec.foo"',
  },
  {
    name: 'an unknown field in a list, with its index',
    object: container({ imagee: 'x' }),
    kind: 'unknown',
    field: `${inContainer}[0].imagee`,
    message: `unknown field "${inContainer}[0].imagee"`,
  },
  {
    name: 'a string for a number',
    object: { spec: { replicas: '3' } },
    kind: 'type',
    field: 'spec.replicas',
    message: go('string', 'DeploymentSpec.spec.replicas', 'int32'),
  },
  {
    name: 'a fraction for a whole number',
    object: { spec: { replicas: 1.5 } },
    kind: 'type',
    field: 'spec.replicas',
    message: go('number 1.5', 'DeploymentSpec.spec.replicas', 'int32'),
  },
  {
    name: 'a number past 32 bits',
    object: { spec: { replicas: 2 ** 31 } },
    kind: 'type',
    field: 'spec.replicas',
    message: go('number 2147483648', 'DeploymentSpec.spec.replicas', 'int32'),
  },
  {
    name: 'a number for a string, deep in a list',
    object: container({ env: [{ name: 'A', value: 1 }] }),
    kind: 'type',
    field: `${inContainer}[0].env[0].value`,
    message: go('number', `EnvVar.${inContainer}.env.value`, 'string'),
  },
  {
    name: 'a boolean for a label',
    object: { metadata: { labels: { on: true } } },
    kind: 'type',
    field: 'metadata.labels.on',
    message: go('bool', 'ObjectMeta.metadata.labels', 'string'),
  },
  {
    name: 'an object for a list',
    object: { spec: { template: { spec: { containers: {} } } } },
    kind: 'type',
    field: inContainer,
    message: go('object', `PodSpec.${inContainer}`, '[]v1.Container'),
  },
  {
    name: 'a list for an object',
    object: { spec: [] },
    kind: 'type',
    field: 'spec',
    message: go('array', 'Deployment.spec', 'v1.DeploymentSpec'),
  },
  {
    name: 'a list for a map',
    object: { metadata: { annotations: [] } },
    kind: 'type',
    field: 'metadata.annotations',
    message: go('array', 'ObjectMeta.metadata.annotations', 'map[string]string'),
  },
  {
    name: 'a bad time',
    object: { metadata: { creationTimestamp: 'yesterday' } },
    kind: 'type',
    field: 'metadata.creationTimestamp',
    message: 'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
  },
  {
    name: 'bad base64',
    object: { data: { a: 'abc!' } },
    definition: 'io.k8s.api.core.v1.Secret',
    kind: 'type',
    field: 'data.a',
    message: 'illegal base64 data at input byte 3',
  },
  {
    name: 'base64 that is cut short',
    object: { data: { a: 'abcde' } },
    definition: 'io.k8s.api.core.v1.Secret',
    kind: 'type',
    field: 'data.a',
    message: 'illegal base64 data at input byte 4',
  },
]

for (const { name, object, definition, kind, field, message } of cases)
  t.test(`${name} is found in upstream's words`, async t => {
    t.strictSame(checkFields(object, definition ?? deployment), [{ kind, field, message }])
  })

t.test('a bad quantity is found with its place', async t => {
  const [finding, ...rest] = checkFields(container({ resources: { limits: { cpu: 'lots' } } }), deployment)
  t.match(finding, {
    kind: 'type',
    field: `${inContainer}[0].resources.limits.cpu`,
    message: /^quantities must match the regular/,
  })
  t.strictSame(rest, [])
})

for (const quantity of ['1', '1.5', '100m', '1Ki', '2Gi', '1e3', '1E6', '.5', '+1', '-1', '5n', '3u', 2, 0.1])
  t.test(`${JSON.stringify(quantity)} is a quantity`, async t => {
    t.strictSame(checkFields(container({ resources: { requests: { cpu: quantity } } }), deployment), [])
  })

for (const quantity of ['', 'k', '1kk', '1 Gi', '1KI', '0x1', '1e', true, {}])
  t.test(`${JSON.stringify(quantity)} is no quantity`, async t => {
    t.equal(checkFields(container({ resources: { requests: { cpu: quantity } } }), deployment).length, 1)
  })

t.test('null is absence, whatever the type', async t => {
  t.strictSame(
    checkFields({ metadata: null, spec: { replicas: null, template: { spec: { containers: null } } } }, deployment),
    [],
  )
})

t.test('ports may be numbers or names', async t => {
  const probe = (port: unknown) => checkFields(container({ livenessProbe: { httpGet: { port } } }), deployment).length
  t.strictSame([probe(80), probe('http'), probe(true), probe(1.5)], [0, 0, 1, 1])
})

t.test('free-form fields take anything', async t => {
  const object = { metadata: { managedFields: [{ fieldsV1: { 'f:spec': { 'f:replicas': {} } } }] } }
  t.strictSame(checkFields(object, deployment), [])
})

t.test('__proto__ is an unknown field', async t => {
  t.match(checkFields(JSON.parse('{"spec":{"__proto__":{}}}'), deployment), [
    { kind: 'unknown', field: 'spec.__proto__' },
  ])
})

const duplicates: [string, string[]][] = [
  ['{"spec":{"replicas":1,"replicas":2}}', ['spec.replicas']],
  ['{"a":1,"b":{"a":1},"a":2,"a":3}', ['a']],
  ['{"l":[{"x":1},{"x":1,"x":2}]}', ['l[1].x']],
  ['{"l":[[1,2],{"x":[{"y":1,"y":1}]}]}', ['l[1].x[0].y']],
  ['{"a":"{\\"b\\":1,\\"b\\":2}","b":"a"}', []],
  ['{"a":1,"\\u0061":2}', ['a']],
  ['{"a\\\\":1,"a":2}', []],
  ['[]', []],
  ['"text"', []],
]

for (const [text, paths] of duplicates)
  t.test(`${text} has ${paths.length === 0 ? 'no duplicates' : `${paths.join()} twice`}`, async t => {
    t.strictSame(
      findDuplicateKeys(text),
      paths.map(path => `duplicate field "${path}"`),
    )
  })

t.test('no JSON that JavaScript writes has duplicates', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 2), (value, indent) => {
      assert.deepStrictEqual(findDuplicateKeys(JSON.stringify(value, null, indent)), [])
    }),
    { numRuns: 200 },
  )
})

t.test('a text nested past 1,000 levels is refused before anything recurses into it', async t => {
  t.throws(() => findDuplicateKeys('['.repeat(1001) + ']'.repeat(1001)), { name: 'ApiError', code: 400 })
  t.strictSame(findDuplicateKeys('['.repeat(1000) + ']'.repeat(1000)), [])
})
