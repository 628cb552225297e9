import t from 'tap'
import { pullPolicyFor } from '../../../../daemons/apiserver/kinds/pod-defaults.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { container, created, deployment, kindOf, metadata, pod, service } from './sample-objects.ts'

for (const { image, policy } of [
  { image: 'busybox', policy: 'Always' },
  { image: 'busybox:latest', policy: 'Always' },
  { image: 'busybox:1.36', policy: 'IfNotPresent' },
  { image: 'registry.local:5000/busybox', policy: 'Always' },
  { image: 'registry.local:5000/busybox:1.36', policy: 'IfNotPresent' },
  { image: 'busybox@sha256:0123', policy: 'IfNotPresent' },
])
  t.test(`${image} is pulled ${policy}`, async t => {
    t.equal(pullPolicyFor(image), policy)
  })

t.test('a pod gets every default of upstream', async t => {
  const object = created('pods', pod())
  t.same(object['spec'], {
    containers: [
      {
        name: 'main',
        image: 'busybox',
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'Always',
        resources: {},
      },
    ],
    enableServiceLinks: true,
    restartPolicy: 'Always',
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    terminationGracePeriodSeconds: 30,
    securityContext: {},
  })
  t.same(object['status'], { phase: 'Pending', qosClass: 'BestEffort' })
})

const partial: { name: string; object: UnknownObject; plural: string; path: string[]; value: unknown }[] = [
  {
    name: 'requests come from limits',
    plural: 'pods',
    object: container({ resources: { limits: { cpu: '1', memory: '64Mi' }, requests: { cpu: '500m' } } }),
    path: ['spec', 'containers', '0', 'resources', 'requests'],
    value: { cpu: '500m', memory: '64Mi' },
  },
  {
    name: 'quantities are written in their canonical form, numbers as text',
    plural: 'pods',
    object: container({ resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }),
    path: ['spec', 'containers', '0', 'resources', 'limits'],
    value: { cpu: '500m', memory: '1Gi' },
  },
  {
    name: 'a probe gets its periods, path and scheme',
    plural: 'pods',
    object: container({ readinessProbe: { httpGet: { port: 80 } } }),
    path: ['spec', 'containers', '0', 'readinessProbe'],
    value: {
      httpGet: { port: 80, path: '/', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
  },
  {
    name: 'a port of a container is TCP',
    plural: 'pods',
    object: container({ ports: [{ containerPort: 80 }] }),
    path: ['spec', 'containers', '0', 'ports'],
    value: [{ containerPort: 80, protocol: 'TCP' }],
  },
  {
    name: 'a field reference names its version',
    plural: 'pods',
    object: container({ env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }] }),
    path: ['spec', 'containers', '0', 'env', '0', 'valueFrom', 'fieldRef'],
    value: { fieldPath: 'status.podIP', apiVersion: 'v1' },
  },
  {
    name: 'volumes get their modes, and one without a source is an empty directory',
    plural: 'pods',
    object: pod({
      volumes: [
        { name: 'a' },
        { name: 'b', secret: { secretName: 's' } },
        { name: 'c', configMap: { name: 'c' } },
        { name: 'd', hostPath: { path: '/x' } },
        { name: 'e', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
      ],
    }),
    path: ['spec', 'volumes'],
    value: [
      { name: 'a', emptyDir: {} },
      { name: 'b', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'c', configMap: { name: 'c', defaultMode: 420 } },
      { name: 'd', hostPath: { path: '/x', type: '' } },
      {
        name: 'e',
        projected: { sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }], defaultMode: 420 },
      },
    ],
  },
  {
    name: 'ports of a pod in the network of its host are ports of the host',
    plural: 'pods',
    object: pod({ hostNetwork: true, containers: [{ name: 'a', image: 'b', ports: [{ containerPort: 80 }] }] }),
    path: ['spec', 'containers', '0', 'ports'],
    value: [{ containerPort: 80, hostPort: 80, protocol: 'TCP' }],
  },
  {
    name: 'a Deployment rolls by a quarter',
    plural: 'deployments',
    object: deployment(),
    path: ['spec', 'strategy'],
    value: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
  },
  {
    name: 'a Deployment has one replica',
    plural: 'deployments',
    object: deployment(),
    path: ['spec', 'replicas'],
    value: 1,
  },
  {
    name: 'zero replicas stay zero',
    plural: 'deployments',
    object: deployment({ replicas: 0 }),
    path: ['spec', 'replicas'],
    value: 0,
  },
  {
    name: 'a Secret keeps its texts as data',
    plural: 'secrets',
    object: { metadata: metadata(), stringData: { a: 'b' }, data: { c: 'ZA==' } },
    path: ['data'],
    value: { c: 'ZA==', a: 'Yg==' },
  },
  { name: 'a Secret is Opaque', plural: 'secrets', object: { metadata: metadata() }, path: ['type'], value: 'Opaque' },
  {
    name: 'a Namespace carries its name as a label',
    plural: 'namespaces',
    object: { metadata: { name: 'x' } },
    path: ['metadata', 'labels'],
    value: { 'kubernetes.io/metadata.name': 'x' },
  },
  {
    name: 'a Namespace holds the finalizer of its content',
    plural: 'namespaces',
    object: { metadata: { name: 'x' } },
    path: ['spec'],
    value: { finalizers: ['kubernetes'] },
  },
  {
    name: 'a port of an EndpointSlice has a name, if an empty one',
    plural: 'endpointslices',
    object: { metadata: metadata(), addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [] },
    path: ['ports'],
    value: [{ port: 80, name: '', protocol: 'TCP' }],
  },
]
for (const { name, object, plural, path, value } of partial)
  t.test(name, async t => {
    let at: unknown = created(plural, object)
    for (const key of path) at = (at as Record<string, unknown>)[key]
    t.same(at, value)
  })

