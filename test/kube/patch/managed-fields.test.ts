import t from 'tap'
import { parseFieldSet, pathsOf } from '../../../kube/patch/field-set.ts'
import { cloneJson } from '../../../kube/patch/json-value.ts'
import { recordManager } from '../../../kube/patch/managed-fields.ts'
import type { ManagedFieldsEntry, UnknownObject } from '../../../kube/object.ts'
import { workloadSchema } from './pod-schema.ts'

const noon = Date.UTC(2026, 0, 1, 12)
const record = (
  after: UnknownObject,
  before?: UnknownObject,
  options: { manager?: string; subresource?: string; now?: number } = {},
) =>
  recordManager({
    before,
    after,
    manager: options.manager ?? 'kubectl-create',
    operation: 'Update',
    ...(options.subresource === undefined ? {} : { subresource: options.subresource }),
    apiVersion: 'apps/v1',
    schema: workloadSchema,
    now: options.now ?? noon,
  })

const owned = (entry: ManagedFieldsEntry | undefined): string[] => pathsOf(parseFieldSet(entry?.fieldsV1) ?? {})

const created: UnknownObject = {
  apiVersion: 'apps/v1',
  kind: 'Workload',
  metadata: { name: 'web', namespace: 'default', uid: 'u', labels: { app: 'web' }, finalizers: ['a/b'] },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } },
    containers: [{ name: 'web', image: 'nginx', args: ['-x'], ports: [{ containerPort: 80 }] }],
  },
  status: { phase: 'Pending' },
}
const withFields = (object: UnknownObject, managedFields: ManagedFieldsEntry[]): UnknownObject => {
  const copy = cloneJson(object)
  copy.metadata = { ...copy.metadata, managedFields }
  return copy
}
const stored = withFields(created, record(created))
const change = (
  object: UnknownObject,
  edit: (copy: {
    metadata: Record<string, unknown>
    spec: Record<string, unknown>
    status: Record<string, unknown>
  }) => void,
): UnknownObject => {
  const copy = cloneJson(object)
  edit(copy as unknown as Parameters<typeof edit>[0])
  // As in the registry: what is not sent stays the stored object's own value.
  if (copy.metadata !== undefined && object.metadata?.managedFields !== undefined)
    copy.metadata.managedFields = object.metadata.managedFields
  return copy
}

t.test(
  'the creator owns every field but those of the system and the status, in the shape upstream gives them',
  async t => {
    t.strictSame(record(created), [
      {
        manager: 'kubectl-create',
        operation: 'Update',
        apiVersion: 'apps/v1',
        time: '2026-01-01T12:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:finalizers': { '.': {}, 'v:"a/b"': {} }, 'f:labels': { '.': {}, 'f:app': {} } },
          'f:spec': {
            'f:containers': {
              'k:{"name":"web"}': {
                '.': {},
                'f:args': {},
                'f:image': {},
                'f:name': {},
                'f:ports': {
                  '.': {},
                  'k:{"containerPort":80,"protocol":"TCP"}': { '.': {}, 'f:containerPort': {} },
                },
              },
            },
            'f:replicas': {},
            'f:selector': {},
            'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
          },
        },
      },
    ])
  },
)

t.test('an update that changes nothing returns the very same entries', async t => {
  t.equal(
    record(
      change(stored, () => {}),
      stored,
      { manager: 'other', now: noon + 60_000 },
    ),
    stored.metadata?.managedFields,
  )
})

t.test('an update without managedFields keeps the stored ones', async t => {
  const after = cloneJson(stored)
  delete after.metadata?.managedFields
  t.strictSame(record(after, stored, { manager: 'other' }), stored.metadata?.managedFields)
})

