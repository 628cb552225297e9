import assert from 'node:assert'
import fc from 'fast-check'
import t from 'tap'
import { applyJsonPatch } from '../../../kube/patch/json-patch.ts'
import { cloneJson, equalJson } from '../../../kube/patch/json-value.ts'

const cases: { name: string; document: unknown; patch: unknown[]; result: unknown }[] = [
  {
    name: 'add sets a member (RFC 6902 A.1)',
    document: { foo: 'bar' },
    patch: [{ op: 'add', path: '/baz', value: 'qux' }],
    result: { baz: 'qux', foo: 'bar' },
  },
  {
    name: 'add inserts before an index (A.2)',
    document: { foo: ['bar', 'baz'] },
    patch: [{ op: 'add', path: '/foo/1', value: 'qux' }],
    result: { foo: ['bar', 'qux', 'baz'] },
  },
  {
    name: 'remove takes a member out (A.3)',
    document: { baz: 'qux', foo: 'bar' },
    patch: [{ op: 'remove', path: '/baz' }],
    result: { foo: 'bar' },
  },
  {
    name: 'remove closes the gap in a list (A.4)',
    document: { foo: ['bar', 'qux', 'baz'] },
    patch: [{ op: 'remove', path: '/foo/1' }],
    result: { foo: ['bar', 'baz'] },
  },
  {
    name: 'replace changes a value (A.5)',
    document: { baz: 'qux', foo: 'bar' },
    patch: [{ op: 'replace', path: '/baz', value: 'boo' }],
    result: { baz: 'boo', foo: 'bar' },
  },
  {
    name: 'move carries a member over (A.6)',
    document: { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    patch: [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    result: { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  },
  {
    name: 'move reorders a list (A.7)',
    document: { foo: ['all', 'grass', 'cows', 'eat'] },
    patch: [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    result: { foo: ['all', 'cows', 'eat', 'grass'] },
  },
  {
    name: 'test passes on equal values (A.8)',
    document: { baz: 'qux', foo: ['a', 2, 'c'] },
    patch: [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    result: { baz: 'qux', foo: ['a', 2, 'c'] },
  },
  {
    name: 'unknown members of an operation are ignored (A.11)',
    document: { foo: 'bar' },
    patch: [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
    result: { foo: 'bar', baz: 'qux' },
  },
  {
    name: 'the escapes ~0 and ~1 name ~ and / in that order (A.14)',
    document: { '/': 9, '~1': 10 },
    patch: [
      { op: 'test', path: '/~01', value: 10 },
      { op: 'test', path: '/~1', value: 9 },
    ],
    result: { '/': 9, '~1': 10 },
  },
  {
    name: 'a dash adds at the end (A.16)',
    document: { foo: ['bar'] },
    patch: [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
    result: { foo: ['bar', ['abc', 'def']] },
  },
  {
    name: 'the empty pointer is the whole document',
    document: { foo: 1 },
    patch: [{ op: 'replace', path: '', value: { bar: 2 } }],
    result: { bar: 2 },
  },
  {
    name: 'copy makes a value of its own',
    document: { a: { x: [] } },
    patch: [
      { op: 'copy', from: '/a', path: '/b' },
      { op: 'add', path: '/b/x/-', value: 1 },
    ],
    result: { a: { x: [] }, b: { x: [1] } },
  },
  {
    name: 'a test of null holds for what is not there',
    document: {},
    patch: [{ op: 'test', path: '/metadata/annotations', value: null }],
    result: {},
  },
]

for (const { name, document, patch, result } of cases)
  t.test(name, async t => {
    const before = cloneJson(document)
    t.same(applyJsonPatch(document, patch), result)
    t.same(document, before, 'the input stays as it is')
  })

const failures: { name: string; patch: unknown; reason: string; code: number }[] = [
  { name: 'a test that fails (A.9)', patch: [{ op: 'test', path: '/a', value: 2 }], reason: 'Invalid', code: 422 },
  {
    name: 'a test of another type (A.15)',
    patch: [{ op: 'test', path: '/a', value: '1' }],
    reason: 'Invalid',
    code: 422,
  },
  {
    name: 'a parent that is missing (A.12)',
    patch: [{ op: 'add', path: '/b/c', value: 1 }],
    reason: 'Invalid',
    code: 422,
  },
  { name: 'a missing member removed', patch: [{ op: 'remove', path: '/b' }], reason: 'Invalid', code: 422 },
  { name: 'a missing member replaced', patch: [{ op: 'replace', path: '/b', value: 1 }], reason: 'Invalid', code: 422 },
  { name: 'an index behind the end', patch: [{ op: 'add', path: '/l/2', value: 1 }], reason: 'Invalid', code: 422 },
  {
    name: 'an index with leading zeros',
    patch: [{ op: 'add', path: '/l/00', value: 1 }],
    reason: 'Invalid',
    code: 422,
  },
  { name: 'a negative index', patch: [{ op: 'remove', path: '/l/-1' }], reason: 'Invalid', code: 422 },
  { name: 'the dash removed', patch: [{ op: 'remove', path: '/l/-' }], reason: 'Invalid', code: 422 },
  { name: 'a move into itself', patch: [{ op: 'move', from: '/o', path: '/o/x' }], reason: 'Invalid', code: 422 },
  { name: 'no list', patch: { op: 'add' }, reason: 'BadRequest', code: 400 },
  { name: 'an unknown operation', patch: [{ op: 'spam', path: '/a' }], reason: 'Invalid', code: 422 },
  { name: 'an operation without path', patch: [{ op: 'add', value: 1 }], reason: 'BadRequest', code: 400 },
  { name: 'an add without value', patch: [{ op: 'add', path: '/x' }], reason: 'BadRequest', code: 400 },
  {
    name: 'more than 10,000 operations',
    patch: Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 })),
    reason: 'RequestEntityTooLarge',
    code: 413,
  },
]

for (const { name, patch, reason, code } of failures)
  t.test(`${name} is refused with ${code}`, async t => {
    t.throws(() => applyJsonPatch({ a: 1, l: [0], o: {} }, patch), { reason, code })
  })

t.test('the cause of a refusal names the path', async t => {
  try {
    applyJsonPatch({ spec: { replicas: 1 } }, [{ op: 'test', path: '/spec/replicas', value: 2 }])
    t.fail('the test must not pass')
  } catch (error) {
    t.match(error, {
      status: { details: { causes: [{ message: 'testing value /spec/replicas failed: test failed' }] } },
    })
  }
})

t.test('__proto__ is a key like any other and touches no prototype', async t => {
  const patch: unknown = JSON.parse('[{"op":"add","path":"/__proto__","value":{"polluted":true}}]')
  const result = applyJsonPatch({}, patch)
  t.equal(JSON.stringify(result), '{"__proto__":{"polluted":true}}')
  t.notOk('polluted' in {})
  const inherited: unknown = JSON.parse('[{"op":"add","path":"/constructor/prototype/polluted","value":true}]')
  t.throws(() => applyJsonPatch({}, inherited), { name: 'ApiError' })
  t.notOk('polluted' in {})
})

t.test('replacing the document by a value gives that value', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (document, value) => {
      assert.ok(equalJson(applyJsonPatch(document, [{ op: 'replace', path: '', value }]), value))
    }),
    { numRuns: 100 },
  )
})
