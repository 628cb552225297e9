import type { StatefulSet } from 'kubernetes-types/apps/v1.js'
import type { Pod } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import { controllerRevisions, events, persistentVolumeClaims, pods, statefulSets } from '../../../../kube/resources.ts'
import { runControllers, type Harness } from '../harness.ts'
import { t0 } from '../objects.ts'

type Spec = NonNullable<StatefulSet['spec']>

const statefulSet = (spec: Partial<Spec> = {}): StatefulSet => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace: 'default', uid: 'ss-web', generation: 1 },
  spec: {
    replicas: 3,
    serviceName: 'nginx',
    selector: { matchLabels: { app: 'web' } },
    podManagementPolicy: 'OrderedReady',
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    revisionHistoryLimit: 10,
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'v1' }] } },
    ...spec,
  },
})
const volumeClaimTemplates = [
  { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
]

const the = ({ client }: Harness): StatefulSet | undefined => client.objects(statefulSets)[0]
const seen = ({ client }: Harness): string[] =>
  client
    .objects(pods)
    .map(({ metadata, spec }) => `${metadata?.name} ${spec?.containers[0]?.image}`)
    .sort((a, b) => (a < b ? -1 : 1))
const names = (h: Harness): string[] => seen(h).map(one => one.split(' ')[0] ?? '')
const claims = ({ client }: Harness): string[] =>
  client
    .objects(persistentVolumeClaims)
    .map(({ metadata }) =>
      `${metadata?.name} ${(metadata?.ownerReferences ?? []).map(({ kind }) => kind).join()}`.trim(),
    )
    .sort((a, b) => (a < b ? -1 : 1))
const run = (
  t: Parameters<typeof runControllers>[0],
  ...objects: NonNullable<Parameters<typeof runControllers>[2]>[number][]
) => runControllers(t, ['statefulset-controller'], objects)

/** One round of what kubelets do: pods that are there become ready, pods to be deleted go. */
const round = async (h: Harness): Promise<void> => {
  for (const one of h.client.objects(pods)) {
    if (one.metadata?.deletionTimestamp !== undefined) h.client.remove(one)
    else if (one.status?.phase === 'Pending')
      h.client.set<Pod>({
        ...one,
        spec: { containers: [], ...one.spec, nodeName: 'n' },
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: t0 }] },
      })
  }
  await h.settle()
}
const rounds = async (h: Harness, count = 12): Promise<void> => {
  for (let i = 0; i < count; i++) await round(h)
}
const change = (h: Harness, spec: object) =>
  h.client.patch(statefulSets, 'web', { spec }, { type: 'merge', namespace: 'default' })
const image = (value: string) => ({ template: { spec: { containers: [{ name: 'c', image: value }] } } })

t.test('pods come in order, each when the one before it is ready, and go in the opposite order', async t => {
  const h = await run(t, statefulSet())
  t.same(names(h), ['web-0'])
  await round(h)
  t.same(names(h), ['web-0', 'web-1'])
  await rounds(h)
  t.same(names(h), ['web-0', 'web-1', 'web-2'])
  const revision = the(h)?.status?.updateRevision
  t.match(h.client.objects(pods)[1], {
    metadata: {
      labels: {
        'statefulset.kubernetes.io/pod-name': 'web-1',
        'apps.kubernetes.io/pod-index': '1',
        'controller-revision-hash': revision,
      },
    },
    spec: { hostname: 'web-1', subdomain: 'nginx' },
  })
  t.same(the(h)?.status, {
    replicas: 3,
    readyReplicas: 3,
    currentReplicas: 3,
    updatedReplicas: 3,
    availableReplicas: 3,
    currentRevision: revision,
    updateRevision: revision,
    observedGeneration: 1,
    collisionCount: 0,
  })
  const writes = h.client.calls.length
  await h.clock.advance(20 * 60_000)
  t.equal(h.client.calls.length, writes, 'a settled StatefulSet costs no write')
  await change(h, { replicas: 1 })
  await h.settle()
  t.same(
    h.client.objects(pods).flatMap(({ metadata }) => (metadata?.deletionTimestamp ? [metadata.name] : [])),
    ['web-2'],
  )
  await rounds(h)
  t.same(names(h), ['web-0'])
  t.ok(h.client.objects(events).some(({ message }) => message === 'delete Pod web-2 in StatefulSet web successful'))
})

t.test('in parallel all come and go at once', async t => {
  const h = await run(t, statefulSet({ podManagementPolicy: 'Parallel', ordinals: { start: 5 } }))
  t.same(names(h), ['web-5', 'web-6', 'web-7'])
  await round(h)
  await change(h, { replicas: 0 })
  await h.settle()
  t.ok(h.client.objects(pods).every(({ metadata }) => metadata?.deletionTimestamp !== undefined))
})

t.test('a rollout goes from the highest ordinal down, one by one', async t => {
  const h = await run(t, statefulSet())
  await rounds(h)
  const before = the(h)?.status?.currentRevision
  await change(h, image('v2'))
  await h.settle()
  t.match(the(h)?.status, { currentRevision: before, currentReplicas: 2 })
  t.not(the(h)?.status?.updateRevision, before)
  await round(h)
  t.same(seen(h), ['web-0 v1', 'web-1 v1', 'web-2 v2'])
  await rounds(h)
  t.same(seen(h), ['web-0 v2', 'web-1 v2', 'web-2 v2'])
  t.equal(the(h)?.status?.currentRevision, the(h)?.status?.updateRevision)
  await change(h, image('v1'))
  await rounds(h)
  t.same(seen(h), ['web-0 v1', 'web-1 v1', 'web-2 v1'])
  t.equal(the(h)?.status?.currentRevision, before, 'the revision of before is used again')
  t.equal(h.client.objects(controllerRevisions).find(({ metadata }) => metadata?.name === before)?.revision, 3)
})