t.test('whoever changes a field takes it over from its owner', async t => {
  const [create, scale] = record(
    change(stored, copy => (copy.spec['replicas'] = 5)),
    stored,
    {
      manager: 'scaler',
      now: noon + 60_000,
    },
  )
  t.notOk(owned(create).includes('.spec.replicas'))
  t.equal(create?.time, '2026-01-01T12:00:00Z')
  t.match(scale, { manager: 'scaler', time: '2026-01-01T12:01:00Z' })
  t.strictSame(scale?.fieldsV1, { 'f:spec': { 'f:replicas': {} } })
})

t.test("a removed field is nobody's, and the owner's time stays", async t => {
  const entries = record(
    change(stored, copy => delete copy.spec['replicas']),
    stored,
    { manager: 'other', now: noon + 60_000 },
  )
  t.equal(entries.length, 1)
  t.notOk(owned(entries[0]).includes('.spec.replicas'))
  t.equal(entries[0]?.time, '2026-01-01T12:00:00Z')
})

t.test("the same manager's next change joins its entry and moves its time", async t => {
  const entries = record(
    change(stored, copy => (copy.spec['paused'] = true)),
    stored,
    { now: noon + 60_000 },
  )
  t.equal(entries.length, 1)
  t.equal(entries[0]?.time, '2026-01-01T12:01:00Z')
})

t.test('a status write owns status alone, under its subresource', async t => {
  const after = change(stored, copy => {
    copy.status['phase'] = 'Running'
    copy.status['conditions'] = [{ type: 'Ready', status: 'True' }]
    copy.spec['replicas'] = 9
  })
  const [, status] = record(after, stored, { manager: 'kubelet', subresource: 'status' })
  t.match(status, { manager: 'kubelet', subresource: 'status' })
  t.strictSame(status?.fieldsV1, {
    'f:status': {
      'f:conditions': { '.': {}, 'k:{"type":"Ready"}': { '.': {}, 'f:status': {}, 'f:type': {} } },
      'f:phase': {},
    },
  })
})

t.test('the entry [{}] resets who owns what', async t => {
  const after = cloneJson(stored)
  after.metadata = { ...after.metadata, managedFields: [{}] }
  t.strictSame(record(after, stored), [])
  const reset = withFields(created, [])
  const next = change(reset, copy => (copy.spec['replicas'] = 4))
  t.strictSame(record(next, reset), [], 'and no update is tracked from then on')
})

t.test('managedFields that a request sets are taken over, unreadable ones are not', async t => {
  const renamed = [{ ...stored.metadata?.managedFields?.[0], manager: 'kubectl', operation: 'Apply' }]
  t.match(record(withFields(created, renamed), stored, { manager: 'other' }), [
    { manager: 'kubectl', operation: 'Apply' },
  ])
  const broken = [{ manager: 'x', operation: 'Update', fieldsV1: { spec: {} } }]
  t.match(record(withFields(created, broken), stored, { manager: 'other' }), [{ manager: 'kubectl-create' }])
})

t.test('past ten updaters the oldest are merged', async t => {
  let object = stored
  for (let i = 0; i < 14; i++) {
    const next = change(
      object,
      copy => (copy.metadata['annotations'] = { ...(copy.metadata['annotations'] as object), [`k${i}`]: 'v' }),
    )
    object = withFields(next, record(next, object, { manager: `m${i}`, now: noon + (i + 1) * 1000 }))
  }
  const entries = object.metadata?.managedFields ?? []
  t.equal(entries.length, 10)
  t.equal(entries.filter(entry => entry.manager === 'ancient-changes').length, 1)
})

t.test('a small change in a large object is found alone', async t => {
  const big = change(stored, copy => {
    copy.spec['containers'] = Array.from({ length: 50 }, (_, i) => ({
      name: `c${i}`,
      image: 'x',
      env: Array.from({ length: 20 }, (__, j) => ({ name: `E${j}`, value: 'v' })),
    }))
  })
  const live = withFields(big, record(big))
  const after = change(live, copy => (copy.spec['replicas'] = 7))
  t.strictSame(record(after, live, { manager: 'm' })[1]?.fieldsV1, { 'f:spec': { 'f:replicas': {} } })
})
