import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import {
  cells,
  created,
  createErrors,
  createWarnings,
  kindOf,
  metadata,
  statusErrors,
  updateErrors,
} from './sample-objects.ts'

const quota = (spec: object): UnknownObject => ({ metadata: metadata(), spec })
const range = (...limits: object[]): UnknownObject => ({ metadata: metadata(), spec: { limits } })
const claim = (spec: object = {}, more: object = {}): UnknownObject => ({
  metadata: metadata(),
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  ...more,
})
const volume = (spec: object = {}): UnknownObject => ({
  metadata: { name: 'disk' },
  spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1024Mi' }, hostPath: { path: '/data' }, ...spec },
})

const cases: { name: string; plural: string; object: UnknownObject; errors: string[] }[] = [
  {
    name: 'a quota of everything there is',
    plural: 'resourcequotas',
    object: quota({
      hard: {
        pods: '5',
        'requests.cpu': '1',
        'count/jobs.batch': '3',
        'requests.nvidia.com/gpu': '2',
        'services.nodeports': 0,
      },
    }),
    errors: [],
  },
  {
    name: 'what quotas do not know',
    plural: 'resourcequotas',
    object: quota({ hard: { toys: '1', pods: '1500m', cpu: '-1' } }),
    errors: [
      'spec.hard[toys]: Invalid value: "toys": must be a standard resource type or fully qualified',
      'spec.hard[toys]: Invalid value: "toys": must be a standard resource for quota',
      'spec.hard[pods]: Invalid value: "1500m": must be an integer',
      'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ],
  },
  {
    name: 'scopes fit what is bounded, and each other',
    plural: 'resourcequotas',
    object: quota({ hard: { pods: '1', secrets: '1' }, scopes: ['BestEffort', 'NotBestEffort', 'Odd'] }),
    errors: [
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: unsupported scope applied to resource',
      'spec.scopes: Invalid value: ["BestEffort","NotBestEffort","Odd"]: conflicting scopes',
    ],
  },
  {
    name: 'a selector of scopes compares',
    plural: 'resourcequotas',
    object: quota({
      hard: { pods: '1' },
      scopeSelector: {
        matchExpressions: [
          { scopeName: 'PriorityClass', operator: 'In' },
          { scopeName: 'PriorityClass', operator: 'Exists', values: ['a'] },
        ],
      },
    }),
    errors: [
      "spec.scopeSelector.matchExpressions.values: Required value: must be at least one value when `operator` is 'In' or 'NotIn' for scope selector",
      "spec.scopeSelector.matchExpressions.values: Invalid value: [\"a\"]: must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector",
    ],
  },
  {
    name: 'limits in order are fine',
    plural: 'limitranges',
    object: range({
      type: 'Container',
      min: { cpu: '100m' },
      max: { cpu: '1' },
      default: { cpu: '500m' },
      maxLimitRequestRatio: { cpu: '10' },
    }),
    errors: [],
  },
  {
    name: 'limits out of order',
    plural: 'limitranges',
    object: range(
      { type: 'Pod', min: { cpu: '2' }, max: { cpu: '1' }, default: { cpu: '1' } },
      { type: 'Pod' },
      { type: 'Toy' },
    ),
    errors: [
      "spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'",
      'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
      'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
      'spec.limits[1].type: Duplicate value: "Pod"',
      'spec.limits[2].type: Invalid value: "Toy": must be a standard limit type or fully qualified',
    ],
  },
  {
    name: 'claims are limited in their storage',
    plural: 'limitranges',
    object: range({ type: 'PersistentVolumeClaim', max: { cpu: '1' } }),
    errors: [
      'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided',
    ],
  },
  { name: 'a small claim is fine', plural: 'persistentvolumeclaims', object: claim(), errors: [] },
  {
    name: 'a claim asks for storage, in a way',
    plural: 'persistentvolumeclaims',
    object: { metadata: metadata(), spec: { volumeMode: 'Tape' } },
    errors: [
      'spec.accessModes: Required value: at least 1 access mode is required',
      'spec.resources[storage]: Required value',
      'spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"',
    ],
  },
  {
    name: 'one pod or many',
    plural: 'persistentvolumeclaims',
    object: claim({ accessModes: ['ReadWriteOncePod', 'ReadWriteMany'], resources: { requests: { storage: '0' } } }),
    errors: [
      'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
      'spec.resources[storage]: Invalid value: "0": must be greater than zero',
    ],
  },
  {
    name: 'data comes from a claim, or from a kind with a group',
    plural: 'persistentvolumeclaims',
    object: claim({ dataSource: { kind: 'Snapshot', name: 'a' } }),
    errors: [
      'spec.dataSource: Invalid value: "Snapshot": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
      'spec.dataSourceRef: Invalid value: "Snapshot": must be \'PersistentVolumeClaim\' when referencing the default apiGroup',
    ],
  },
  { name: 'a small volume is fine', plural: 'persistentvolumes', object: volume(), errors: [] },
  {
    name: 'a volume has a size, modes and one source',
    plural: 'persistentvolumes',
    object: {
      metadata: { name: 'disk' },
      spec: {
        capacity: { cpu: '1' },
        hostPath: { path: '/' },
        nfs: { server: 'a', path: '/' },
        persistentVolumeReclaimPolicy: 'Recycle',
      },
    },
    errors: [
      'spec.accessModes: Required value',
      'spec.capacity: Unsupported value: {"cpu":"1"}: supported values: "storage"',
      'spec.nfs: Forbidden: may not specify more than 1 volume type',
      "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
    ],
  },
  {
    name: 'a local volume is on a node',
    plural: 'persistentvolumes',
    object: volume({ hostPath: undefined, local: { path: '/mnt' } }),
    errors: ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
  },
]
for (const { name, plural, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors(plural, object), errors)
  })

