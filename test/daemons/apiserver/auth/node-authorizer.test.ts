import t from 'tap'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { isAuthorized } from '../../../../daemons/apiserver/auth/authorizer.ts'
import { NodeAuthorizer } from '../../../../daemons/apiserver/auth/node/node-authorizer.ts'
import { pods } from '../../../../kube/resources.ts'
import { pod } from '../registry/test-registry.ts'
import { makePolicyRegistry, user, wanted } from './test-policy.ts'

const node = user('system:node:n1', 'system:nodes')
const other = user('system:node:n2', 'system:nodes')

const web = (nodeName: string, name: string): Pod => ({
  ...pod(name),
  spec: {
    nodeName,
    serviceAccountName: 'default',
    imagePullSecrets: [{ name: 'pull' }],
    containers: [
      {
        name: 'web',
        image: 'busybox:1',
        env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'env', key: 'a' } } }],
        envFrom: [{ configMapRef: { name: 'all' } }],
      },
    ],
    volumes: [
      { name: 'a', configMap: { name: 'mounted' } },
      { name: 'b', projected: { sources: [{ secret: { name: 'projected' } }] } },
      { name: 'c', persistentVolumeClaim: { claimName: 'data' } },
    ],
  },
})

const volume = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  metadata: { name: 'pv' },
  spec: {
    claimRef: { namespace: 'default', name: 'data' },
    csi: { driver: 'd', volumeHandle: 'h', nodePublishSecretRef: { name: 'mount', namespace: 'storage' } },
  },
}

void t.test('a node reads what the pods bound to it refer to, and nothing else', async t => {
  const { registry, client, store } = await makePolicyRegistry(t)
  const { authorizer } = registry
  await client.create(pods, web('n1', 'early'))
  const may = (verb: string, text: string, place = 'default', who = node) =>
    isAuthorized(authorizer, who, wanted(verb, text, place))
  const related = ['secrets=pull', 'secrets=env', 'secrets=projected', 'configmaps=all', 'configmaps=mounted']
  for (const text of related) {
    t.ok(may('get', text), text)
    t.ok(may('watch', text), text)
    t.notOk(may('get', text, 'default', other), `${text} for another node`)
    t.notOk(may('get', text, 'kube-system'), `${text} in another namespace`)
    t.notOk(may('update', text), `writing ${text}`)
  }
  t.ok(may('get', 'persistentvolumeclaims=data'))
  t.notOk(may('list', 'secrets'))
  t.ok(may('create', 'serviceaccounts/token=default'))
  t.notOk(may('create', 'serviceaccounts/token=other'))
  t.notOk(may('get', 'persistentvolumes=pv', ''))
  await store.transact([{ kind: 'put', key: '/registry/core/persistentvolumes/pv', object: volume }])
  t.ok(may('get', 'persistentvolumes=pv', ''), 'the volume of its claim')
  t.ok(may('get', 'secrets=mount', 'storage'), 'the secret of the volume')
  await client.create(pods, web('n2', 'late'))
  t.ok(may('get', 'secrets=env', 'default', other))
  await client.delete(pods, 'early', { namespace: 'default', gracePeriodSeconds: 0 })
  t.notOk(may('get', 'secrets=env'), 'its pod is gone')
  t.notOk(may('get', 'persistentvolumes=pv', ''))
  t.ok(may('get', 'secrets=env', 'default', other))
})

void t.test('a node has its own lease, CSINode, Node and pods', async t => {
  const { store } = await makePolicyRegistry(t)
  const authorizer = new NodeAuthorizer(store)
  const may = (verb: string, text: string, place = '') => authorizer.authorize(node, wanted(verb, text, place))
  const cases: [verb: string, text: string, place: string, reason: string | undefined][] = [
    ['update', 'leases.coordination.k8s.io=n1', 'kube-node-lease', undefined],
    [
      'get',
      'leases.coordination.k8s.io=n2',
      'kube-node-lease',
      'can only access node lease with the same name as the requesting node',
    ],
    [
      'get',
      'leases.coordination.k8s.io=n1',
      'default',
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    ['create', 'csinodes.storage.k8s.io', '', undefined],
    ['delete', 'csinodes.storage.k8s.io=n2', '', 'can only access CSINode with the same name as the requesting node'],
    ['get', 'nodes=n1', '', undefined],
    ['get', 'nodes=n2', '', "node 'n1' cannot read 'n2', only its own Node object"],
    ['list', 'nodes', '', "node 'n1' cannot read all nodes, only its own Node object"],
    ['list', 'pods', '', 'can only list/watch pods with spec.nodeName field selector'],
    ['get', 'secrets=x', 'default', "no relationship found between node 'n1' and this object"],
    ['create', 'pods', 'default', undefined],
    ['watch', 'services', '', undefined],
  ]
  for (const [verb, text, place, reason] of cases)
    t.same(
      may(verb, text, place),
      reason === undefined ? { decision: 'allow', reason: '' } : { decision: 'no-opinion', reason },
      `${verb} ${text}`,
    )
  const own = { ...wanted('list', 'pods', ''), fieldSelector: 'spec.nodeName=n1' }
  t.equal(authorizer.authorize(node, own).decision, 'allow')
  t.equal(authorizer.authorize(other, own).decision, 'no-opinion')
})
