import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cells, created, createErrors, deployment, metadata, statusErrors, updateErrors } from './sample-objects.ts'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'nginx:1.27' }] } }
const selector = { matchLabels: { app: 'web' } }
const set = (spec: object = {}): UnknownObject => ({
  metadata: metadata(),
  spec: { selector, serviceName: 'web', template, ...spec },
})
const controller = (spec: object = {}): UnknownObject => ({ metadata: metadata(), spec: { template, ...spec } })

const cases: { name: string; plural: string; object: UnknownObject; errors: string[] }[] = [
  { name: 'a small StatefulSet is fine', plural: 'statefulsets', object: set(), errors: [] },
  { name: 'a small DaemonSet is fine', plural: 'daemonsets', object: set(), errors: [] },
  { name: 'a small ReplicationController is fine', plural: 'replicationcontrollers', object: controller(), errors: [] },
  {
    name: 'a StatefulSet’s containers may mount what it claims for each pod',
    plural: 'statefulsets',
    object: set({
      template: {
        ...template,
        spec: { containers: [{ name: 'a', image: 'b', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] },
      },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }],
    }),
    errors: [],
  },
  {
    name: 'StatefulSets know two orders, two strategies and two ways with claims',
    plural: 'statefulsets',
    object: set({
      podManagementPolicy: 'Random',
      updateStrategy: { type: 'Recreate' },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Keep', whenScaled: 'Delete' },
      ordinals: { start: -1 },
    }),
    errors: [
      "spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'",
      'spec.updateStrategy: Invalid value: {"type":"Recreate"}: must be \'RollingUpdate\' or \'OnDelete\'',
      'spec.persistentVolumeClaimRetentionPolicy.whenDeleted: Unsupported value: "Keep": supported values: "Retain", "Delete"',
      'spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
  {
    name: 'OnDelete has no numbers',
    plural: 'statefulsets',
    object: set({ updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } }),
    errors: [
      'spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy \'RollingUpdate\'',
    ],
  },
  {
    name: 'a DaemonSet either takes away first or adds first',
    plural: 'daemonsets',
    object: set({ updateStrategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } }),
    errors: [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ],
  },
  {
    name: 'a DaemonSet moves at all',
    plural: 'daemonsets',
    object: set({ updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } }),
    errors: ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0'],
  },
  {
    name: 'a DaemonSet chooses its pods, which run for good',
    plural: 'daemonsets',
    object: set({
      selector: { matchLabels: { app: 'other' } },
      template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 5 } },
    }),
    errors: [
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported',
    ],
  },
  {
    name: 'a ReplicationController has a selector and a template',
    plural: 'replicationcontrollers',
    object: { metadata: metadata(), spec: {} },
    errors: ['spec.selector: Required value', 'spec.template: Required value'],
  },
  {
    name: 'a ReplicationController chooses what it makes',
    plural: 'replicationcontrollers',
    object: controller({ selector: { app: 'other' } }),
    errors: [
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
  },
  {
    name: 'a template of pods has containers',
    plural: 'podtemplates',
    object: { metadata: metadata(), template: { spec: {} } },
    errors: ['template.spec.containers: Required value'],
  },
  {
    name: 'debug containers are not planned',
    plural: 'podtemplates',
    object: {
      metadata: metadata(),
      template: { spec: { ...template.spec, ephemeralContainers: [{ name: 'x', image: 'y' }] } },
    },
    errors: ['template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template'],
  },
  {
    name: 'a revision holds something',
    plural: 'controllerrevisions',
    object: { metadata: metadata(), revision: -1 },
    errors: [
      'data: Required value: data is mandatory',
      'revision: Invalid value: -1: must be greater than or equal to 0',
    ],
  },
]
for (const { name, plural, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors(plural, object), errors)
  })

const updates: { name: string; plural: string; old: UnknownObject; next: UnknownObject; errors: string[] }[] = [
  {
    name: 'a StatefulSet’s replicas and template may change',
    plural: 'statefulsets',
    old: set(),
    next: set({
      replicas: 3,
      revisionHistoryLimit: 2,
      template: { ...template, metadata: { labels: { app: 'web', v: '2' } } },
    }),
    errors: [],
  },
  {
    name: 'a StatefulSet’s Service may not',
    plural: 'statefulsets',
    old: set(),
    next: set({ serviceName: 'other' }),
    errors: [
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
  },
  {
    name: 'a DaemonSet’s selector stays',
    plural: 'daemonsets',
    old: set(),
    next: set({ selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } }),
    errors: [
      'spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is immutable',
    ],
  },
  {
    name: 'a revision’s data stays',
    plural: 'controllerrevisions',
    old: { metadata: metadata(), data: { a: 1 }, revision: 1 },
    next: { metadata: metadata(), data: { a: 2 }, revision: 2 },
    errors: ['data: Invalid value: {"a":2}: field is immutable'],
  },
]
for (const { name, plural, old, next, errors } of updates)
  t.test(name, async t => {
    t.same(updateErrors(plural, old, next), errors)
  })

