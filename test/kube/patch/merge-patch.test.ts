import assert from 'node:assert'
import fc from 'fast-check'
import t from 'tap'
import { cloneJson, equalJson } from '../../../kube/patch/json-value.ts'
import { applyMergePatch } from '../../../kube/patch/merge-patch.ts'

// RFC 7386, appendix A.
const vectors: [unknown, unknown, unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]

for (const [document, patch, result] of vectors)
  t.test(`${JSON.stringify(document)} patched with ${JSON.stringify(patch)} is ${JSON.stringify(result)}`, async t => {
    const before = cloneJson(document)
    t.same(applyMergePatch(document, patch), result)
    t.same(document, before, 'the input stays as it is')
  })

t.test('patching twice is patching once', async () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (document, patch) => {
      const once = applyMergePatch(document, patch)
      assert.ok(equalJson(applyMergePatch(once, patch), once))
    }),
    { numRuns: 200 },
  )
})

t.test('the result shares nothing with its inputs', async t => {
  const document = { keep: { deep: [1] } }
  const patch = { add: { deep: [2] } }
  const result = applyMergePatch(document, patch)
  t.same(result, { keep: { deep: [1] }, add: { deep: [2] } })
  t.not((result as typeof document).keep, document.keep)
  t.not((result as typeof patch).add, patch.add)
})

t.test('__proto__ is a key like any other and touches no prototype', async t => {
  const result = applyMergePatch({}, JSON.parse('{"__proto__":{"polluted":true}}'))
  t.equal(JSON.stringify(result), '{"__proto__":{"polluted":true}}')
  t.notOk('polluted' in {})
  t.equal(JSON.stringify(applyMergePatch(result, JSON.parse('{"__proto__":null}'))), '{}')
})
