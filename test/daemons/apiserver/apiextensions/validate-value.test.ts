import t from 'tap'
import { checkUniqueness } from '../../../../daemons/apiserver/apiextensions/list-uniqueness.ts'
import type { JsonSchema } from '../../../../daemons/apiserver/apiextensions/json-schema.ts'
import { validateValue } from '../../../../daemons/apiserver/apiextensions/validate-value.ts'

interface Case {
  name: string
  schema: JsonSchema
  value: unknown
  old?: unknown
  /** `path: message`, in order. */
  gives: string[]
}

const text = (schema: JsonSchema): JsonSchema => ({ type: 'string', ...schema })
const must = (detail: string) => `x: Invalid value: ${detail}`

const cases: Case[] = [
  { name: 'a string is no integer', schema: { type: 'integer' }, value: '1', gives: [must('"string": x in body must be of type integer: "string"')] },
  { name: 'a whole number is a number', schema: { type: 'number' }, value: 1, gives: [] },
  { name: 'a fraction is no integer', schema: { type: 'integer' }, value: 1.5, gives: [must('"number": x in body must be of type integer: "number"')] },
  { name: 'null is refused where it is not allowed', schema: { type: 'string' }, value: null, gives: [must('"null": x in body must be of type string: "null"')] },
  { name: 'null is let in where it is nullable', schema: { type: 'string', nullable: true }, value: null, gives: [] },
  { name: 'an int-or-string takes both and nothing else', schema: { 'x-kubernetes-int-or-string': true }, value: true, gives: [must('"boolean": x in body must be of type integer,string: "boolean"')] },
  { name: 'a maximum', schema: { type: 'integer', maximum: 3 }, value: 4, gives: [must('4: x in body should be less than or equal to 3')] },
  { name: 'an exclusive minimum', schema: { type: 'number', minimum: 1, exclusiveMinimum: true }, value: 1, gives: [must('1: x in body should be greater than 1')] },
  { name: 'a multiple, in decimals', schema: { type: 'number', multipleOf: 0.1 }, value: 0.3, gives: [] },
  { name: 'no multiple', schema: { type: 'integer', multipleOf: 5 }, value: 7, gives: [must('7: x in body should be a multiple of 5')] },
  { name: 'a text that is too long', schema: text({ maxLength: 2 }), value: 'abc', gives: ['x: Too long: may not be more than 2 bytes'] },
  { name: 'a text that is too short, counted in characters', schema: text({ minLength: 2 }), value: '😀', gives: [must('"😀": x in body should be at least 2 chars long')] },
  { name: 'a pattern of Go that JavaScript cannot read', schema: text({ pattern: '^(?i)abc\\z' }), value: 'ABC', gives: [] },
  { name: 'a pattern that is not matched', schema: text({ pattern: '^[a-z]+$' }), value: 'A', gives: [must(`"A": x in body should match '^[a-z]+$'`)] },
  { name: 'a date-time', schema: text({ format: 'date-time' }), value: '2026-02-30T00:00:00Z', gives: [must('"2026-02-30T00:00:00Z": x in body must be of type date-time: "2026-02-30T00:00:00Z"')] },
  { name: 'a format that nobody knows says nothing', schema: text({ format: 'colour' }), value: 'red', gives: [] },
  { name: 'an enum', schema: text({ enum: ['a', 'b'] }), value: 'c', gives: ['x: Unsupported value: "c": supported values: "a", "b"'] },
  { name: 'too many items', schema: { type: 'array', items: { type: 'string' }, maxItems: 1 }, value: ['a', 'b'], gives: ['x: Too many: 2: must have at most 1 items'] },
  { name: 'an item of a list by its index', schema: { type: 'array', items: { type: 'string' } }, value: ['a', 1], gives: ['x[1]: Invalid value: "integer": x[1] in body must be of type string: "integer"'] },
  { name: 'a required field', schema: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } }, value: {}, gives: ['x.a: Required value'] },
  { name: 'too few properties', schema: { type: 'object', minProperties: 1 }, value: {}, gives: [must('0: x in body should have at least 1 properties')] },
  { name: 'values of a map', schema: { type: 'object', additionalProperties: { type: 'integer' } }, value: { a: 'b' }, gives: ['x.a: Invalid value: "string": x.a in body must be of type integer: "string"'] },
  { name: 'oneOf with none', schema: { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] }, value: {}, gives: ['<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found none valid', 'x.a: Required value'] },
  { name: 'oneOf with two', schema: { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] }, value: { a: 1, b: 1 }, gives: ['<nil>: Invalid value: "": "x" must validate one and only one schema (oneOf). Found 2 valid alternatives'] },
  { name: 'anyOf with none', schema: { type: 'integer', anyOf: [{ maximum: 1 }, { minimum: 5 }] }, value: 3, gives: ['<nil>: Invalid value: "": "x" must validate at least one schema (anyOf)', must('3: x in body should be less than or equal to 1')] },
  { name: 'not', schema: { type: 'string', not: { enum: ['a'] } }, value: 'a', gives: ['<nil>: Invalid value: "": "x" must not validate the schema (not)'] },
  { name: 'a key named as a prototype’s is a key like any other', schema: { type: 'object', properties: { a: { type: 'string' } } }, value: JSON.parse('{"__proto__":{"a":1},"constructor":1}'), gives: [] },
  { name: 'what an update leaves as it was is not judged again', schema: { type: 'object', properties: { a: { type: 'integer', maximum: 1 }, b: { type: 'string' } } }, value: { a: 5, b: 'new' }, old: { a: 5, b: 'old' }, gives: [] },
  { name: 'what an update changes is', schema: { type: 'object', properties: { a: { type: 'integer', maximum: 1 } } }, value: { a: 6 }, old: { a: 5 }, gives: ['x.a: Invalid value: 6: x.a in body should be less than or equal to 1'] },
  { name: 'items of a map list are compared with those of the same key', schema: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['k'], items: { type: 'object', properties: { k: { type: 'string' }, v: { type: 'integer', maximum: 1 } } } }, value: [{ k: 'new', v: 1 }, { k: 'a', v: 5 }], old: [{ k: 'a', v: 5 }], gives: [] },
] // prettier-ignore

