import type { PersistentVolume, PersistentVolumeClaim, Pod } from 'kubernetes-types/core/v1.js'
import type { StorageClass } from 'kubernetes-types/storage/v1.js'
import t from 'tap'
import { bestVolume, mismatch } from '../../../../daemons/controller-manager/volume/volume-match.ts'
import { events, persistentVolumeClaims, persistentVolumes } from '../../../../kube/resources.ts'
import { runControllers, type Harness } from '../harness.ts'
import { pod, t0 } from '../objects.ts'

const volume = (
  name: string,
  spec: PersistentVolume['spec'] = {},
  more: Partial<PersistentVolume> = {},
): PersistentVolume => ({
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  spec: {
    capacity: { storage: '5Gi' },
    accessModes: ['ReadWriteOnce'],
    persistentVolumeReclaimPolicy: 'Retain',
    hostPath: { path: `/data/${name}` },
    ...spec,
  },
  ...more,
  metadata: { name, uid: `pv-${name}`, ...more.metadata },
})
const claim = (
  name: string,
  spec: PersistentVolumeClaim['spec'] = {},
  more: Partial<PersistentVolumeClaim> = {},
): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  status: { phase: 'Pending' },
  ...more,
  metadata: { name, namespace: 'default', uid: `pvc-${name}`, ...more.metadata },
})
const storageClass = (
  name: string,
  volumeBindingMode: string,
  provisioner = 'kubernetes.io/no-provisioner',
): StorageClass => ({
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  metadata: { name },
  provisioner,
  volumeBindingMode,
})

for (const { name, of, by, why } of [
  { name: 'one that is as asked for will do', of: volume('v'), by: claim('c'), why: undefined },
  {
    name: 'it must be large enough',
    of: volume('v', { capacity: { storage: '500Mi' } }),
    by: claim('c'),
    why: 'requested PV is too small',
  },
  {
    name: 'its class must be the claim’s',
    of: volume('v', { storageClassName: 'fast' }),
    by: claim('c'),
    why: 'storageClassName does not match',
  },
  {
    name: 'the class may stand in the old annotation',
    of: volume('v', { storageClassName: 'fast' }),
    by: claim('c', {}, { metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'fast' } } }),
    why: undefined,
  },
  {
    name: 'a block device is no file system',
    of: volume('v', { volumeMode: 'Block' }),
    by: claim('c'),
    why: 'incompatible volumeMode',
  },
  {
    name: 'it must have all access modes',
    of: volume('v'),
    by: claim('c', { accessModes: ['ReadWriteOnce', 'ReadWriteMany'] }),
    why: 'incompatible accessMode',
  },
])
  t.test(`a volume for a claim: ${name}`, async t => {
    t.equal(mismatch(of, by), why)
  })

t.test('the smallest free volume is chosen, by labels if asked, and one that names the claim before all', async t => {
  const free = { status: { phase: 'Available' } }
  const volumes = [
    volume('big', { capacity: { storage: '9Gi' } }, free),
    volume('small', { capacity: { storage: '2Gi' } }, free),
    volume('labelled', { capacity: { storage: '8Gi' } }, { ...free, metadata: { labels: { a: 'b' } } }),
    volume('new', { capacity: { storage: '1Gi' } }),
    volume('taken', { capacity: { storage: '1Gi' }, claimRef: { name: 'x', namespace: 'default', uid: 'x' } }, free),
    volume('named', { claimRef: { name: 'own', namespace: 'default' } }, free),
  ]
  const chosen = (of: PersistentVolumeClaim, preboundOnly = false) =>
    bestVolume(of, volumes, { preboundOnly })?.metadata?.name
  t.equal(chosen(claim('c')), 'small')
  t.equal(chosen(claim('c', { selector: { matchLabels: { a: 'b' } } })), 'labelled')
  t.equal(chosen(claim('own')), 'named')
  t.equal(chosen(claim('own'), true), 'named')
  t.equal(chosen(claim('c'), true), undefined)
})

const binder = (
  t: Parameters<typeof runControllers>[0],
  ...objects: NonNullable<Parameters<typeof runControllers>[2]>[number][]
) => runControllers(t, ['persistentvolume-binder-controller'], objects)
const phases = ({ client }: Harness): Record<string, string | undefined> =>
  Object.fromEntries(
    [...client.objects(persistentVolumes), ...client.objects(persistentVolumeClaims)].map(one => [
      one.metadata?.name ?? '',
      one.status?.phase,
    ]),
  )
const told = ({ client }: Harness): string[] => client.objects(events).map(event => event.reason ?? '')

