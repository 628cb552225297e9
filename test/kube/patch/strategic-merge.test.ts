import assert from 'node:assert'
import fc from 'fast-check'
import t from 'tap'
import { cloneJson, equalJson } from '../../../kube/patch/json-value.ts'
import { applyStrategicMergePatch } from '../../../kube/patch/strategic-merge.ts'
import { workloadSchema } from './pod-schema.ts'

const web = { name: 'web', image: 'nginx:1' }
const side = { name: 'side', image: 'busybox' }

const cases: { name: string; object: unknown; patch: unknown; result: unknown }[] = [
  {
    name: 'a keyed list merges by its key and keeps what the patch does not name',
    object: { spec: { containers: [web, side] } },
    patch: { spec: { containers: [{ name: 'side', image: 'busybox:2' }] } },
    result: { spec: { containers: [web, { name: 'side', image: 'busybox:2' }] } },
  },
  {
    name: 'a new item comes before what only the server has, without its nulls',
    object: { spec: { containers: [web] } },
    patch: { spec: { containers: [{ ...side, args: null }] } },
    result: { spec: { containers: [side, web] } },
  },
  {
    name: 'a list without merge strategy is replaced',
    object: { spec: { containers: [{ ...web, args: ['a', 'b'] }] } },
    patch: { spec: { containers: [{ name: 'web', args: ['c'] }] } },
    result: { spec: { containers: [{ ...web, args: ['c'] }] } },
  },
  {
    name: 'null removes a field',
    object: { spec: { replicas: 3, paused: true } },
    patch: { spec: { paused: null } },
    result: { spec: { replicas: 3 } },
  },
  {
    name: '$patch: delete in an item removes it',
    object: { spec: { containers: [web, side] } },
    patch: { spec: { containers: [{ name: 'web', $patch: 'delete' }] } },
    result: { spec: { containers: [side] } },
  },
  {
    name: '$patch: replace in an item replaces the whole list',
    object: { spec: { containers: [web, side] } },
    patch: { spec: { containers: [{ name: 'new', image: 'x' }, { $patch: 'replace' }] } },
    result: { spec: { containers: [{ name: 'new', image: 'x' }] } },
  },
  {
    name: '$patch: replace in an object replaces it',
    object: { metadata: { labels: { a: '1', b: '2' } } },
    patch: { metadata: { labels: { $patch: 'replace', c: '3' } } },
    result: { metadata: { labels: { c: '3' } } },
  },
  {
    name: '$patch: delete in an object empties it',
    object: { metadata: { labels: { a: '1' } } },
    patch: { metadata: { labels: { $patch: 'delete' } } },
    result: { metadata: { labels: {} } },
  },
  {
    name: '$patch: merge says what happens anyway',
    object: { metadata: { labels: { a: '1' } } },
    patch: { metadata: { labels: { $patch: 'merge', b: '2' } } },
    result: { metadata: { labels: { a: '1', b: '2' } } },
  },
  {
    name: 'a list of scalars with merge strategy grows without doubles',
    object: { metadata: { finalizers: ['a', 'b'] } },
    patch: { metadata: { finalizers: ['b', 'c'] } },
    result: { metadata: { finalizers: ['a', 'b', 'c'] } },
  },
  {
    name: '$deleteFromPrimitiveList takes scalars out',
    object: { metadata: { finalizers: ['a', 'b', 'c'] } },
    patch: { metadata: { '$deleteFromPrimitiveList/finalizers': ['b'] } },
    result: { metadata: { finalizers: ['a', 'c'] } },
  },
  {
    name: '$setElementOrder orders the list and leaves what it does not name in place',
    object: { spec: { containers: [web, { name: 'injected', image: 'i' }, side] } },
    patch: {
      spec: {
        '$setElementOrder/containers': [{ name: 'side' }, { name: 'web' }],
        containers: [{ name: 'web', image: 'nginx:2' }],
      },
    },
    result: {
      spec: { containers: [{ name: 'injected', image: 'i' }, side, { name: 'web', image: 'nginx:2' }] },
    },
  },
  {
    name: '$setElementOrder alone reorders',
    object: { spec: { containers: [web, side] } },
    patch: { spec: { '$setElementOrder/containers': [{ name: 'side' }, { name: 'web' }] } },
    result: { spec: { containers: [side, web] } },
  },
  {
    name: '$retainKeys drops the members of a union that it does not name',
    object: { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } } } },
    patch: { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
    result: { spec: { strategy: { type: 'Recreate' } } },
  },
  {
    name: '$retainKeys works in an item of a keyed list',
    object: { spec: { volumes: [{ name: 'v', emptyDir: {} }] } },
    patch: { spec: { volumes: [{ $retainKeys: ['name', 'hostPath'], name: 'v', hostPath: { path: '/x' } }] } },
    result: { spec: { volumes: [{ name: 'v', hostPath: { path: '/x' } }] } },
  },
  {
    name: 'an object with strategy replace is replaced',
    object: { spec: { replaced: { a: '1', b: '2' } } },
    patch: { spec: { replaced: { a: '3' } } },
    result: { spec: { replaced: { a: '3' } } },
  },
  {
    name: 'directives in what is not there yet do not end up in the object',
    object: {},
    patch: {
      spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' }, containers: [{ name: 'web', $patch: 'delete' }] },
    },
    result: { spec: { strategy: { type: 'Recreate' }, containers: [] } },
  },
  {
    name: 'unknown fields merge as objects and replace as lists',
    object: { x: { a: 1, l: [1] } },
    patch: { x: { b: 2, l: [2] } },
    result: { x: { a: 1, b: 2, l: [2] } },
  },
]

