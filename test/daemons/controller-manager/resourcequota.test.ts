import type { Container, PersistentVolumeClaim, Pod, ResourceQuota, Service } from 'kubernetes-types/core/v1.js'
import t from 'tap'
import { planQuotaStatus } from '../../../daemons/controller-manager/resourcequota/quota-plan.ts'
import type { KubeObject } from '../../../kube/object.ts'
import { pods, resourceQuotas } from '../../../kube/resources.ts'
import { runControllers } from './harness.ts'

const quota = (hard: Record<string, string>, spec: Partial<ResourceQuota['spec']> = {}): ResourceQuota => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name: 'q', namespace: 'default', uid: 'q' },
  spec: { hard, ...spec },
})
const container = (requests: Record<string, string>, more: Partial<Container> = {}): Container => ({
  name: 'c',
  image: 'i',
  resources: { requests },
  ...more,
})
const pod = (name: string, spec: Partial<Pod['spec']> = {}, status: Partial<Pod['status']> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', uid: name },
  spec: { containers: [container({ cpu: '100m' })], ...spec },
  status: { phase: 'Running', qosClass: 'Burstable', ...status },
})
const service = (spec: Service['spec']): Service => ({ metadata: { name: 's' }, spec: spec ?? {} })
const claim = (storage: string, storageClassName: string): PersistentVolumeClaim => ({
  metadata: { name: 'c' },
  spec: { storageClassName, resources: { requests: { storage } } },
})
const port = { port: 80 }

const cases: {
  name: string
  hard: string[]
  spec?: Partial<ResourceQuota['spec']>
  objects: Record<string, KubeObject[]>
  used: object
}[] = [
  {
    name: 'pods count until they are done; their requests and limits add up',
    hard: ['pods', 'count/pods', 'cpu', 'requests.cpu', 'limits.memory', 'requests.nvidia.com/gpu'],
    objects: {
      '/pods': [
        pod('a', {
          containers: [
            container(
              { cpu: '100m', 'nvidia.com/gpu': '2' },
              { resources: { requests: { cpu: '100m', 'nvidia.com/gpu': '2' }, limits: { memory: '1Gi' } } },
            ),
            container({ cpu: '1' }),
          ],
        }),
        pod('b', {}, { phase: 'Succeeded' }),
      ],
    },
    used: {
      pods: '1',
      'count/pods': '2',
      cpu: '1100m',
      'requests.cpu': '1100m',
      'limits.memory': '1Gi',
      'requests.nvidia.com/gpu': '2',
    },
  },
  {
    name: 'what initializes counts where it is more than what runs, beside the sidecars before it',
    hard: ['cpu'],
    objects: {
      '/pods': [
        pod('a', {
          initContainers: [container({ cpu: '200m' }, { restartPolicy: 'Always' }), container({ cpu: '2' })],
          containers: [container({ cpu: '100m' })],
          overhead: { cpu: '50m' },
        }),
      ],
    },
    used: { cpu: '2250m' },
  },
  {
    name: 'services by their ways to be reached',
    hard: ['services', 'services.nodeports', 'services.loadbalancers'],
    objects: {
      '/services': [
        service({ type: 'NodePort', ports: [port, port] }),
        service({ type: 'LoadBalancer', ports: [port], allocateLoadBalancerNodePorts: false }),
        service({ type: 'ClusterIP', ports: [port] }),
      ],
    },
    used: { services: '3', 'services.nodeports': '2', 'services.loadbalancers': '1' },
  },
  {
    name: 'storage, also by class',
    hard: ['persistentvolumeclaims', 'requests.storage', 'fast.storageclass.storage.k8s.io/requests.storage'],
    objects: { '/persistentvolumeclaims': [claim('1Gi', 'fast'), claim('2Gi', 'slow')] },
    used: {
      persistentvolumeclaims: '2',
      'requests.storage': '3Gi',
      'fast.storageclass.storage.k8s.io/requests.storage': '1Gi',
    },
  },
  {
    name: 'objects of any resource that is known',
    hard: ['secrets', 'count/jobs.batch', 'count/toys.example.com'],
    objects: { '/secrets': [{ metadata: { name: 's' } }], 'batch/jobs': [] },
    used: { secrets: '1', 'count/jobs.batch': '0' },
  },
  {
    name: 'scopes choose the pods',
    hard: ['pods'],
    spec: { scopes: ['Terminating', 'BestEffort'] },
    objects: {
      '/pods': [
        pod('a', { activeDeadlineSeconds: 5 }, { qosClass: 'BestEffort' }),
        pod('b', {}, { qosClass: 'BestEffort' }),
        pod('c', { activeDeadlineSeconds: 5 }),
      ],
    },
    used: { pods: '1' },
  },
  {
    name: 'priorities choose the pods',
    hard: ['pods'],
    spec: { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
    objects: { '/pods': [pod('a', { priorityClassName: 'high' }), pod('b', { priorityClassName: 'low' }), pod('c')] },
    used: { pods: '1' },
  },
]
for (const { name, hard, spec = {}, objects, used } of cases)
  t.test(name, async t => {
    const bounds = Object.fromEntries(hard.map(key => [key, '10']))
    const status = planQuotaStatus(quota(bounds, spec), (group, plural) => objects[`${group}/${plural}`])
    t.same(status, { hard: bounds, used })
    const settled = { ...quota(bounds, spec), ...(status === undefined ? {} : { status }) }
    t.equal(
      planQuotaStatus(settled, (group, plural) => objects[`${group}/${plural}`]),
      undefined,
    )
  })

t.test('a quota follows what goes and ends, and costs nothing in between', async t => {
  const hard = { pods: '5', 'requests.cpu': '1' }
  const h = await runControllers(t, ['resourcequota-controller'], [quota(hard), pod('a'), pod('b')])
  const used = () => h.client.objects(resourceQuotas)[0]?.status?.used
  t.same(used(), { pods: '2', 'requests.cpu': '200m' })
  h.client.set(pod('b', {}, { phase: 'Failed' }))
  await h.settle()
  t.same(used(), { pods: '1', 'requests.cpu': '100m' })
  const writes = h.client.calls.length
  await h.clock.advance(20 * 60_000)
  await h.settle()
  t.equal(h.client.calls.length, writes)
  const [a] = h.client.objects(pods)
  if (a !== undefined) h.client.remove(a)
  await h.settle()
  t.same(used(), { pods: '0', 'requests.cpu': '0' })
})

t.test('what admission has charged for an object that is not there yet stays charged', async t => {
  const hard = { pods: '2' }
  const h = await runControllers(t, ['resourcequota-controller'], [quota(hard)])
  const used = () => h.client.objects(resourceQuotas)[0]?.status?.used
  t.same(used(), { pods: '0' })
  // Two pods are charged; one of them is written first, and changes in nothing that counts.
  h.client.set({ ...quota(hard), status: { hard, used: { pods: '2' } } })
  h.client.set(pod('a', {}, { phase: 'Pending' }))
  h.client.set(pod('a'))
  await h.settle()
  t.same(used(), { pods: '2' })
  h.client.set({ ...quota({ pods: '3' }), status: { hard, used: { pods: '2' } } })
  await h.settle()
  t.same(used(), { pods: '1' }, 'a changed bound is a new count')
})