t.test('a claim and a volume come to name each other', async t => {
  const h = await binder(t, volume('v'), claim('c'))
  t.same(phases(h), { v: 'Bound', c: 'Bound' })
  t.match(h.client.objects(persistentVolumes)[0], {
    metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
    spec: { claimRef: { kind: 'PersistentVolumeClaim', namespace: 'default', name: 'c', uid: 'pvc-c' } },
  })
  t.match(h.client.objects(persistentVolumeClaims)[0], {
    metadata: {
      annotations: { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' },
    },
    spec: { volumeName: 'v' },
    status: { accessModes: ['ReadWriteOnce'], capacity: { storage: '5Gi' } },
  })
  const writes = h.client.calls.length
  await h.client.patch(persistentVolumes, 'v', { metadata: { labels: { a: 'b' } } }, { type: 'merge' })
  await h.settle()
  t.equal(h.client.calls.length, writes + 1, 'what is bound costs no write')
})

t.test('two claims do not get the same volume', async t => {
  const h = await binder(t, volume('v'), claim('a'), claim('b'))
  t.equal(Object.values(phases(h)).filter(phase => phase === 'Bound').length, 2, 'one volume and one claim')
  h.client.set(volume('w'))
  await h.settle()
  t.same(new Set(Object.values(phases(h))), new Set(['Bound']))
})

t.test('a volume that is asked for by name is taken, or the event says why not', async t => {
  const h = await binder(t, volume('v'), claim('good', { volumeName: 'v' }))
  t.same(phases(h), { v: 'Bound', good: 'Bound' })
  t.notMatch(h.client.objects(persistentVolumeClaims)[0]?.metadata?.annotations, {
    'pv.kubernetes.io/bound-by-controller': 'yes',
  })
  const other = await binder(t, volume('v', { storageClassName: 'fast' }), claim('bad', { volumeName: 'v' }))
  t.same(phases(other), { v: 'Available', bad: 'Pending' })
  t.ok(
    other.client
      .objects(events)
      .some(({ message }) => message?.endsWith('"v": storageClassName does not match') === true),
  )
})

for (const { name, storageClassName, classes, reason } of [
  { name: 'without a class', storageClassName: undefined, classes: [], reason: 'FailedBinding' },
  { name: 'of a class that there is not', storageClassName: 'x', classes: [], reason: 'ProvisioningFailed' },
  {
    name: 'whose class waits for a pod',
    storageClassName: 'x',
    classes: [storageClass('x', 'WaitForFirstConsumer')],
    reason: 'WaitForFirstConsumer',
  },
  {
    name: 'whose class has a provisioner',
    storageClassName: 'x',
    classes: [storageClass('x', 'Immediate', 'example.com/nfs')],
    reason: 'ExternalProvisioning',
  },
])
  t.test(`a claim ${name} stays Pending and says ${reason}`, async t => {
    const spec = storageClassName === undefined ? {} : { storageClassName }
    const h = await binder(t, claim('c', spec), ...classes)
    t.same(phases(h), { c: 'Pending' })
    t.same(told(h), [reason])
  })

t.test('a class that waits for a pod keeps volumes from claims that none names', async t => {
  const spec = { storageClassName: 'x' }
  const h = await binder(t, volume('v', spec), claim('c', spec), storageClass('x', 'WaitForFirstConsumer'))
  t.same(phases(h), { v: 'Available', c: 'Pending' })
})

for (const { policy, phase } of [
  { policy: 'Retain', phase: 'Released' },
  { policy: 'Delete', phase: 'Failed' },
  { policy: 'Recycle', phase: 'Failed' },
])
  t.test(`with ${policy} a volume whose claim has gone is ${phase}, and nobody gets it`, async t => {
    const h = await binder(t, volume('v', { persistentVolumeReclaimPolicy: policy }), claim('c'))
    const [bound] = h.client.objects(persistentVolumeClaims)
    if (bound !== undefined) h.client.remove(bound)
    await h.settle()
    h.client.set(claim('c', {}, { metadata: { uid: 'pvc-later' } }))
    await h.settle()
    t.same(phases(h), { v: phase, c: 'Pending' })
  })

t.test('a claim whose volume has gone is Lost', async t => {
  const h = await binder(t, volume('v'), claim('c'))
  const [bound] = h.client.objects(persistentVolumes)
  if (bound !== undefined) h.client.remove(bound)
  await h.settle()
  t.same(phases(h), { c: 'Lost' })
  t.ok(told(h).includes('ClaimLost'))
})

const protection = (
  t: Parameters<typeof runControllers>[0],
  ...objects: NonNullable<Parameters<typeof runControllers>[2]>[number][]
) =>
  runControllers(t, ['persistentvolumeclaim-protection-controller', 'persistentvolume-protection-controller'], objects)
const user = (name: string, claimName: string, node?: string): Pod =>
  pod(name, {
    ...(node === undefined ? {} : { node }),
    spec: { containers: [], volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] },
  })

t.test('claims and volumes that live are given their finalizers', async t => {
  const h = await protection(t, volume('v'), claim('c'))
  t.same(h.client.objects(persistentVolumes)[0]?.metadata?.finalizers, ['kubernetes.io/pv-protection'])
  t.same(h.client.objects(persistentVolumeClaims)[0]?.metadata?.finalizers, ['kubernetes.io/pvc-protection'])
})

t.test('a claim goes when the last pod that uses it has gone; pods without a node do not count', async t => {
  const doomed = { finalizers: ['a/b', 'kubernetes.io/pvc-protection'], deletionTimestamp: t0 }
  const h = await protection(
    t,
    claim('used', {}, { metadata: { name: 'used', namespace: 'default', uid: 'u', ...doomed } }),
    claim('waited-for', {}, { metadata: { name: 'waited-for', namespace: 'default', uid: 'w', ...doomed } }),
    user('a', 'used', 'n1'),
    user('b', 'waited-for'),
  )
  const finalizers = () =>
    Object.fromEntries(
      h.client.objects(persistentVolumeClaims).map(({ metadata }) => [metadata?.name, metadata?.finalizers]),
    )
  t.same(finalizers(), { used: ['a/b', 'kubernetes.io/pvc-protection'], 'waited-for': ['a/b'] })
  h.client.remove(user('a', 'used', 'n1'))
  await h.settle()
  t.same(finalizers(), { used: ['a/b'], 'waited-for': ['a/b'] })
})

for (const { phase, gone } of [
  { phase: 'Bound', gone: false },
  { phase: 'Released', gone: true },
])
  t.test(`a deleted volume that is ${phase} ${gone ? 'goes' : 'stays'}`, async t => {
    const metadata = { name: 'v', uid: 'v', finalizers: ['kubernetes.io/pv-protection'], deletionTimestamp: t0 }
    const h = await protection(t, volume('v', {}, { status: { phase }, metadata }))
    t.equal(h.client.objects(persistentVolumes).length, gone ? 0 : 1)
  })
