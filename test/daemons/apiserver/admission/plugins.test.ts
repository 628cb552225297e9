import t from 'tap'
import { AdmissionChain } from '../../../../daemons/apiserver/admission/admission-chain.ts'
import { alwaysAllow } from '../../../../daemons/apiserver/auth/authorizer.ts'
import { admissionPlugins } from '../../../../daemons/apiserver/admission/plugins.ts'
import { selectPlugins } from '../../../../daemons/apiserver/admission/select-plugins.ts'
import type { AdmissionReader, AdmissionRequest } from '../../../../daemons/apiserver/admission/plugin.ts'
import type { UserInfo } from '../../../../daemons/apiserver/auth/user-info.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { container, deployment, kindOf, metadata, pod } from '../kinds/sample-objects.ts'

const ranges = { serviceClusterIpRange: '10.96.0.0/16', serviceNodePortRange: '30000-32767' }
const admin: UserInfo = { name: 'kubernetes-admin', groups: ['system:masters'] }
const nodeUser: UserInfo = { name: 'system:node:n1', groups: ['system:nodes'] }
const defaultAccount: UnknownObject = {
  metadata: { name: 'default', namespace: 'default' },
  imagePullSecrets: [{ name: 'pull' }],
}

const byDefault = { enable: [], disable: [] }

/** Stored objects by plural. */
const readerOf = (stored: Record<string, UnknownObject[]>): AdmissionReader => ({
  get: (_group, plural, namespace, name) =>
    (stored[plural] ?? []).find(o => o.metadata?.name === name && (o.metadata.namespace ?? '') === namespace),
  list: (_group, plural) => stored[plural] ?? [],
})

const request = (plural: string, more: Partial<AdmissionRequest>): AdmissionRequest => ({
  operation: 'create',
  kind: kindOf(plural),
  subresource: '',
  namespace: 'default',
  name: more.object?.metadata?.name ?? more.old?.metadata?.name ?? '',
  user: admin,
  object: undefined,
  old: undefined,
  dryRun: false,
  options: () => ({}),
  warn: () => {},
  annotate: () => {},
  ...more,
})

const run = async (one: AdmissionRequest, stored: Record<string, UnknownObject[]> = {}, clock = new FakeClock()) => {
  const reader = readerOf({ serviceaccounts: [defaultAccount], ...stored })
  const plugins = selectPlugins(admissionPlugins({ ...ranges, clock, authorizer: alwaysAllow }), byDefault)
  const chain = new AdmissionChain(plugins)
  const { mutating, allocating, validating } = chain.route(one.operation, one.kind, one.subresource)
  for (const plugin of mutating) await plugin.admit?.(one, reader)
  for (const plugin of allocating) await plugin.allocate?.(one, reader)
  for (const plugin of validating) await plugin.validate?.(one, reader)
  return one.object
}

const plugin = (name: string, clock = new FakeClock()) => {
  const found = admissionPlugins({ ...ranges, clock, authorizer: alwaysAllow }).find(p => p.name === name)
  if (found === undefined) throw new Error(`no plugin ${name}`)
  return { ...found, admit: found.admit ?? (() => {}) }
}

t.test('the plugins stand in the order of upstream', async t => {
  t.same(
    admissionPlugins({ ...ranges, authorizer: alwaysAllow }).map(p => p.name),
    [
      'LimitRanger',
      'ServiceAccount',
      'NodeRestriction',
      'TaintNodesByCondition',
      'AlwaysPullImages',
      'PodSecurity',
      'Priority',
      'DefaultTolerationSeconds',
      'ExtendedResourceToleration',
      'DefaultStorageClass',
      'StorageObjectInUseProtection',
      'PersistentVolumeClaimResize',
      'RuntimeClass',
      'CertificateApproval',
      'CertificateSigning',
      'CertificateSubjectRestriction',
      'DefaultIngressClass',
      'MutatingAdmissionWebhook',
      'PolicyExpressions',
      'ValidatingAdmissionPolicy',
      'ValidatingAdmissionWebhook',
      'ResourceQuota',
      'ServiceAllocation',
    ],
  )
})

