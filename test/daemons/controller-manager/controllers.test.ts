import type { Deployment } from 'kubernetes-types/apps/v1.js'
import type { Endpoints, Pod, ReplicationController, Service } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import {
  configMaps,
  deployments,
  endpoints,
  endpointSlices,
  events,
  leases,
  namespaces,
  nodes,
  pods,
  replicaSets,
  replicationControllers,
  secrets,
  serviceAccounts,
  services,
} from '../../../kube/resources.ts'
import { runControllers, type Harness } from './harness.ts'
import { deployment, namespace, node, pod, replicaSet, service, t0 } from './objects.ts'

const where = { type: 'merge', namespace: 'default' } as const

/** Does what a node's kubelet would: pods that are there run and are ready, pods to be deleted go. */
const kubelet = async ({ client, settle }: Harness): Promise<void> => {
  for (let round = 0; round < 12; round++) {
    for (const one of client.objects(pods)) {
      if (one.metadata?.deletionTimestamp !== undefined) client.remove(one)
      else if (one.status?.phase !== 'Running')
        client.set<Pod>({
          ...one,
          spec: { ...one.spec, containers: one.spec?.containers ?? [], nodeName: 'n1' },
          status: {
            phase: 'Running',
            podIP: '10.244.0.9',
            conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: t0 }],
          },
        })
    }
    await settle()
  }
}

const rollout = ['deployment-controller', 'replicaset-controller']
const images = ({ client }: Harness) =>
  client
    .objects(pods)
    .map(one => one.spec?.containers[0]?.image ?? '')
    .sort()
const the = (h: Harness) => h.client.objects(deployments)[0]

t.test('a deployment is rolled out, changed, undone, scaled and stands still in between', async t => {
  const h = await runControllers(t, rollout, [deployment('web', 3)])
  await kubelet(h)
  t.same(images(h), ['v1', 'v1', 'v1'])
  t.match(the(h)?.status, {
    replicas: 3,
    readyReplicas: 3,
    availableReplicas: 3,
    updatedReplicas: 3,
    observedGeneration: 1,
  })
  t.match(the(h)?.metadata?.annotations, { 'deployment.kubernetes.io/revision': '1' })

  const writes = h.client.calls.length
  await h.clock.advance(20 * 60_000)
  await h.settle()
  t.equal(h.client.calls.length, writes, 'a settled deployment costs no write')

  const template = (image: string) => ({ spec: { template: { spec: { containers: [{ name: 'c', image }] } } } })
  await h.client.patch(deployments, 'web', template('v2'), where)
  await kubelet(h)
  t.same(images(h), ['v2', 'v2', 'v2'])
  t.match(the(h)?.status, { replicas: 3, updatedReplicas: 3, observedGeneration: 2 })
  t.equal(the(h)?.metadata?.annotations?.['deployment.kubernetes.io/revision'], '2')

  await h.client.patch(deployments, 'web', template('v1'), where)
  await kubelet(h)
  t.same(images(h), ['v1', 'v1', 'v1'])
  t.equal(the(h)?.metadata?.annotations?.['deployment.kubernetes.io/revision'], '3')
  t.equal(h.client.objects(replicaSets).length, 2, 'the first set is used again')

  await h.client.patch(deployments, 'web', { spec: { replicas: 1 } }, where)
  await kubelet(h)
  t.same(images(h), ['v1'])
  t.ok(
    h.client
      .objects(events)
      .some(event => event.reason === 'ScalingReplicaSet' && /from 3 to 1/.test(event.message ?? '')),
  )
})

t.test('Recreate never runs both versions at once', async t => {
  const h = await runControllers(t, rollout, [deployment('web', 2, { strategy: { type: 'Recreate' } })])
  await kubelet(h)
  await h.client.patch(
    deployments,
    'web',
    { spec: { template: { spec: { containers: [{ name: 'c', image: 'v2' }] } } } },
    where,
  )
  await h.settle()
  t.same(new Set(images(h)), new Set(['v1']), 'the old pods are still ending')
  await kubelet(h)
  t.same(images(h), ['v2', 'v2'])
})

