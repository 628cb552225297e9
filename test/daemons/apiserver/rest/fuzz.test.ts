import fc from 'fast-check'
import t from 'tap'
import { applyPatch } from '../../../../daemons/apiserver/registry/patch-object.ts'
import { parseResourcePath } from '../../../../daemons/apiserver/rest/resource-path.ts'
import { decodeBody, decodePatch } from '../../../../daemons/apiserver/rest/decode-body.ts'
import { schemaOf } from '../../../../daemons/apiserver/schema/schemas.ts'
import { serverSideApply } from '../../../../kube/patch/server-side-apply.ts'
import { ApiError } from '../../../../kube/status.ts'
import { deployment } from '../registry/test-registry.ts'

const schema = schemaOf('io.k8s.api.apps.v1.Deployment')

/** Runs it; whatever it throws must be an answer for the client. */
const answers = async (run: () => unknown): Promise<boolean> => {
  try {
    await run()
    return true
  } catch (error) {
    if (error instanceof ApiError && error.code < 500) return true
    throw error
  }
}

const magic = Buffer.from('k8s\0')
const key = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'metadata',
    'spec',
    'containers',
    'name',
    '$patch',
    '$retainKeys',
    'ports',
  ),
  fc.constantFrom('$setElementOrder/containers', '$deleteFromPrimitiveList/finalizers', 'template', 'labels', 'status'),
  fc.string({ maxLength: 3 }),
)
const { tree } = fc.letrec<{ tree: unknown }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 6 },
    fc.constantFrom('delete', 'replace', 'web', 'x', null, true, 1, -1.5),
    fc.array(tie('tree'), { maxLength: 3 }),
    fc
      .array(fc.tuple(key, tie('tree')), { maxLength: 4 })
      .map(
        entries =>
          JSON.parse(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`) as unknown,
      ),
  ),
}))

const asked = { expected: { apiVersion: 'apps/v1', kind: 'Deployment' }, protobuf: true }

void t.test('bytes of any kind are decoded or refused', async t => {
  const types = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
  const bytes = fc.uint8Array({ maxLength: 200 })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...types), bytes, (type, raw) =>
      answers(() => decodeBody(Buffer.from(raw), type, asked)),
    ),
    { numRuns: 600 },
  )
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), text =>
      answers(() => decodePatch(Buffer.from(text), 'application/apply-patch+yaml')),
    ),
    { numRuns: 300 },
  )
  t.pass()
})

void t.test('a protobuf Deployment with any bytes inside is decoded or refused', async t => {
  const head = Buffer.from('\n\x15\n\x07apps/v1\x12\nDeployment\x12')
  const envelope = (raw: Uint8Array): Buffer => Buffer.concat([magic, head, Buffer.from([raw.length]), raw])
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 120 }), raw =>
      answers(() => decodeBody(envelope(raw), 'application/vnd.kubernetes.protobuf', asked)),
    ),
    { numRuns: 1500 },
  )
  t.pass()
})

void t.test('a patch of any shape is applied or refused, and touches no prototype', async t => {
  const live = { ...deployment('web'), metadata: { name: 'web', uid: 'u', finalizers: ['a'], labels: { a: 'b' } } }
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('merge', 'strategic', 'json'), tree, (type, value) =>
      answers(() => applyPatch(live, { type: type as 'merge', value }, schema)),
    ),
    { numRuns: 1500 },
  )
  const pointer = fc.array(key, { maxLength: 4 }).map(parts => parts.map(part => `/${part}`).join(''))
  const op = fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test')
  const operation = fc.record({ op, path: pointer, from: pointer, value: tree }, { requiredKeys: ['op', 'path'] })
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 5 }), value =>
      answers(() => applyPatch(live, { type: 'json', value }, schema)),
    ),
    { numRuns: 1000 },
  )
  t.equal(Object.keys(Object.prototype).length, 0)
  t.equal(({} as Record<string, unknown>)['x'], undefined)
  t.same(live.metadata.labels, { a: 'b' }, 'the live object is as it was')
})

void t.test('an apply of any shape is merged or refused', async t => {
  const live = { ...deployment('web'), metadata: { name: 'web', uid: 'u' } }
  const shared = { live, manager: 'm', force: true, apiVersion: 'apps/v1', schema, now: 0 }
  await fc.assert(
    fc.asyncProperty(tree, spec =>
      answers(() => serverSideApply({ ...shared, applied: { metadata: { name: 'web' }, spec } })),
    ),
    { numRuns: 800 },
  )
  t.pass()
})

void t.test('every URL is a resource or none', t => {
  fc.assert(fc.property(fc.webPath(), path => void parseResourcePath(path)))
  fc.assert(fc.property(fc.string(), text => void parseResourcePath(`/api/v1/namespaces/${text}`)))
  t.end()
})