t.test('what nobody says of a StatefulSet', async t => {
  const made = created('statefulsets', set({ volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] }))
  t.match(made, {
    spec: {
      replicas: 1,
      podManagementPolicy: 'OrderedReady',
      revisionHistoryLimit: 10,
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          spec: { volumeMode: 'Filesystem' },
          status: { phase: 'Pending' },
        },
      ],
    },
    status: { replicas: 0, availableReplicas: 0 },
  })
})

t.test('a DaemonSet counts the changes of its template in an annotation', async t => {
  const key = 'deprecated.daemonset.template.generation'
  const made = created('daemonsets', set())
  t.equal(made.metadata?.annotations?.[key], '1')
  const { kindOf } = await import('./sample-objects.ts')
  const change = (spec: object): string | undefined => {
    const next = structuredClone({ ...made, spec: { ...(made['spec'] as object), ...spec } })
    kindOf('daemonsets').setDefaults?.(next)
    kindOf('daemonsets').prepareForUpdate?.(next, made)
    return next.metadata?.annotations?.[key]
  }
  t.equal(change({ minReadySeconds: 5 }), '1')
  t.equal(change({ template: { ...template, spec: { containers: [{ name: 'main', image: 'nginx:1.28' }] } } }), '2')
})

t.test('a ReplicationController takes its labels and its selector from its template', async t => {
  t.match(created('replicationcontrollers', controller()), {
    metadata: { labels: { app: 'web' } },
    spec: { replicas: 1, selector: { app: 'web' } },
    status: { replicas: 0 },
  })
})

const statuses: { name: string; plural: string; old?: object; status: object; errors: string[] }[] = [
  {
    name: 'ready pods are among the pods',
    plural: 'deployments',
    status: { replicas: 1, readyReplicas: 2 },
    errors: ['status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas'],
  },
  {
    name: 'available pods are ready',
    plural: 'replicasets',
    status: { replicas: 2, readyReplicas: 1, availableReplicas: 2 },
    errors: ['status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas'],
  },
  {
    name: 'counts are not negative',
    plural: 'daemonsets',
    status: { numberReady: -1 },
    errors: ['status.numberReady: Invalid value: -1: must be greater than or equal to 0'],
  },
  {
    name: 'collisions are not forgotten',
    plural: 'statefulsets',
    old: { replicas: 0, collisionCount: 2 },
    status: { replicas: 0, collisionCount: 1 },
    errors: ['status.collisionCount: Invalid value: 1: cannot be decremented'],
  },
]
for (const { name, plural, old = {}, status, errors } of statuses)
  t.test(name, async t => {
    t.same(statusErrors(plural, { metadata: metadata(), status: old }, { metadata: metadata(), status }), errors)
  })

t.test('cells', async t => {
  t.match(
    cells('daemonsets', {
      metadata: metadata(),
      spec: { selector, template: { ...template, spec: { ...template.spec, nodeSelector: { disk: 'ssd' } } } },
      status: {
        desiredNumberScheduled: 3,
        currentNumberScheduled: 2,
        numberReady: 1,
        updatedNumberScheduled: 2,
        numberAvailable: 1,
      },
    }),
    {
      Desired: 3,
      Current: 2,
      Ready: 1,
      'Up-to-date': 2,
      Available: 1,
      'Node Selector': 'disk=ssd',
      Selector: 'app=web',
    },
  )
  t.match(cells('statefulsets', { ...set({ replicas: 3 }), status: { readyReplicas: 2 } }), {
    Ready: '2/3',
    Images: 'nginx:1.27',
  })
  const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true }
  t.match(cells('controllerrevisions', { metadata: metadata({ ownerReferences: [owner] }), revision: 3 }), {
    Controller: 'statefulset.apps/web',
    Revision: 3,
  })
  t.match(cells('podtemplates', { metadata: metadata(), template }), { Containers: 'main', 'Pod Labels': 'app=web' })
  t.equal(deployment().kind, 'Deployment')
})