t.test('a replica set makes exactly its pods though its cache is late', async t => {
  let open: () => void = () => {}
  const gate = new Promise<void>(resolve => (open = resolve))
  const h = await runControllers(t, ['replicaset-controller'], [], {}, client => {
    const watch = client.watch.bind(client)
    // The pods that are made are not seen before the gate opens.
    client.watch = (resource, options) =>
      (async function* () {
        for await (const event of watch(resource, options)) {
          if (resource.kind === 'Pod') await gate
          yield event
        }
      })()
  })
  h.client.set(replicaSet('a', 5))
  for (let i = 0; i < 5; i++) {
    await h.settle()
    await h.client.patch(replicaSets, 'a', { metadata: { annotations: { i: String(i) } } }, where)
  }
  t.equal(h.client.objects(pods).length, 5)
  open()
  await h.settle()
  t.equal(h.client.objects(pods).length, 5)
  t.equal(h.client.calls.filter(call => call.verb === 'create' && call.resource.kind === 'Pod').length, 5)
})

t.test('a pod that is deleted is replaced, one that is relabelled let go, a free one taken in', async t => {
  const h = await runControllers(t, ['replicaset-controller'], [replicaSet('a', 2), pod('free')])
  t.equal(h.client.objects(pods).length, 2)
  t.match((await h.client.get(pods, 'free', { namespace: 'default' })).metadata?.ownerReferences, [
    { uid: 'rs-a', controller: true },
  ])
  await h.client.patch(pods, 'free', { metadata: { labels: { app: 'other' } } }, where)
  await h.settle()
  t.equal((await h.client.get(pods, 'free', { namespace: 'default' })).metadata?.ownerReferences, undefined)
  t.equal(h.client.objects(pods).length, 3)
  const owned = h.client.objects(pods).find(one => one.metadata?.name !== 'free')
  await h.client.delete(pods, owned?.metadata?.name ?? '', { namespace: 'default' })
  await h.settle()
  t.equal(h.client.objects(pods).length, 3)
})

t.test('pods that cannot be made are tried for slowly, and the status says why', async t => {
  const h = await runControllers(t, ['replicaset-controller'])
  h.client.intercept = call => {
    if (call.verb === 'create' && call.resource.kind === 'Pod') throw new Error('exceeded quota')
  }
  h.client.set(replicaSet('a', 100))
  await h.settle()
  const tried = h.client.calls.filter(call => call.verb === 'create' && call.resource.kind === 'Pod').length
  t.ok(tried >= 1 && tried < 12, `${tried} attempts`)
  t.match(h.client.objects(replicaSets)[0]?.status?.conditions, [
    { type: 'ReplicaFailure', reason: 'FailedCreate', message: 'exceeded quota' },
  ])
  h.client.intercept = () => {}
  await h.clock.advance(60_000)
  await h.settle()
  t.equal(h.client.objects(pods).length, 100)
  t.same(h.client.objects(replicaSets)[0]?.status?.conditions ?? [], [])
})

t.test('a service has Endpoints and a slice that follow its pods, and go with it', async t => {
  const h = await runControllers(
    t,
    ['endpoints-controller', 'endpointslice-controller', 'endpointslice-mirroring-controller'],
    [service('web'), pod('a', { ip: '10.244.0.8' })],
  )
  t.match(h.client.objects(endpoints), [{ subsets: [{ addresses: [{ ip: '10.244.0.8' }] }] }])
  t.match(h.client.objects(endpointSlices), [{ endpoints: [{ addresses: ['10.244.0.8'] }] }])
  const writes = h.client.calls.length
  h.client.set({ ...pod('a', { ip: '10.244.0.8' }), metadata: { ...pod('a').metadata, annotations: { x: 'y' } } })
  await h.settle()
  t.equal(h.client.calls.length, writes, 'what endpoints do not show is no write')
  h.client.set(pod('b', { ip: '10.244.0.9' }))
  await h.settle()
  t.equal(h.client.calls.length, writes + 2, 'one more pod is one write each')
  t.equal(h.client.objects(endpointSlices)[0]?.endpoints.length, 2)
  await h.client.delete(services, 'web', { namespace: 'default' })
  await h.settle()
  t.same(h.client.objects(endpoints), [])
  t.same(h.client.objects(endpointSlices), [])
})