t.test('a Service gets every default that does not depend on the cluster', async t => {
  t.same(created('services', service())['spec'], {
    ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    selector: { app: 'web' },
    sessionAffinity: 'None',
    type: 'ClusterIP',
    internalTrafficPolicy: 'Cluster',
  })
})

t.test('an ExternalName Service has no families and no traffic policy', async t => {
  const object = created('services', {
    metadata: metadata(),
    spec: { type: 'ExternalName', externalName: 'x.example' },
  })
  t.same(object['spec'], { type: 'ExternalName', externalName: 'x.example', sessionAffinity: 'None' })
})

t.test('a template leaves open what only pods default', async t => {
  const object = created(
    'deployments',
    deployment({
      template: { spec: { containers: [{ name: 'a', image: 'b', resources: { limits: { cpu: '1' } } }] } },
    }),
  )
  const spec = (object['spec'] as { template: { spec: Record<string, unknown> } }).template.spec
  t.equal(spec['enableServiceLinks'], undefined)
  t.match(spec, { restartPolicy: 'Always', containers: [{ resources: { limits: { cpu: '1' } } }] })
  t.notOk(JSON.stringify(spec).includes('requests'))
})

for (const { name, object, qos } of [
  { name: 'no resources', object: pod(), qos: 'BestEffort' },
  {
    name: 'limits of both',
    object: container({ resources: { limits: { cpu: '1', memory: '1Gi' } } }),
    qos: 'Guaranteed',
  },
  { name: 'requests alone', object: container({ resources: { requests: { cpu: '1' } } }), qos: 'Burstable' },
  {
    name: 'requests below the limits',
    object: container({ resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m' } } }),
    qos: 'Burstable',
  },
])
  t.test(`a pod with ${name} is ${qos}`, async t => {
    t.match(created('pods', object)['status'], { qosClass: qos })
  })

for (const { name, object, grace } of [
  { name: 'that no node has goes at once', object: pod(), grace: 0 },
  { name: 'on a node gets thirty seconds', object: pod({ nodeName: 'n' }), grace: 30 },
  { name: 'that says how long gets that', object: pod({ nodeName: 'n', terminationGracePeriodSeconds: 5 }), grace: 5 },
  { name: 'that is through goes at once', object: pod({ nodeName: 'n' }, { status: { phase: 'Failed' } }), grace: 0 },
])
  t.test(`a pod ${name}`, async t => {
    t.equal(kindOf('pods').gracePeriodSeconds?.(object), grace)
  })

t.test('the newer events API shows the stored events under its own names, and back', async t => {
  const row = kindOf('events', 'events.k8s.io')
  const core = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: metadata(),
    involvedObject: { kind: 'Pod', name: 'web', namespace: 'default' },
    message: 'pulled',
    count: 2,
    reportingComponent: 'kubelet',
    source: { component: 'kubelet' },
  }
  const shown = row.storedAs?.fromStored(core) ?? {}
  t.match(shown, {
    apiVersion: 'events.k8s.io/v1',
    note: 'pulled',
    regarding: { name: 'web' },
    deprecatedCount: 2,
    reportingController: 'kubelet',
  })
  t.notOk('message' in shown)
  t.same(row.storedAs?.toStored(shown), core)
  t.equal(row.selectableFields?.['regarding.name']?.(shown), 'web')
})

t.test('scale reads and writes the replicas of a Deployment', async t => {
  const { scale } = kindOf('deployments')
  const object = created('deployments', deployment({ replicas: 2 }))
  t.equal(scale?.replicas(object), 2)
  scale?.setReplicas(object, 5)
  t.equal(scale?.replicas(object), 5)
  t.equal(scale?.statusReplicas(object), 0)
  t.equal(scale?.selector(object), 'app=web')
})