t.test('a new pod gets an account, a priority and its tolerations', async t => {
  const admitted = await run(request('pods', { object: pod() }))
  t.match(admitted?.['spec'], {
    serviceAccountName: 'default',
    serviceAccount: 'default',
    imagePullSecrets: [{ name: 'pull' }],
    priority: 0,
    preemptionPolicy: 'PreemptLowerPriority',
    tolerations: [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
      { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 },
    ],
  })
})

t.test('a pod that tolerates everything gets no more tolerations', async t => {
  const all = [{ operator: 'Exists' }]
  const admitted = await run(request('pods', { object: pod({ tolerations: all }) }))
  t.same(admitted?.['spec'], { ...(admitted?.['spec'] as object), tolerations: all })
})

t.test('what is no pod passes untouched', async t => {
  const object = deployment()
  t.same(await run(request('deployments', { object })), deployment())
})

t.test('a pod whose account is missing is refused in the words of upstream', async t => {
  await t.rejects(run(request('pods', { object: pod({ serviceAccountName: 'robot' }) })), {
    message:
      'pods "web" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found',
  })
})

t.test('a pod waits for the default account, which a controller is about to make', async t => {
  const clock = new FakeClock()
  const accounts: UnknownObject[] = []
  const done = run(request('pods', { object: pod() }), { serviceaccounts: accounts }, clock)
  await clock.advance(250)
  accounts.push(defaultAccount)
  await clock.advance(100)
  t.match(await done, { spec: { serviceAccountName: 'default' } })
})

t.test('a pod whose default account never comes is refused under the name it was asked for', async t => {
  const clock = new FakeClock()
  const object = pod({}, { metadata: { name: 'web-x7', generateName: 'web-', namespace: 'default' } })
  const done = run(request('pods', { object }), { serviceaccounts: [] }, clock)
  const refused = t.rejects(done, {
    message:
      'pods "web-" is forbidden: error looking up service account default/default: serviceaccount "default" not found',
  })
  for (let i = 0; i < 10; i++) await clock.advance(100)
  await refused
})

const classes = { priorityclasses: [{ metadata: { name: 'high' }, value: 1000, preemptionPolicy: 'Never' }] }

t.test('a priority class becomes its number', async t => {
  const admitted = await run(request('pods', { object: pod({ priorityClassName: 'high' }) }), classes)
  t.match(admitted?.['spec'], { priority: 1000, preemptionPolicy: 'Never' })
})

t.test('the default priority class is named in the pods that name none', async t => {
  const stored = { priorityclasses: [{ metadata: { name: 'usual' }, value: 7, globalDefault: true }] }
  t.match((await run(request('pods', { object: pod() }), stored))?.['spec'], {
    priority: 7,
    priorityClassName: 'usual',
  })
})

t.test('a priority class that is not there is refused', async t => {
  await t.rejects(run(request('pods', { object: pod({ priorityClassName: 'low' }) }), classes), {
    message: 'pods "web" is forbidden: no PriorityClass with name low was found',
  })
})

t.test('a priority is computed, not given', async t => {
  await t.rejects(run(request('pods', { object: pod({ priority: 5 }) })), {
    message:
      'pods "web" is forbidden: the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name',
  })
})

t.test('an update that leaves the priority out keeps it', async t => {
  const old = pod({ priority: 1000, preemptionPolicy: 'Never' })
  const admitted = await run(request('pods', { operation: 'update', object: pod(), old }))
  t.match(admitted?.['spec'], { priority: 1000, preemptionPolicy: 'Never' })
})

t.test('one priority class is the default', async t => {
  const stored = { priorityclasses: [{ metadata: { name: 'usual' }, value: 7, globalDefault: true }] }
  const object = { metadata: { name: 'other' }, value: 8, globalDefault: true }
  await t.rejects(run(request('priorityclasses', { namespace: '', object }), stored), {
    message:
      'priorityclasses.scheduling.k8s.io "other" is forbidden: PriorityClass usual is already marked as default. Only one default can exist',
  })
})

t.test('a new Node takes no pods until it is ready', async t => {
  const admitted = await run(request('nodes', { namespace: '', object: { metadata: { name: 'n1' } } }))
  t.match(admitted?.['spec'], { taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] })
})