t.test('Endpoints written by hand are mirrored; those of controllers are not', async t => {
  const plain = service('ext')
  const { selector: _, ...spec } = plain.spec ?? {}
  const manual = {
    apiVersion: 'v1' as const,
    kind: 'Endpoints' as const,
    metadata: { name: 'ext', namespace: 'default', uid: 'e' },
    subsets: [{ addresses: [{ ip: '192.0.2.1' }], ports: [{ port: 80 }] }],
  }
  const h = await runControllers(
    t,
    ['endpoints-controller', 'endpointslice-controller', 'endpointslice-mirroring-controller'],
    [{ ...plain, spec } as Service, manual as Endpoints],
  )
  t.match(h.client.objects(endpointSlices), [
    { metadata: { labels: { 'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io' } } },
  ])
  h.client.remove(manual)
  await h.settle()
  t.same(h.client.objects(endpointSlices), [])
})

t.test('a namespace goes when its content has gone, pods first', async t => {
  const config = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', namespace: 'x' } }
  const inside: Pod = { ...pod('a', { node: 'n1' }), metadata: { ...pod('a').metadata, namespace: 'x' } }
  const h = await runControllers(t, ['namespace-controller'], [namespace('x'), config, inside])
  await h.client.delete(namespaces, 'x')
  await h.settle()
  t.match(h.client.objects(namespaces)[0]?.status, { phase: 'Terminating' })
  const remaining = h.client
    .objects(namespaces)[0]
    ?.status?.conditions?.find(c => c.type === 'NamespaceContentRemaining')
  t.match(remaining, { status: 'True', message: /configmaps has 1 resource instances, pods has 1/ })
  t.equal(h.client.objects(configMaps).length, 1, 'what the pod needs stays until it is gone')
  h.client.remove(inside)
  await h.settle()
  t.same(h.client.objects(namespaces), [])
  t.same(h.client.objects(configMaps), [])
})

t.test('every namespace has its default account, also after it was deleted', async t => {
  const h = await runControllers(t, ['serviceaccount-controller'], [namespace('x')])
  await h.client.delete(serviceAccounts, 'default', { namespace: 'x' })
  await h.settle()
  t.equal(h.client.objects(serviceAccounts).length, 1)
})

const owned = (
  kind: 'Secret' | 'ConfigMap',
  name: string,
  owner: { uid?: string; name?: string } | undefined,
  block = false,
) => ({
  apiVersion: 'v1',
  kind,
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    ownerReferences: [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: owner?.name ?? '',
        uid: owner?.uid ?? '',
        blockOwnerDeletion: block,
      },
    ],
  },
})
const root = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'root', namespace: 'default', uid: 'root' } }

t.test('deleting an owner in the background takes its dependents along, level by level', async t => {
  const h = await runControllers(
    t,
    ['garbage-collector-controller'],
    [
      root,
      owned('ConfigMap', 'child', { uid: 'root', name: 'root' }),
      owned('Secret', 'grandchild', { uid: 'child', name: 'child' }),
    ],
  )
  t.equal(h.client.objects(secrets).length, 1)
  await h.client.delete(configMaps, 'root', { namespace: 'default' })
  await h.settle()
  t.same(h.client.objects(configMaps), [])
  t.same(h.client.objects(secrets), [])
})

t.test('in the foreground the owner waits for the dependents that block it', async t => {
  const child = owned('ConfigMap', 'child', { uid: 'root', name: 'root' }, true)
  const held = { ...child, metadata: { ...child.metadata, finalizers: ['example.com/hold'] } }
  const h = await runControllers(t, ['garbage-collector-controller'], [root, held])
  await h.client.delete(configMaps, 'root', { namespace: 'default', propagationPolicy: 'Foreground' })
  await h.settle()
  t.match(
    h.client.objects(configMaps).map(one => one.metadata?.deletionTimestamp !== undefined),
    [true, true],
  )
  await h.client.patch(configMaps, 'child', { metadata: { finalizers: null } }, where)
  await h.settle()
  t.same(h.client.objects(configMaps), [])
})

