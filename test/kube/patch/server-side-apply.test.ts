import t from 'tap'
import { cloneJson } from '../../../kube/patch/json-value.ts'
import { recordManager } from '../../../kube/patch/managed-fields.ts'
import { serverSideApply } from '../../../kube/patch/server-side-apply.ts'
import { ApiError } from '../../../kube/status.ts'
import type { UnknownObject } from '../../../kube/object.ts'
import { workloadSchema } from './pod-schema.ts'

const noon = Date.UTC(2026, 0, 1, 12)
const minute = 60_000

interface Workload {
  metadata: Record<string, unknown>
  spec: Record<string, unknown>
}
const workload = (spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): UnknownObject => ({
  apiVersion: 'apps/v1',
  kind: 'Workload',
  metadata: { name: 'web', ...metadata },
  spec,
})
const apply = (
  live: UnknownObject | undefined,
  applied: UnknownObject,
  options: { manager?: string; force?: boolean; now?: number; subresource?: string } = {},
): UnknownObject =>
  serverSideApply({
    live,
    applied,
    manager: options.manager ?? 'alice',
    force: options.force ?? false,
    ...(options.subresource === undefined ? {} : { subresource: options.subresource }),
    apiVersion: 'apps/v1',
    schema: workloadSchema,
    now: options.now ?? noon,
  })
const update = (live: UnknownObject, edit: (copy: Workload) => void, manager = 'bob'): UnknownObject => {
  const after = cloneJson(live)
  edit(after as unknown as Workload)
  const managedFields = recordManager({
    before: live,
    after,
    manager,
    operation: 'Update',
    apiVersion: 'apps/v1',
    schema: workloadSchema,
    now: noon,
  })
  after.metadata = { ...after.metadata, managedFields }
  return after
}
const specOf = (object: UnknownObject): Record<string, unknown> => object['spec'] as Record<string, unknown>
const conflictOf = (run: () => unknown): ApiError | undefined => {
  try {
    run()
  } catch (error) {
    if (error instanceof ApiError) return error
  }
  return undefined
}

t.test('the first apply creates the object and owns what it sent, without dots in maps', async t => {
  const object = apply(
    undefined,
    workload({ replicas: 3, containers: [{ name: 'a', image: 'x' }] }, { labels: { app: 'web' } }),
  )
  t.strictSame(object.metadata?.managedFields, [
    {
      manager: 'alice',
      operation: 'Apply',
      apiVersion: 'apps/v1',
      time: '2026-01-01T12:00:00Z',
      fieldsType: 'FieldsV1',
      fieldsV1: {
        'f:metadata': { 'f:labels': { 'f:app': {} } },
        'f:spec': {
          'f:containers': { 'k:{"name":"a"}': { '.': {}, 'f:image': {}, 'f:name': {} } },
          'f:replicas': {},
        },
      },
    },
  ])
})

t.test('the same apply again changes nothing, not even a time', async t => {
  const config = workload({ replicas: 3, containers: [{ name: 'a', image: 'x' }] })
  const live = apply(undefined, config)
  const again = apply(live, config, { now: noon + minute })
  t.strictSame(again, live)
  t.equal(again.metadata?.managedFields, live.metadata?.managedFields)
})

t.test('what the manager no longer applies is removed', async t => {
  const live = apply(
    undefined,
    workload({
      replicas: 3,
      paused: true,
      containers: [
        { name: 'a', image: 'x' },
        { name: 'b', image: 'y' },
      ],
    }),
  )
  const next = apply(live, workload({ replicas: 3, containers: [{ name: 'a', image: 'x' }] }), { now: noon + minute })
  t.strictSame(specOf(next), { replicas: 3, containers: [{ name: 'a', image: 'x' }] })
  t.equal(next.metadata?.managedFields?.[0]?.time, '2026-01-01T12:01:00Z')
})

t.test('what another manager owns too is kept', async t => {
  const live = apply(undefined, workload({ replicas: 3, paused: true }))
  const both = apply(live, workload({ paused: true }), { manager: 'carol' })
  t.equal(both.metadata?.managedFields?.length, 2)
  t.strictSame(specOf(apply(both, workload({ replicas: 3 }))), { replicas: 3, paused: true })
})