for (const { name, object, patch, result } of cases)
  t.test(name, async t => {
    const before = cloneJson({ object, patch })
    t.same(applyStrategicMergePatch(object, patch, workloadSchema), result)
    t.same({ object, patch }, before, 'the inputs stay as they are')
  })

const refused: { name: string; patch: unknown }[] = [
  { name: 'a patch that is no object', patch: [] },
  { name: 'an unknown $patch', patch: { spec: { $patch: 'frobnicate' } } },
  { name: 'an item without its merge key', patch: { spec: { containers: [{ image: 'x' }] } } },
  {
    name: '$retainKeys that forgets a key of the patch',
    patch: { spec: { strategy: { $retainKeys: [], type: 'x' } } },
  },
  {
    name: '$setElementOrder that forgets an item of the patch',
    patch: { spec: { '$setElementOrder/containers': [{ name: 'side' }], containers: [{ name: 'web' }] } },
  },
  {
    name: '$deleteFromPrimitiveList without a list',
    patch: { metadata: { '$deleteFromPrimitiveList/finalizers': 'a' } },
  },
]

for (const { name, patch } of refused)
  t.test(`${name} is a bad request`, async t => {
    t.throws(() => applyStrategicMergePatch({ spec: {} }, patch, workloadSchema), { name: 'ApiError', code: 400 })
  })

const containers = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd', 'e'), image: fc.constantFrom('x', 'y', 'z') }),
  { selector: container => container.name },
)

t.test('after a patch every item it names is as it says, and patching again changes nothing', async () => {
  fc.assert(
    fc.property(containers, containers, (live, wanted) => {
      const patch = { spec: { containers: wanted } }
      const once = applyStrategicMergePatch({ spec: { containers: live } }, patch, workloadSchema)
      assert.ok(equalJson(applyStrategicMergePatch(once, patch, workloadSchema), once))
      const result = (once as { spec: { containers: { name: string; image: string }[] } }).spec.containers
      for (const { name, image } of wanted)
        assert.equal(result.find(container => container.name === name)?.image, image)
      assert.equal(result.length, new Set([...live, ...wanted].map(({ name }) => name)).size)
    }),
    { numRuns: 100 },
  )
})

t.test('__proto__ is harmless', async t => {
  const patch: unknown = JSON.parse('{"__proto__":{"polluted":true},"metadata":{"labels":{"__proto__":"x"}}}')
  applyStrategicMergePatch({}, patch, workloadSchema)
  t.notOk('polluted' in {})
})
