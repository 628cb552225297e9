import type { DaemonSet } from 'kubernetes-types/apps/v1.js'
import type { Node, Pod } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import { judgeNode, targetNode } from '../../../../daemons/controller-manager/daemonset/daemon-node.ts'
import { controllerRevisions, daemonSets, events, pods } from '../../../../kube/resources.ts'
import { runControllers, type Harness } from '../harness.ts'
import { node, pod, t0 } from '../objects.ts'

const daemonSet = (spec: Partial<DaemonSet['spec']> = {}, podSpec: object = {}): DaemonSet => ({
  apiVersion: 'apps/v1',
  kind: 'DaemonSet',
  metadata: { name: 'd', namespace: 'default', uid: 'ds-d', generation: 1 },
  spec: {
    selector: { matchLabels: { app: 'd' } },
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
    revisionHistoryLimit: 10,
    template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'v1' }], ...podSpec } },
    ...spec,
  },
})
const tainted = (name: string, key: string, effect: string): Node => ({
  ...node(name),
  spec: { taints: [{ key, effect }] },
})
const labelled = (name: string, labels: Record<string, string>): Node => ({
  ...node(name),
  metadata: { ...node(name).metadata, labels },
})

for (const { name, of, at, shouldRun, mayStay = shouldRun } of [
  { name: 'any node will do', of: daemonSet(), at: node('n'), shouldRun: true },
  {
    name: 'a node selector is heeded',
    of: daemonSet({}, { nodeSelector: { a: 'b' } }),
    at: node('n'),
    shouldRun: false,
  },
  {
    name: 'a node selector is met',
    of: daemonSet({}, { nodeSelector: { a: 'b' } }),
    at: labelled('n', { a: 'b' }),
    shouldRun: true,
  },
  {
    name: 'a node that is named is the only one',
    of: daemonSet({}, { nodeName: 'm' }),
    at: node('n'),
    shouldRun: false,
  },
  {
    name: 'a taint keeps new pods away and lets old ones stay',
    of: daemonSet(),
    at: tainted('n', 'k', 'NoSchedule'),
    shouldRun: false,
    mayStay: true,
  },
  { name: 'a NoExecute taint drives away', of: daemonSet(), at: tainted('n', 'k', 'NoExecute'), shouldRun: false },
  {
    name: 'a mere preference does not count',
    of: daemonSet(),
    at: tainted('n', 'k', 'PreferNoSchedule'),
    shouldRun: true,
  },
  {
    name: 'daemons run on cordoned nodes',
    of: daemonSet(),
    at: tainted('n', 'node.kubernetes.io/unschedulable', 'NoSchedule'),
    shouldRun: true,
  },
  {
    name: 'only those in the host’s network run without a network',
    of: daemonSet(),
    at: tainted('n', 'node.kubernetes.io/network-unavailable', 'NoSchedule'),
    shouldRun: false,
    mayStay: true,
  },
  {
    name: 'those in the host’s network run without another',
    of: daemonSet({}, { hostNetwork: true }),
    at: tainted('n', 'node.kubernetes.io/network-unavailable', 'NoSchedule'),
    shouldRun: true,
  },
])
  t.test(`where daemons run: ${name}`, async t => {
    t.same(judgeNode(of, at), { shouldRun, mayStay })
  })

const the = ({ client }: Harness): DaemonSet | undefined => client.objects(daemonSets)[0]
const seen = ({ client }: Harness): string[] =>
  client
    .objects(pods)
    .map(one => `${targetNode(one)} ${one.spec?.containers[0]?.image}`)
    .sort()

const revisions = ({ client }: Harness): number[] =>
  client
    .objects(controllerRevisions)
    .map(({ revision }) => revision)
    .sort((a, b) => a - b)

/** Does what scheduler and kubelets would; `one` step lets a single round happen. */
const kubelets = async (h: Harness, rounds = 12): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    for (const one of h.client.objects(pods)) {
      if (one.metadata?.deletionTimestamp !== undefined) h.client.remove(one)
      else if (one.status?.phase !== 'Running' && one.status?.phase !== 'Failed')
        h.client.set<Pod>({
          ...one,
          spec: { containers: [], ...one.spec, nodeName: targetNode(one) },
          status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: t0 }] },
        })
    }
    await h.settle()
  }
}
const image = (value: string) => ({ spec: { template: { spec: { containers: [{ name: 'c', image: value }] } } } })
const change = (h: Harness, patch: object) =>
  h.client.patch(daemonSets, 'd', patch, { type: 'merge', namespace: 'default' })

t.test('every node has its pod, new ones too, and nodes that go take theirs along', async t => {
  const h = await runControllers(t, ['daemonset-controller'], [daemonSet(), node('n1'), node('n2')])
  t.match(h.client.objects(pods)[0], {
    metadata: { generateName: 'd-', labels: { 'controller-revision-hash': String, app: 'd' } },
    spec: {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }],
          },
        },
      },
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }],
    },
  })
  await kubelets(h)
  h.client.set(node('n3'))
  await kubelets(h)
  t.same(seen(h), ['n1 v1', 'n2 v1', 'n3 v1'])
  t.same(the(h)?.status, {
    currentNumberScheduled: 3,
    desiredNumberScheduled: 3,
    numberMisscheduled: 0,
    numberReady: 3,
    numberAvailable: 3,
    updatedNumberScheduled: 3,
    observedGeneration: 1,
  })
  h.client.set(tainted('n3', 'k', 'NoExecute'))
  await kubelets(h)
  t.same(seen(h), ['n1 v1', 'n2 v1'])
  const writes = h.client.calls.length
  await h.clock.advance(20 * 60_000)
  await h.settle()
  t.equal(h.client.calls.length, writes, 'a settled DaemonSet costs no write')
})