t.test("fields nobody applied stay when their neighbour goes, unless the whole object was this manager's", async t => {
  const live = apply(
    undefined,
    workload({ strategy: { type: 'RollingUpdate' }, containers: [{ name: 'a', image: 'x' }] }),
  )
  const defaulted = cloneJson(live)
  specOf(defaulted)['strategy'] = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } }
  specOf(defaulted)['containers'] = [{ name: 'a', image: 'x', args: ['defaulted'] }]
  const next = apply(defaulted, workload({ containers: [{ name: 'a' }] }))
  t.strictSame(specOf(next), { containers: [{ name: 'a', args: ['defaulted'] }] })
})

t.test('the last label goes and metadata stays', async t => {
  const live = apply(undefined, workload({ replicas: 1 }, { labels: { a: 'b' } }))
  const next = apply(live, workload({ replicas: 1 }))
  t.equal(next.metadata?.name, 'web')
  t.notOk(next.metadata?.labels)
})

t.test("a field that somebody else changed is a conflict, in upstream's words", async t => {
  const live = update(
    apply(undefined, workload({ replicas: 3 })),
    copy => (copy.spec['replicas'] = 5),
    'kubectl-client-side-apply',
  )
  const error = conflictOf(() => apply(live, workload({ replicas: 3 })))
  t.match(error?.status, {
    code: 409,
    reason: 'Conflict',
    message: 'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
    details: {
      causes: [
        {
          reason: 'FieldManagerConflict',
          message: 'conflict with "kubectl-client-side-apply" using apps/v1',
          field: '.spec.replicas',
        },
      ],
    },
  })
})

t.test('several conflicts are listed by manager', async t => {
  const live = update(apply(undefined, workload({ replicas: 3, paused: false })), copy => {
    copy.spec['replicas'] = 5
    copy.spec['paused'] = true
  })
  const error = conflictOf(() => apply(live, workload({ replicas: 3, paused: false })))
  t.equal(
    error?.message,
    'Apply failed with 2 conflicts: conflicts with "bob" using apps/v1:\n- .spec.paused\n- .spec.replicas',
  )
})

t.test('the same value is no conflict: both own it', async t => {
  const live = update(apply(undefined, workload({ replicas: 3 })), copy => (copy.spec['replicas'] = 5))
  const next = apply(live, workload({ replicas: 5 }))
  t.equal(next.metadata?.managedFields?.length, 2)
})

t.test('force takes the field over, and its old owner vanishes with its last field', async t => {
  const live = update(apply(undefined, workload({ replicas: 3 })), copy => (copy.spec['replicas'] = 5))
  const next = apply(live, workload({ replicas: 3 }), { force: true })
  t.equal(specOf(next)['replicas'], 3)
  t.strictSame(
    next.metadata?.managedFields?.map(entry => entry.manager),
    ['alice'],
  )
})

t.test('keyed lists merge: applied order first, foreign items stay in their places', async t => {
  const live = update(
    apply(
      undefined,
      workload({
        containers: [
          { name: 'a', image: '1' },
          { name: 'b', image: '1' },
        ],
      }),
    ),
    copy => {
      const list = copy.spec['containers'] as object[]
      copy.spec['containers'] = [{ name: 'injected', image: 'i' }, ...list]
    },
  )
  const next = apply(
    live,
    workload({
      containers: [
        { name: 'b', image: '1' },
        { name: 'a', image: '2' },
      ],
    }),
  )
  t.strictSame(specOf(next)['containers'], [
    { name: 'injected', image: 'i' },
    { name: 'b', image: '1' },
    { name: 'a', image: '2' },
  ])
})

t.test('atomic lists and maps are replaced as a whole', async t => {
  const live = apply(
    undefined,
    workload({ nodeSelector: { a: '1', b: '2' }, containers: [{ name: 'a', args: ['x', 'y'] }] }),
  )
  const next = apply(live, workload({ nodeSelector: { a: '1' }, containers: [{ name: 'a', args: ['z'] }] }))
  t.strictSame(specOf(next), { nodeSelector: { a: '1' }, containers: [{ name: 'a', args: ['z'] }] })
})