t.test('an Ingress without a class gets the newest default one', async t => {
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
  const stored = {
    ingressclasses: [
      { metadata: { name: 'old', annotations, creationTimestamp: '2026-01-01T00:00:00Z' } },
      { metadata: { name: 'new', annotations, creationTimestamp: '2026-01-02T00:00:00Z' } },
      { metadata: { name: 'plain', creationTimestamp: '2026-01-03T00:00:00Z' } },
    ],
  }
  const make = (more: object = {}) => request('ingresses', { object: { metadata: metadata(), spec: {}, ...more } })
  t.match(await run(make(), stored), { spec: { ingressClassName: 'new' } })
  t.match(await run(make({ spec: { ingressClassName: 'mine' } }), stored), { spec: { ingressClassName: 'mine' } })
  const annotated = make({ metadata: metadata({ annotations: { 'kubernetes.io/ingress.class': 'x' } }) })
  t.same((await run(annotated, stored))?.['spec'], {})
})

const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } }
const node = (name: string, more: object = {}) => ({ metadata: { name, ...more } })
const onNode = (name: string) => pod({ nodeName: name })
const restrictions: { name: string; request: AdmissionRequest; refusal?: string }[] = [
  {
    name: 'creates itself',
    request: request('nodes', { object: node('n1', { labels: { 'kubernetes.io/os': 'linux' } }) }),
  },
  {
    name: 'does not create another',
    request: request('nodes', { object: node('n2') }),
    refusal: 'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
  },
  {
    name: 'does not take a role',
    request: request('nodes', { object: node('n1', { labels: { 'node-role.kubernetes.io/control-plane': '' } }) }),
    refusal:
      'nodes "n1" is forbidden: node "n1" is not allowed to set the following labels: node-role.kubernetes.io/control-plane',
  },
  {
    name: 'does not remove its taints',
    request: request('nodes', {
      operation: 'update',
      object: node('n1'),
      old: { ...node('n1'), spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } },
    }),
    refusal: 'nodes "n1" is forbidden: node "n1" is not allowed to modify taints',
  },
  {
    name: 'writes the status of its pods',
    request: request('pods', { operation: 'update', subresource: 'status', object: onNode('n1'), old: onNode('n1') }),
  },
  {
    name: "does not write the status of others' pods",
    request: request('pods', { operation: 'update', subresource: 'status', object: onNode('n2'), old: onNode('n2') }),
    refusal: 'pods "web" is forbidden: node "n1" can only update pod status for pods with spec.nodeName set to itself',
  },
  { name: 'deletes its pods', request: request('pods', { operation: 'delete', old: onNode('n1') }) },
  {
    name: "does not delete others' pods",
    request: request('pods', { operation: 'delete', old: onNode('n2') }),
    refusal: 'pods "web" is forbidden: node "n1" can only delete pods with spec.nodeName set to itself',
  },
  {
    name: 'creates mirror pods',
    request: request('pods', { object: { ...onNode('n1'), metadata: metadata(mirror) } }),
  },
  {
    name: 'does not create other pods',
    request: request('pods', { object: onNode('n1') }),
    refusal:
      'pods "web" is forbidden: pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
  },
  { name: 'renews its lease', request: request('leases', { namespace: 'kube-node-lease', object: node('n1') }) },
  {
    name: 'does not renew another lease',
    request: request('leases', { namespace: 'kube-node-lease', object: node('n2') }),
    refusal:
      'leases.coordination.k8s.io "n2" is forbidden: can only access node lease with the same name as the requesting node',
  },
]
for (const { name, request: one, refusal } of restrictions)
  t.test(`a node ${name}`, async t => {
    const admit = async () => plugin('NodeRestriction').admit({ ...one, user: nodeUser }, readerOf({}))
    await (refusal === undefined ? t.resolves(admit()) : t.rejects(admit(), { message: refusal }))
    await t.resolves(async () => plugin('NodeRestriction').admit(one, readerOf({})), 'others are not restricted')
  })

t.test('limits and requests are left alone', async t => {
  const object = container({ resources: { limits: { cpu: '1' } } })
  const admitted = await run(request('pods', { object }))
  t.match(admitted?.['spec'], { containers: [{ resources: { limits: { cpu: '1' } } }] })
})
