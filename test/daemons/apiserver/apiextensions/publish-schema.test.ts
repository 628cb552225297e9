import t from 'tap'
import type { JsonSchema } from '../../../../daemons/apiserver/apiextensions/json-schema.ts'
import { publishedDefinitions } from '../../../../daemons/apiserver/apiextensions/publish-schema.ts'
import type { OpenApiSchema } from '../../../../daemons/apiserver/schema/openapi-definitions.ts'
import { readTexts } from '../../../../daemons/apiserver/schema/schema-row.ts'

const textsOf = readTexts()
const published = { group: 'example.com', version: 'v1', kind: 'Widget', listKind: 'WidgetList', plural: 'widgets' }
const name = 'com.example.v1.Widget'
const gvk = { 'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'Widget' }] }

const rootOf = (schema: JsonSchema, dialect: 'v2' | 'v3'): OpenApiSchema =>
  publishedDefinitions({ ...published, schema }, { dialect, textsOf })[name]?.schema ?? {}
const specOf = (spec: JsonSchema, dialect: 'v2' | 'v3' = 'v2') =>
  rootOf({ type: 'object', properties: { spec } }, dialect).properties?.['spec']

const any = { 'x-kubernetes-preserve-unknown-fields': true } as const

t.test('a root of which not all is known is but an object in OpenAPI 2, and whole in OpenAPI 3', async t => {
  const schema: JsonSchema = { type: 'object', description: 'x', properties: { a: { type: 'string' } }, ...any }
  t.strictSame(rootOf(schema, 'v2'), { type: 'object', ...gvk })
  t.match(rootOf(schema, 'v3'), { description: 'x', ...any, properties: { a: {}, metadata: {}, kind: {} } })
})

const cases: { name: string; spec: JsonSchema; gives: OpenApiSchema }[] = [
  {
    name: 'defaults and rules are told, combinations are not',
    spec: {
      type: 'integer',
      default: 3,
      anyOf: [{ minimum: 1 }],
      not: { enum: [2] },
      'x-kubernetes-validations': [{ rule: 'self > 0' }],
    },
    gives: { type: 'integer', default: 3, 'x-kubernetes-validations': [{ rule: 'self > 0' }] },
  },
  {
    name: 'what may be null has no type and nothing below it',
    spec: { type: 'object', nullable: true, properties: { a: { type: 'string' } }, description: 'x' },
    gives: { description: 'x' },
  },
  {
    name: 'what may be null is not required, since old clients drop it',
    spec: {
      type: 'object',
      required: ['a', 'b'],
      properties: { a: { type: 'string', nullable: true }, b: { type: 'string' } },
    },
    gives: { type: 'object', required: ['b'], properties: { a: {}, b: { type: 'string' } } },
  },
  {
    name: 'of values that may be null, no key is required',
    spec: { type: 'object', required: ['a'], additionalProperties: { type: 'string', nullable: true } },
    gives: { type: 'object', additionalProperties: {} },
  },
  {
    name: 'an object of which not all is known has no type',
    spec: { type: 'object', properties: { a: { type: 'string' } }, ...any },
    gives: { ...any },
  },
  {
    name: 'an array whose items are not told has no type',
    spec: { type: 'array', items: { type: 'string' }, ...any },
    gives: { ...any },
  },
  {
    name: 'a number or string has no type',
    spec: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    gives: { 'x-kubernetes-int-or-string': true },
  },
]
for (const { name, spec, gives } of cases) t.test(`OpenAPI 2: ${name}`, async t => t.strictSame(specOf(spec), gives))

t.test('an embedded object names its kind and version, which it must', async t => {
  const embedded = { type: 'object', 'x-kubernetes-embedded-resource': true, required: ['spec'] } as const
  for (const dialect of ['v2', 'v3'] as const) {
    const schema = specOf({ ...embedded, required: ['spec'] }, dialect)
    t.strictSame(schema?.required, ['spec', 'kind', 'apiVersion'])
    t.strictSame(Object.keys(schema?.properties ?? {}).sort(), ['apiVersion', 'kind', 'metadata'])
  }
  t.strictSame(specOf({ type: 'object', ...any, 'x-kubernetes-embedded-resource': true }), {
    ...any,
    'x-kubernetes-embedded-resource': true,
  })
})

t.test('what every object has is documented as it is of built-in kinds', async t => {
  const { properties = {} } = rootOf({ type: 'object' }, 'v2')
  t.match(properties['apiVersion'], { type: 'string', description: /^APIVersion defines/ })
  t.match(properties['metadata'], { $ref: /ObjectMeta$/, description: /^Standard object's metadata/ })
  t.match(rootOf({ type: 'object' }, 'v3').properties?.['metadata'], { allOf: [{ $ref: /ObjectMeta$/ }] })
})