t.test('orphaning leaves the dependents without the owner', async t => {
  const h = await runControllers(
    t,
    ['garbage-collector-controller'],
    [root, owned('Secret', 'child', { uid: 'root', name: 'root' })],
  )
  await h.client.delete(configMaps, 'root', { namespace: 'default', propagationPolicy: 'Orphan' })
  await h.settle()
  t.same(h.client.objects(configMaps), [])
  t.equal(h.client.objects(secrets)[0]?.metadata?.ownerReferences, undefined)
})

t.test('an owner is absent by its uid, not by its name; owners of unknown kinds are taken to stand', async t => {
  const foreign = owned('Secret', 'foreign', { uid: 'x', name: 'x' })
  const reference = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'x', uid: 'x' }
  const h = await runControllers(
    t,
    ['garbage-collector-controller'],
    [
      root,
      owned('Secret', 'stale', { uid: 'an-earlier-root', name: 'root' }),
      { ...foreign, metadata: { ...foreign.metadata, ownerReferences: [reference] } },
    ],
  )
  t.same(
    h.client.objects(secrets).map(one => one.metadata?.name),
    ['foreign'],
  )
})

t.test('a silent node is told of, tainted and emptied after the toleration, while another one lives', async t => {
  const tolerant = pod('a', {
    node: 'dead',
    spec: {
      containers: [],
      tolerations: [
        { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      ],
    },
  })
  const h = await runControllers(
    t,
    ['node-lifecycle-controller', 'taint-eviction-controller'],
    [node('dead'), node('alive'), tolerant],
  )
  let renewed = 0
  const live = async (seconds: number) => {
    for (let i = 0; i < seconds; i += 5) {
      h.client.set({
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name: 'alive', namespace: 'kube-node-lease', uid: 'lease' },
        spec: { renewTime: `t${renewed++}` },
      })
      await h.clock.advance(5000)
    }
    await h.settle()
  }
  await live(35)
  t.equal(h.client.objects(nodes)[0]?.spec?.taints, undefined)
  await live(15)
  t.match(h.client.objects(nodes), [
    {
      status: { conditions: [{ type: 'Ready', status: 'Unknown' }, {}, {}, {}] },
      spec: { taints: [{ effect: 'NoSchedule' }, { effect: 'NoExecute' }] },
    },
    { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
  ])
  t.match(h.client.objects(pods)[0]?.status?.conditions, [{ type: 'Ready', status: 'False' }])
  await live(290)
  t.equal(h.client.objects(pods)[0]?.metadata?.deletionTimestamp, undefined)
  await live(30)
  t.type(h.client.objects(pods)[0]?.metadata?.deletionTimestamp, 'string')
  t.equal(h.client.objects(leases).length, 1)
})

t.test('a taint that does not say when it was added is tolerated from when it is first seen', async t => {
  const tolerations = [{ operator: 'Exists', tolerationSeconds: 60 }]
  const h = await runControllers(
    t,
    ['taint-eviction-controller'],
    [
      Object.assign(node('a'), { spec: { taints: [{ key: 'k', value: 'v', effect: 'NoExecute' }] } }),
      pod('p', { node: 'a', spec: { containers: [], tolerations } }),
    ],
  )
  await h.clock.advance(59_000)
  t.equal(h.client.objects(pods)[0]?.metadata?.deletionTimestamp, undefined)
  await h.clock.advance(1000)
  await h.settle()
  t.type(h.client.objects(pods)[0]?.metadata?.deletionTimestamp, 'string')
})

t.test('a node that comes back in time keeps its pods', async t => {
  const h = await runControllers(
    t,
    ['node-lifecycle-controller', 'taint-eviction-controller'],
    [
      node('a', 'Unknown'),
      node('b'),
      pod('p', { node: 'a', spec: { containers: [], tolerations: [{ operator: 'Exists', tolerationSeconds: 60 }] } }),
    ],
  )
  t.equal(h.client.objects(nodes)[0]?.spec?.taints?.length, 2)
  await h.clock.advance(30_000)
  h.client.set({ ...h.client.objects(nodes)[0], status: node('a').status })
  await h.settle()
  await h.clock.advance(35_000)
  t.equal(h.client.objects(pods)[0]?.metadata?.deletionTimestamp, undefined)
})

t.test('nodes get ranges one after the other, and a freed one is given again', async t => {
  const h = await runControllers(t, ['node-ipam-controller'], [node('a'), node('b')], {
    allocateNodeCidrs: true,
    clusterCidr: '10.244.0.0/23',
  })
  const ranges = () => h.client.objects(nodes).map(one => one.spec?.podCIDR)
  t.same(ranges(), ['10.244.0.0/24', '10.244.1.0/24'])
  h.client.set(node('c'))
  await h.settle()
  t.same(ranges()[2], undefined)
  t.match(h.client.objects(events), [{ reason: 'CIDRNotAvailable' }])
  h.client.remove(node('a'))
  await h.settle()
  t.same(ranges(), ['10.244.1.0/24', '10.244.0.0/24'])
})

t.test('pods of a node that is gone go after a while, deleted ones without a node at once', async t => {
  const h = await runControllers(
    t,
    ['pod-garbage-collector-controller'],
    [node('here'), pod('lost', { node: 'gone' }), pod('nowhere', { deleting: true }), pod('fine', { node: 'here' })],
  )
  await h.clock.advance(2000)
  await h.settle()
  t.same(
    h.client.objects(pods).map(one => one.metadata?.name),
    ['lost', 'fine'],
  )
  await h.clock.advance(60_000)
  await h.settle()
  t.same(
    h.client.objects(pods).map(one => one.metadata?.name),
    ['fine'],
  )
})

t.test('the whole cast starts and stops together', async t => {
  const h = await runControllers(t, ['*'], [namespace('default'), node('n1'), deployment('web', 2), service('web')])
  await kubelet(h)
  t.equal(h.client.objects(pods).length, 2)
  t.equal(h.client.objects(endpointSlices)[0]?.endpoints.length, 2)
  await h.client.delete(deployments, 'web', { namespace: 'default' })
  await kubelet(h)
  t.same(h.client.objects(pods), [])
  t.same(h.client.objects<Deployment>(deployments), [])
  await h.stop()
})

t.test('a ReplicationController keeps as many pods as it should, and says how many are ready', async t => {
  const labels = { app: 'old' }
  const rc: ReplicationController = {
    apiVersion: 'v1',
    kind: 'ReplicationController',
    metadata: { name: 'old', namespace: 'default', uid: 'rc-old', generation: 1 },
    spec: {
      replicas: 2,
      selector: labels,
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'v1' }] } },
    },
  }
  const h = await runControllers(t, ['replicationcontroller-controller'], [rc])
  await kubelet(h)
  const the = () => h.client.objects(replicationControllers)[0]
  t.same(images(h), ['v1', 'v1'])
  t.match(the()?.status, { replicas: 2, readyReplicas: 2, availableReplicas: 2, observedGeneration: 1 })
  t.match(h.client.objects(pods)[0]?.metadata?.ownerReferences, [
    { apiVersion: 'v1', kind: 'ReplicationController', name: 'old', controller: true },
  ])
  await h.client.patch(replicationControllers, 'old', { spec: { replicas: 1 } }, where)
  await kubelet(h)
  t.same(images(h), ['v1'])
  const loose = { ...pod('loose', { labels }), metadata: { name: 'loose', namespace: 'default', uid: 'loose', labels } }
  h.client.set(loose)
  await kubelet(h)
  t.equal(h.client.objects(pods).length, 1, 'one of its own kind that nobody owns is taken in, and one too many goes')
})