t.test('below the partition pods stay as they were, also when they are made anew', async t => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { partition: 2 } }
  const h = await run(t, statefulSet({ updateStrategy }))
  await rounds(h)
  await change(h, image('v2'))
  await rounds(h)
  t.same(seen(h), ['web-0 v1', 'web-1 v1', 'web-2 v2'])
  await h.client.delete(pods, 'web-0', { namespace: 'default' })
  await rounds(h)
  t.same(seen(h), ['web-0 v1', 'web-1 v1', 'web-2 v2'])
  t.match(the(h)?.status, { currentReplicas: 2, updatedReplicas: 1 })
})

t.test('with OnDelete only deleted pods are made anew', async t => {
  const h = await run(t, statefulSet({ replicas: 2, updateStrategy: { type: 'OnDelete' } }))
  await rounds(h)
  await change(h, image('v2'))
  await rounds(h)
  t.same(seen(h), ['web-0 v1', 'web-1 v1'])
  await h.client.delete(pods, 'web-0', { namespace: 'default' })
  await rounds(h)
  t.same(seen(h), ['web-0 v2', 'web-1 v1'])
})

t.test('a pod that is not available for long enough holds up the next', async t => {
  const h = await run(t, statefulSet({ replicas: 2, minReadySeconds: 60 }))
  const [pod] = h.client.objects(pods)
  const lastTransitionTime = new Date(h.clock.now()).toISOString()
  if (pod !== undefined)
    h.client.set<Pod>({
      ...pod,
      status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime }] },
    })
  await h.settle()
  t.same(names(h), ['web-0'])
  t.match(the(h)?.status, { readyReplicas: 1, availableReplicas: 0 })
  await h.clock.advance(60_000)
  await h.settle()
  t.same(names(h), ['web-0', 'web-1'])
})

t.test('a pod that has ended, well or badly, is made anew', async t => {
  const h = await run(t, statefulSet({ replicas: 1 }))
  for (const phase of ['Failed', 'Succeeded']) {
    const [pod] = h.client.objects(pods)
    if (pod !== undefined) h.client.set<Pod>({ ...pod, status: { phase } })
    await h.settle()
    t.equal(h.client.objects(pods)[0]?.status?.phase, 'Pending')
  }
})

t.test('each pod has its claims, which outlive it', async t => {
  const h = await run(t, statefulSet({ replicas: 2, volumeClaimTemplates }))
  await rounds(h)
  t.same(claims(h), ['data-web-0', 'data-web-1'])
  t.match(h.client.objects(pods)[1]?.spec?.volumes, [
    { name: 'data', persistentVolumeClaim: { claimName: 'data-web-1' } },
  ])
  t.match(h.client.objects(persistentVolumeClaims)[0], {
    metadata: { labels: { app: 'web' } },
    spec: { accessModes: ['ReadWriteOnce'] },
  })
  await change(h, { replicas: 0 })
  await rounds(h)
  t.same(claims(h), ['data-web-0', 'data-web-1'])
})

for (const { policy, standing, scaledDown } of [
  { policy: { whenDeleted: 'Delete', whenScaled: 'Retain' }, standing: 'StatefulSet', scaledDown: 'StatefulSet' },
  { policy: { whenDeleted: 'Retain', whenScaled: 'Delete' }, standing: '', scaledDown: 'Pod' },
  { policy: { whenDeleted: 'Delete', whenScaled: 'Delete' }, standing: 'StatefulSet', scaledDown: 'Pod' },
])
  t.test(`claims belong to whom ${JSON.stringify(policy)} says`, async t => {
    const h = await run(
      t,
      statefulSet({ replicas: 2, volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: policy }),
    )
    await rounds(h)
    t.same(claims(h), [`data-web-0 ${standing}`.trim(), `data-web-1 ${standing}`.trim()])
    await change(h, { replicas: 1 })
    await h.settle()
    t.same(claims(h), [`data-web-0 ${standing}`.trim(), `data-web-1 ${scaledDown}`])
  })

t.test('a pod waits for the claim of an earlier one of its name to go', async t => {
  const old = {
    apiVersion: 'v1' as const,
    kind: 'PersistentVolumeClaim' as const,
    metadata: { name: 'data-web-0', namespace: 'default', deletionTimestamp: t0, finalizers: ['x/y'] },
  }
  const h = await run(t, statefulSet({ replicas: 1, volumeClaimTemplates }), old)
  t.same(names(h), [])
  h.client.remove(old)
  await h.settle()
  t.same(names(h), ['web-0'])
})

t.test('free pods are taken in by their names, and given the labels of their ordinals', async t => {
  const free = (name: string): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'v1' }] },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: t0 }] },
  })
  const h = await run(
    t,
    statefulSet({ replicas: 1, updateStrategy: { type: 'OnDelete' } }),
    free('web-0'),
    free('other'),
  )
  const [other, first] = h.client
    .objects(pods)
    .sort((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
  t.equal(other?.metadata?.ownerReferences, undefined)
  t.match(first?.metadata, {
    ownerReferences: [{ uid: 'ss-web' }],
    labels: { 'apps.kubernetes.io/pod-index': '0' },
  })
})

t.test('old revisions are cleared away past the limit', async t => {
  const h = await run(t, statefulSet({ replicas: 1, revisionHistoryLimit: 1 }))
  for (const version of ['v2', 'v3', 'v4']) {
    await rounds(h)
    await change(h, image(version))
  }
  await rounds(h)
  t.equal(h.client.objects(controllerRevisions).length, 2)
})
