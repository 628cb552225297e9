import t from 'tap'
import { setDefaultValues } from '../../../../daemons/apiserver/apiextensions/default-values.ts'
import type { JsonSchema } from '../../../../daemons/apiserver/apiextensions/json-schema.ts'
import { pruneFields } from '../../../../daemons/apiserver/apiextensions/prune-fields.ts'

const object = (properties: Record<string, JsonSchema>, rest: JsonSchema = {}): JsonSchema => ({
  type: 'object',
  properties,
  ...rest,
})
const open = { 'x-kubernetes-preserve-unknown-fields': true } as const

const pruned: { name: string; schema: JsonSchema; value: Record<string, unknown>; gives: object; paths: string[] }[] = [
  {
    name: 'what is not specified goes, what every resource has stays',
    schema: object({ spec: object({ a: { type: 'string' } }) }),
    value: { apiVersion: 'v1', kind: 'A', metadata: { name: 'x' }, spec: { a: '1', b: '2' }, more: 1 },
    gives: { apiVersion: 'v1', kind: 'A', metadata: { name: 'x' }, spec: { a: '1' } },
    paths: ['spec.b', 'more'],
  },
  {
    name: 'below preserve-unknown-fields everything stays, and what is specified there is pruned',
    schema: object({ spec: object({ a: object({ b: { type: 'string' } }) }, open) }),
    value: { spec: { c: { d: 1 }, a: { b: '1', e: 2 } } },
    gives: { spec: { c: { d: 1 }, a: { b: '1' } } },
    paths: ['spec.a.e'],
  },
  {
    name: 'maps keep their keys, lists their items',
    schema: object({
      m: { type: 'object', additionalProperties: object({ a: { type: 'string' } }) },
      l: { type: 'array', items: object({ a: { type: 'string' } }) },
    }),
    value: { m: { k: { a: '1', b: 1 } }, l: [{ a: '1' }, { b: 2 }] },
    gives: { m: { k: { a: '1' } }, l: [{ a: '1' }, {}] },
    paths: ['m.k.b', 'l[1].b'],
  },
  {
    name: 'an embedded resource keeps its kind, version and metadata',
    schema: object({ t: object({}, { 'x-kubernetes-embedded-resource': true }) }),
    value: { t: { apiVersion: 'v1', kind: 'Pod', metadata: {}, spec: {} } },
    gives: { t: { apiVersion: 'v1', kind: 'Pod', metadata: {} } },
    paths: ['t.spec'],
  },
]

for (const { name, schema, value, gives, paths } of pruned)
  t.test(name, async t => {
    t.same(pruneFields(value, schema), paths)
    t.same(value, gives)
  })

const defaulted: { name: string; schema: JsonSchema; value: unknown; gives: unknown }[] = [
  {
    name: 'a default fills what is absent, and its own parts are filled next',
    schema: object({ a: object({ b: { type: 'integer', default: 1 } }, { default: {} }) }),
    value: {},
    gives: { a: { b: 1 } },
  },
  {
    name: 'nothing is filled in what is not there',
    schema: object({ a: object({ b: { type: 'integer', default: 1 } }) }),
    value: {},
    gives: {},
  },
  {
    name: 'a null that is not allowed is absent: filled with a default, dropped without',
    schema: object({
      a: { type: 'integer', default: 1 },
      b: { type: 'integer' },
      c: { type: 'integer', nullable: true },
    }),
    value: { a: null, b: null, c: null },
    gives: { a: 1, c: null },
  },
  {
    name: 'items and values of maps are filled',
    schema: object({
      l: { type: 'array', items: object({ p: { type: 'string', default: 'TCP' } }) },
      m: { type: 'object', additionalProperties: object({ q: { type: 'integer', default: 0 } }) },
    }),
    value: { l: [{}, { p: 'UDP' }], m: { k: {} } },
    gives: { l: [{ p: 'TCP' }, { p: 'UDP' }], m: { k: { q: 0 } } },
  },
]

for (const { name, schema, value, gives } of defaulted)
  t.test(name, async t => {
    setDefaultValues(value, schema)
    t.same(value, gives)
  })