t.test('a port without protocol is the TCP port', async t => {
  const live = apply(undefined, workload({ containers: [{ name: 'a', ports: [{ containerPort: 80 }] }] }))
  const defaulted = cloneJson(live)
  specOf(defaulted)['containers'] = [{ name: 'a', ports: [{ containerPort: 80, protocol: 'TCP' }] }]
  const next = apply(defaulted, workload({ containers: [{ name: 'a', ports: [{ containerPort: 80 }] }] }))
  t.strictSame(specOf(next)['containers'], [{ name: 'a', ports: [{ containerPort: 80, protocol: 'TCP' }] }])
})

t.test('kubectl may take over what it applied client-side, and keeps its annotation current', async t => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
  const before = workload({ replicas: 3 })
  const text = `${JSON.stringify(before)}\n`
  const clientSide = { ...cloneJson(before), metadata: { name: 'web', annotations: { [annotation]: text } } }
  const live = update(
    { metadata: { name: 'web' } },
    copy => Object.assign(copy, clientSide),
    'kubectl-client-side-apply',
  )
  t.ok(conflictOf(() => apply(live, workload({ replicas: 4 }), { manager: 'somebody' })))
  const next = apply(live, workload({ replicas: 4 }), { manager: 'kubectl' })
  t.equal(specOf(next)['replicas'], 4)
  t.strictSame(JSON.parse(next.metadata?.annotations?.[annotation] ?? ''), workload({ replicas: 4 }))
})

t.test('what was changed since kubectl applied it client-side is a conflict for kubectl too', async t => {
  const annotation = 'kubectl.kubernetes.io/last-applied-configuration'
  const annotations = { [annotation]: JSON.stringify(workload({ replicas: 3 })) }
  const live = update(workload({ replicas: 5 }, { annotations }), copy => (copy.spec['replicas'] = 6), 'kubectl-scale')
  t.ok(conflictOf(() => apply(live, workload({ replicas: 3 }), { manager: 'kubectl' })))
})

t.test('an object that nobody is known to have written belongs to whoever came first', async t => {
  const live = workload({ replicas: 3 }, { uid: 'u', resourceVersion: '7' })
  const error = conflictOf(() => apply(live, workload({ replicas: 4 })))
  t.match(error?.message, 'conflict with "before-first-apply" using apps/v1: .spec.replicas')
  const next = apply(live, workload({ replicas: 3 }))
  t.strictSame(
    next.metadata?.managedFields?.map(entry => entry.manager),
    ['alice', 'before-first-apply'],
  )
  t.equal(next.metadata?.resourceVersion, '7', "metadata of the system stays the live object's")
})

t.test('status is not written by an apply to the object, nor spec by one to its status', async t => {
  const applied = { ...workload({ replicas: 1 }), status: { phase: 'Running' } }
  const object = apply(undefined, applied)
  t.notOk('status' in object)
  const status = apply(object, { ...applied, spec: { replicas: 9 } }, { subresource: 'status', manager: 'kubelet' })
  t.strictSame(specOf(status), { replicas: 1 })
  t.strictSame(status['status'], { phase: 'Running' })
  t.match(status.metadata?.managedFields, [{ manager: 'alice' }, { manager: 'kubelet', subresource: 'status' }])
})

t.test('null clears a field', async t => {
  const live = apply(undefined, workload({ replicas: 3, paused: true }))
  t.strictSame(specOf(apply(live, workload({ replicas: 3, paused: null }))), { replicas: 3 })
})

t.test('the live object stays as it is', async t => {
  const live = apply(undefined, workload({ replicas: 3, containers: [{ name: 'a', image: 'x' }] }))
  const copy = cloneJson(live)
  apply(live, workload({ replicas: 4, containers: [{ name: 'a', image: 'y' }] }))
  t.strictSame(live, copy)
})