for (const { name, schema, value, old, gives } of cases)
  t.test(name, async t => {
    const errors = validateValue(value, schema, { path: 'x', old })
    t.same(
      errors.map(({ field, message }) => `${field}: ${message}`),
      gives,
    )
  })

const mapList: JsonSchema = {
  type: 'array',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['a', 'b'],
  items: { type: 'object' },
}
const lists: { name: string; schema: JsonSchema; value: unknown; gives: string[] }[] = [
  { name: 'a set holds no value twice', schema: { type: 'array', 'x-kubernetes-list-type': 'set' }, value: ['a', 'b', 'a', 'a'], gives: ['x[2]: Duplicate value: "a"'] },
  { name: 'objects in a set are the same whatever the order of their keys', schema: { type: 'array', 'x-kubernetes-list-type': 'set' }, value: [{ a: 1, b: 2 }, { b: 2, a: 1 }], gives: ['x[1]: Duplicate value: {"b":2,"a":1}'] },
  { name: 'a map list holds no key twice', schema: mapList, value: [{ a: 1, b: 1 }, { a: 1 }, { a: 1, b: 1, c: 3 }], gives: ['x[2]: Duplicate value: {"a":1,"b":1}'] },
  { name: 'a map list holds objects', schema: mapList, value: ['a'], gives: ['x[0]: Invalid value: "a": must be an object for an array of list-type map'] },
] // prettier-ignore

for (const { name, schema, value, gives } of lists)
  t.test(name, async t => {
    const errors = checkUniqueness(value, schema, 'x')
    t.same(
      errors.map(({ field, message }) => `${field}: ${message}`),
      gives,
    )
  })
