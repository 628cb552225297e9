import t from 'tap'
import type { UnknownObject } from '../../../../kube/object.ts'
import { cells, createErrors, created, metadata, updateErrors } from './sample-objects.ts'

const named = (more: object): UnknownObject => ({ metadata: { name: 'fast' }, ...more })
const attachment = { attacher: 'csi.example.com', nodeName: 'n1', source: { persistentVolumeName: 'pv1' } }

const cases: { name: string; plural: string; object: UnknownObject; errors: string[] }[] = [
  {
    name: 'a class needs a provisioner alone',
    plural: 'storageclasses',
    object: named({ provisioner: 'Example.com/disk' }),
    errors: [],
  },
  {
    name: 'a class has one of two policies and of two modes',
    plural: 'storageclasses',
    object: named({ reclaimPolicy: 'Recycle', volumeBindingMode: 'Never' }),
    errors: [
      'provisioner: Required value',
      'reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"',
      'volumeBindingMode: Unsupported value: "Never": supported values: "Immediate", "WaitForFirstConsumer"',
    ],
  },
  {
    name: 'topologies have values',
    plural: 'storageclasses',
    object: named({ provisioner: 'a/b', allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone' }] }] }),
    errors: ['allowedTopologies[0].matchLabelExpressions[0].values: Required value'],
  },
  {
    name: 'attributes are at least one',
    plural: 'volumeattributesclasses',
    object: named({ driverName: 'a.example.com' }),
    errors: ['parameters: Required value: must contain at least one key/value pair'],
  },
  {
    name: 'an attachment says what, where and by whom',
    plural: 'volumeattachments',
    object: named({ spec: { nodeName: 'n1' } }),
    errors: [
      'spec.attacher: Required value',
      `spec.attacher: Invalid value: "": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
      'spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName',
    ],
  },
  { name: 'a driver needs no spec in full', plural: 'csidrivers', object: named({ spec: {} }), errors: [] },
  {
    name: 'tokens of a driver live a while, and are of different audiences',
    plural: 'csidrivers',
    object: named({ spec: { tokenRequests: [{ audience: 'a', expirationSeconds: 1 }, { audience: 'a' }] } }),
    errors: [
      'spec.tokenRequests[0].expirationSeconds: Invalid value: 1: may not specify a duration less than 10 minutes',
      'spec.tokenRequests[1].audience: Duplicate value: "a"',
    ],
  },
  {
    name: 'drivers of a node have names and ids of their own',
    plural: 'csinodes',
    object: named({ spec: { drivers: [{ name: 'a', nodeID: '1' }, { name: 'a' }] } }),
    errors: ['spec.drivers[1].nodeID: Required value', 'spec.drivers[1].name: Duplicate value: "a"'],
  },
  {
    name: 'capacities are not negative',
    plural: 'csistoragecapacities',
    object: { metadata: metadata(), storageClassName: 'fast', capacity: '-1Gi' },
    errors: ['capacity: Invalid value: "-1Gi": must be greater than or equal to 0'],
  },
  {
    name: 'a runtime has a handler, and its tolerations differ',
    plural: 'runtimeclasses',
    object: named({
      handler: 'G.visor',
      scheduling: {
        tolerations: [
          { key: 'a', operator: 'Exists' },
          { key: 'a', operator: 'Exists' },
        ],
      },
    }),
    errors: [
      `handler: Invalid value: "G.visor": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')`,
      'scheduling.tolerations[1]: Duplicate value: {"key":"a","operator":"Exists"}',
    ],
  },
]
for (const { name, plural, object, errors } of cases)
  t.test(name, async t => {
    t.same(createErrors(plural, object), errors)
  })

const changes: { name: string; plural: string; old: UnknownObject; next: UnknownObject; errors: string[] }[] = [
  {
    name: 'a class never changes what its volumes were made with',
    plural: 'storageclasses',
    old: named({ provisioner: 'a/b', parameters: { type: 'ssd' } }),
    next: named({
      provisioner: 'a/c',
      parameters: {},
      reclaimPolicy: 'Retain',
      volumeBindingMode: 'WaitForFirstConsumer',
    }),
    errors: [
      'parameters: Forbidden: updates to parameters are forbidden.',
      'provisioner: Forbidden: updates to provisioner are forbidden.',
      'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ],
  },
  {
    name: 'a class may allow its volumes to grow later',
    plural: 'storageclasses',
    old: named({ provisioner: 'a/b' }),
    next: named({ provisioner: 'a/b', allowVolumeExpansion: true }),
    errors: [],
  },
  {
    name: 'an attachment never changes',
    plural: 'volumeattachments',
    old: named({ spec: attachment }),
    next: named({ spec: { ...attachment, nodeName: 'n2' } }),
    errors: [`spec: Invalid value: ${JSON.stringify({ ...attachment, nodeName: 'n2' })}: field is immutable`],
  },
  {
    name: 'a driver attaches or does not',
    plural: 'csidrivers',
    old: named({ spec: {} }),
    next: named({ spec: { attachRequired: false } }),
    errors: ['spec.attachedRequired: Invalid value: false: field is immutable'],
  },
  {
    name: 'a driver of a node may go, and not change',
    plural: 'csinodes',
    old: named({
      spec: {
        drivers: [
          { name: 'a', nodeID: '1' },
          { name: 'b', nodeID: '1' },
        ],
      },
    }),
    next: named({ spec: { drivers: [{ name: 'a', nodeID: '2' }] } }),
    errors: ['CSINodeDriver: Invalid value: {"name":"a","nodeID":"2"}: field is immutable'],
  },
]
for (const { name, plural, old, next, errors } of changes)
  t.test(name, async t => {
    t.same(updateErrors(plural, old, next), errors)
  })

t.test('a driver gets every default of upstream', async t => {
  t.same(created('csidrivers', named({ spec: {} }))['spec'], {
    attachRequired: true,
    podInfoOnMount: false,
    storageCapacity: false,
    fsGroupPolicy: 'ReadWriteOnceWithFSType',
    volumeLifecycleModes: ['Persistent'],
    requiresRepublish: false,
    seLinuxMount: false,
  })
})

t.test('the default class says so behind its name', async t => {
  const annotations = { 'storageclass.kubernetes.io/is-default-class': 'true' }
  const object = { metadata: { name: 'fast', annotations }, provisioner: 'a/b' }
  t.match(cells('storageclasses', object), { Name: 'fast (default)', AllowVolumeExpansion: false })
})
