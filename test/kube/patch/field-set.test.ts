import assert from 'node:assert'
import fc from 'fast-check'
import t from 'tap'
import {
  difference,
  intersection,
  isEmptySet,
  makeNode,
  parseFieldSet,
  pathsOf,
  union,
} from '../../../kube/patch/field-set.ts'
import type { FieldSet } from '../../../kube/patch/field-set.ts'

const leaf: FieldSet = {}

const sets: fc.Arbitrary<FieldSet> = fc.letrec<{ node: FieldSet; root: FieldSet }>(tie => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constant(leaf),
    fc
      .tuple(
        fc.boolean(),
        fc.dictionary(fc.constantFrom('f:a', 'f:b', 'v:1', 'k:{"name":"x"}'), tie('node'), { maxKeys: 3 }),
      )
      .map(([member, children]) => makeNode(member, Object.entries(children)) ?? leaf),
  ),
  root: fc
    .dictionary(fc.constantFrom('f:a', 'f:b', 'v:1', 'k:{"name":"x"}'), tie('node'), { maxKeys: 4 })
    .map(children => makeNode(false, Object.entries(children)) ?? leaf),
})).root

const paths = (set: FieldSet): string[] => pathsOf(set).sort()

t.test('union, difference and intersection are those of the sets of paths', async () => {
  fc.assert(
    fc.property(sets, sets, (a, b) => {
      const left = new Set(paths(a))
      const right = new Set(paths(b))
      assert.deepStrictEqual(paths(union(a, b)), [...new Set([...left, ...right])].sort())
      assert.deepStrictEqual(paths(difference(a, b)), [...left].filter(path => !right.has(path)).sort())
      assert.deepStrictEqual(paths(intersection(a, b)), [...left].filter(path => right.has(path)).sort())
    }),
    { numRuns: 300 },
  )
})

t.test('a difference that takes nothing away is the set itself', async t => {
  const set = { 'f:spec': { 'f:replicas': {} } }
  t.equal(difference(set, { 'f:status': {} }), set)
  t.equal(difference(set, {}), set)
})

t.test('paths are printed as upstream prints them', async t => {
  const set = {
    'f:metadata': { 'f:labels': { 'f:app.kubernetes.io/name': {} }, 'f:finalizers': { 'v:"x/y"': {} } },
    'f:spec': {
      'f:containers': { 'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:name': {} } },
      'f:args': { 'i:0': {} },
    },
  }
  t.strictSame(pathsOf(set), [
    '.metadata.labels.app.kubernetes.io/name',
    '.metadata.finalizers[="x/y"]',
    '.spec.containers[containerPort=80,protocol="TCP"]',
    '.spec.containers[containerPort=80,protocol="TCP"].name',
    '.spec.args[0]',
  ])
})

for (const [text, good] of [
  ['{"f:a":{".":{},"f:b":{}}}', true],
  ['{}', true],
  ['{"k:{\\"a\\":1}":{}}', true],
  ['{"a":{}}', false],
  ['{"f:a":1}', false],
  ['{"f:a":null}', false],
  ['{"k:{":{}}', false],
  ['{".":{}}', false],
  ['{"f:a":{".":{"f:b":{}}}}', false],
  ['[]', false],
] as const)
  t.test(`${text} is ${good ? 'a' : 'no'} field set`, async t => {
    t.equal(parseFieldSet(JSON.parse(text)) !== undefined, good)
  })

t.test('the empty set is empty', async t => {
  t.ok(isEmptySet({}))
  t.notOk(isEmptySet({ 'f:a': {} }))
})