t.test('a rollout goes node by node, and its history can be undone', async t => {
  const h = await runControllers(t, ['daemonset-controller'], [daemonSet(), node('n1'), node('n2')])
  await kubelets(h)
  await change(h, image('v2'))
  await h.settle()
  t.equal(h.client.objects(pods).filter(one => one.metadata?.deletionTimestamp !== undefined).length, 1)
  await kubelets(h)
  t.same(seen(h), ['n1 v2', 'n2 v2'])
  t.match(the(h)?.status, { updatedNumberScheduled: 2, numberAvailable: 2, observedGeneration: 2 })
  const first = h.client.objects(controllerRevisions).find(({ revision }) => revision === 1)
  t.match(JSON.stringify(first?.data), /^\{"spec":\{"template":\{"\$patch":"replace","metadata"/, 'sorted as Go sorts')
  t.same(first?.data, {
    spec: {
      template: {
        metadata: { labels: { app: 'd' } },
        spec: { containers: [{ name: 'c', image: 'v1' }] },
        $patch: 'replace',
      },
    },
  })
  await change(h, image('v1'))
  await kubelets(h)
  t.same(seen(h), ['n1 v1', 'n2 v1'])
  t.same(revisions(h), [2, 3])
})

t.test('with OnDelete only deleted pods are made anew', async t => {
  const h = await runControllers(
    t,
    ['daemonset-controller'],
    [daemonSet({ updateStrategy: { type: 'OnDelete' } }), node('n1'), node('n2')],
  )
  await kubelets(h)
  await change(h, image('v2'))
  await kubelets(h)
  t.same(seen(h), ['n1 v1', 'n2 v1'])
  const [one] = h.client.objects(pods).filter(other => targetNode(other) === 'n1')
  if (one !== undefined) h.client.remove(one)
  await kubelets(h)
  t.same(seen(h), ['n1 v2', 'n2 v1'])
  t.match(the(h)?.status, { updatedNumberScheduled: 1 })
})

t.test('with surge the new pod comes before the old one goes', async t => {
  const updateStrategy = { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
  const h = await runControllers(t, ['daemonset-controller'], [daemonSet({ updateStrategy }), node('n1'), node('n2')])
  await kubelets(h)
  await change(h, image('v2'))
  await h.settle()
  t.equal(seen(h).length, 3, 'one more, on one node')
  t.equal(seen(h).filter(one => one.endsWith('v1')).length, 2)
  await kubelets(h)
  t.same(seen(h), ['n1 v2', 'n2 v2'])
})

t.test('old revisions are cleared away past the limit', async t => {
  const h = await runControllers(t, ['daemonset-controller'], [daemonSet({ revisionHistoryLimit: 1 }), node('n1')])
  for (const version of ['v2', 'v3', 'v4']) {
    await kubelets(h)
    await change(h, image(version))
  }
  await kubelets(h)
  t.same(revisions(h), [3, 4])
})

t.test('a name that another template has gives another name, and the count of collisions', async t => {
  const h = await runControllers(t, ['daemonset-controller'], [daemonSet(), node('n1')])
  const [made] = h.client.objects(controllerRevisions)
  await h.stop()
  const { ownerReferences: _, ...metadata } = made?.metadata ?? {}
  const taken = {
    apiVersion: 'apps/v1' as const,
    kind: 'ControllerRevision' as const,
    revision: 1,
    metadata: { ...metadata, labels: {} },
    data: {},
  }
  const again = await runControllers(t, ['daemonset-controller'], [daemonSet(), node('n1'), taken])
  t.equal(again.client.objects(controllerRevisions).length, 2)
  t.equal(the(again)?.status?.collisionCount, 1)
})

t.test('failed pods are replaced, later each time', async t => {
  const h = await runControllers(t, ['daemonset-controller'], [daemonSet(), node('n1')])
  const fail = async (): Promise<void> => {
    for (const one of h.client.objects(pods)) h.client.set<Pod>({ ...one, status: { phase: 'Failed' } })
    await h.settle()
  }
  await fail()
  t.notMatch(h.client.objects(pods)[0]?.status?.phase, 'Failed', 'the first at once')
  await fail()
  t.equal(h.client.objects(pods)[0]?.status?.phase, 'Failed')
  await h.clock.advance(1000)
  await h.settle()
  t.notMatch(h.client.objects(pods)[0]?.status?.phase, 'Failed')
  t.ok(h.client.objects(events).some(({ reason }) => reason === 'FailedDaemonPod'))
})

t.test('a free pod on a node is taken in, and a second one let go', async t => {
  const free = pod('free', { labels: { app: 'd' }, node: 'n1', created: '2025-01-01T00:00:00Z' })
  const h = await runControllers(t, ['daemonset-controller'], [daemonSet(), node('n1'), free])
  t.match(
    h.client.objects(pods).map(({ metadata }) => metadata),
    [{ name: 'free', ownerReferences: [{ uid: 'ds-d' }] }],
  )
})