t.test('of a container, what is not said of its limits follows from what is', async t => {
  t.match(
    created('limitranges', range({ type: 'Container', min: { cpu: '0.1', memory: '1Mi' }, max: { cpu: '1000m' } })),
    {
      spec: {
        limits: [
          {
            max: { cpu: '1' },
            default: { cpu: '1' },
            defaultRequest: { cpu: '1', memory: '1Mi' },
            min: { cpu: '100m' },
          },
        ],
      },
    },
  )
})

t.test('a new volume is pending since it was made', async t => {
  const made = created('persistentvolumes', {
    ...volume(),
    metadata: { name: 'd', creationTimestamp: '2026-01-01T00:00:00Z' },
  })
  t.same(made['status'], { phase: 'Pending', lastPhaseTransitionTime: '2026-01-01T00:00:00Z' })
  const bound = { ...structuredClone(made), status: { ...(made['status'] as object), phase: 'Bound' } }
  kindOf('persistentvolumes').prepareForStatus?.(bound, made, '2026-01-02T00:00:00Z')
  t.same(bound.status, { phase: 'Bound', lastPhaseTransitionTime: '2026-01-02T00:00:00Z' })
})

const bound = { status: { phase: 'Bound', capacity: { storage: '1Gi' } } }
const changes: { name: string; plural: string; old: UnknownObject; next: UnknownObject; errors: string[] }[] = [
  {
    name: 'a bound claim may grow',
    plural: 'persistentvolumeclaims',
    old: claim(),
    next: claim({ resources: { requests: { storage: '2Gi' } } }, bound),
    errors: [],
  },
  {
    name: 'a claim that is not bound may not',
    plural: 'persistentvolumeclaims',
    old: claim(),
    next: claim({ resources: { requests: { storage: '2Gi' } } }, { status: { phase: 'Pending' } }),
    errors: [
      'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    ],
  },
  {
    name: 'a claim gets a volume and a class once',
    plural: 'persistentvolumeclaims',
    old: claim(),
    next: claim({ volumeName: 'pv-1', storageClassName: 'fast' }),
    errors: [],
  },
  {
    name: 'a volume’s storage stays',
    plural: 'persistentvolumes',
    old: volume(),
    next: volume({ hostPath: { path: '/other' } }),
    errors: ['spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation'],
  },
  {
    name: 'the scopes of a quota stay',
    plural: 'resourcequotas',
    old: quota({ hard: { pods: '1' }, scopes: ['BestEffort'] }),
    next: quota({ hard: { pods: '1' } }),
    errors: ['spec.scopes: Invalid value: null: field is immutable'],
  },
]
for (const { name, plural, old, next, errors } of changes)
  t.test(name, async t => {
    t.same(updateErrors(plural, old, next), errors)
  })

t.test('what a quota counted is an amount', async t => {
  const next = { metadata: metadata(), status: { hard: { pods: '1' }, used: { pods: 'few' } } }
  t.match(statusErrors('resourcequotas', next, next), [/^status.used\[pods\]: Invalid value: "few"/])
})

t.test('what is deprecated of storage is told of', async t => {
  t.match(
    createWarnings(
      'persistentvolumes',
      volume({ persistentVolumeReclaimPolicy: 'Recycle', hostPath: undefined, rbd: {} }),
    ),
    [/Recycle reclaim policy is deprecated/, 'spec.rbd: deprecated in v1.28, non-functional in v1.31+'],
  )
  t.same(createWarnings('persistentvolumeclaims', claim({ resources: { requests: { storage: '1.5' } } })), [
    'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
  ])
})

t.test('cells', async t => {
  const status = {
    hard: { pods: '5', 'limits.cpu': '2', cpu: '1' },
    used: { pods: '1', 'limits.cpu': '500m', cpu: '0' },
  }
  t.match(cells('resourcequotas', { metadata: metadata(), status }), {
    Request: 'cpu: 0/1, pods: 1/5',
    Limit: 'limits.cpu: 500m/2',
  })
  t.match(cells('persistentvolumeclaims', claim({ volumeName: 'pv', storageClassName: 'fast', volumeMode: 'Block' }, { status: { phase: 'Bound', accessModes: ['ReadWriteMany', 'ReadWriteOnce'], capacity: { storage: '1Gi' } } })), {
    Status: 'Bound', Volume: 'pv', Capacity: '1Gi', 'Access Modes': 'RWO,RWX', StorageClass: 'fast', VolumeAttributesClass: '<unset>', VolumeMode: 'Block',
  }) // prettier-ignore
  t.match(cells('persistentvolumes', { ...volume({ claimRef: { namespace: 'a', name: 'b' } }), status: { phase: 'Bound' } }), {
    Capacity: '1024Mi', Status: 'Bound', Claim: 'a/b', 'Access Modes': 'RWO',
  }) // prettier-ignore
})
