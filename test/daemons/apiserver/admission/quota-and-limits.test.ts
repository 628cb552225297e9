import t from 'tap'
import type { Pod } from 'kubernetes-types/core/v1.js'
import { limitRangerPlugin } from '../../../../daemons/apiserver/admission/limits/limit-ranger.ts'
import { planCharge } from '../../../../daemons/apiserver/admission/quota/plan-charge.ts'
import { usageOf } from '../../../../daemons/apiserver/admission/quota/quota-usage.ts'
import type { AdmissionRequest } from '../../../../daemons/apiserver/admission/plugin.ts'
import { amountTexts } from '../../../../daemons/apiserver/admission/pod-amounts.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { configMaps, pods, services } from '../../../../kube/resources.ts'
import type { ApiError } from '../../../../kube/status.ts'
import { configMap, makeRegistry, pod as wholePod } from '../registry/test-registry.ts'
import { admitBy, podRow, row } from './plugin-fixture.ts'

const meta = (name: string) => ({ name, namespace: 'default' })
const pod = (resources: object = {}, spec: object = {}): UnknownObject => ({
  metadata: meta('web'),
  spec: { containers: [{ name: 'a', resources }], ...spec },
})
const range = (...limits: object[]): UnknownObject => ({ metadata: meta('limits'), spec: { limits } })

void t.test('a container gets what a LimitRange says it gets, and the pod says so', async t => {
  const limitranges = [
    range({ type: 'Container', default: { cpu: '1', memory: '1Gi' }, defaultRequest: { cpu: '100m', memory: '1Gi' } }),
  ]
  const object = pod({ requests: { cpu: '200m' } })
  await admitBy(limitRangerPlugin, { kind: podRow, object }, { stored: { limitranges } })
  t.same(object['spec'], {
    containers: [
      { name: 'a', resources: { requests: { cpu: '200m', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } } },
    ],
  })
  t.same(object.metadata?.annotations, {
    'kubernetes.io/limit-ranger':
      'LimitRanger plugin set: memory request for container a; cpu, memory limit for container a',
  })
})

const claimRow = row('', 'persistentvolumeclaims', 'PersistentVolumeClaim')
const claim = (storage: string, more: object = {}): UnknownObject => ({
  metadata: meta('data'),
  spec: { resources: { requests: { storage } }, ...more },
})

const limited: { name: string; limit: object; object: UnknownObject; claim?: boolean; refusal?: string }[] = [
  {
    name: 'a container below the minimum',
    limit: { type: 'Container', min: { memory: '100Mi' } },
    object: pod({ requests: { memory: '50Mi' } }),
    refusal: 'minimum memory usage per Container is 100Mi, but request is 50Mi',
  },
  {
    name: 'a container that does not say what it needs',
    limit: { type: 'Container', min: { memory: '100Mi' } },
    object: pod(),
    refusal: 'minimum memory usage per Container is 100Mi.  No request is specified',
  },
  {
    name: 'a container above the maximum',
    limit: { type: 'Container', max: { cpu: '1' } },
    object: pod({ limits: { cpu: '1500m' }, requests: { cpu: '2' } }),
    refusal: 'maximum cpu usage per Container is 1, but limit is 1500m',
  },
  {
    name: 'a container without a limit',
    limit: { type: 'Container', max: { cpu: '1' } },
    object: pod({ requests: { cpu: '1' } }),
    refusal: 'maximum cpu usage per Container is 1.  No limit is specified',
  },
  {
    name: 'a ratio',
    limit: { type: 'Container', maxLimitRequestRatio: { cpu: '2' } },
    object: pod({ requests: { cpu: '100m' }, limits: { cpu: '300m' } }),
    refusal: 'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
  },
  {
    name: 'a pod, of all its containers',
    limit: { type: 'Pod', max: { cpu: '1' } },
    object: pod(
      { limits: { cpu: '600m' } },
      { initContainers: [{ name: 'side', restartPolicy: 'Always', resources: { limits: { cpu: '600m' } } }] },
    ),
    refusal: 'maximum cpu usage per Pod is 1, but limit is 1200m',
  },
  {
    name: 'several things at once',
    limit: { type: 'Container', min: { cpu: '1', memory: '1Gi' } },
    object: pod({ requests: { cpu: '500m', memory: '512Mi' } }),
    refusal:
      '[minimum cpu usage per Container is 1, but request is 500m, minimum memory usage per Container is 1Gi, but request is 512Mi]',
  },
  {
    name: 'a claim',
    limit: { type: 'PersistentVolumeClaim', max: { storage: '1Gi' } },
    object: claim('2Gi'),
    claim: true,
    refusal: 'maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi',
  },
  {
    name: 'what is within bounds',
    limit: { type: 'Container', min: { cpu: '100m' }, max: { cpu: '1' }, maxLimitRequestRatio: { cpu: '5' } },
    object: pod({ requests: { cpu: '200m' }, limits: { cpu: '1' } }),
  },
]
for (const { name, limit, object, claim: isClaim = false, refusal } of limited)
  void t.test(`limits: ${name} is ${refusal === undefined ? 'let in' : 'refused'}`, async t => {
    const kind = isClaim ? claimRow : podRow
    const outcome = await admitBy(limitRangerPlugin, { kind, object }, { stored: { limitranges: [range(limit)] } })
    const subject = isClaim ? 'persistentvolumeclaims "data"' : 'pods "web"'
    t.equal(outcome.refusal, refusal && `${subject} is forbidden: ${refusal}`)
  })

const serviceRow = row('', 'services', 'Service')
const usages: { name: string; kind: ReturnType<typeof row>; object: UnknownObject; usage: Record<string, string> }[] = [
  {
    name: 'a pod: its largest moment, and what is scarce',
    kind: podRow,
    object: pod(
      { requests: { cpu: '100m', 'example.com/gpu': '2' }, limits: { memory: '1Gi' } },
      { initContainers: [{ name: 'i', resources: { requests: { cpu: '1' } } }] },
    ),
    usage: {
      'count/pods': '1',
      pods: '1',
      cpu: '1',
      'requests.cpu': '1',
      'requests.example.com/gpu': '2',
      'limits.memory': '1Gi',
    },
  },
  {
    name: 'a pod that is through, only as an object',
    kind: podRow,
    object: { ...pod({ requests: { cpu: '1' } }), status: { phase: 'Succeeded' } },
    usage: { 'count/pods': '1' },
  },
  {
    name: 'a load balancer: its ports too',
    kind: serviceRow,
    object: { metadata: meta('s'), spec: { type: 'LoadBalancer', ports: [{ port: 80 }, { port: 443 }] } },
    usage: { 'count/services': '1', services: '1', 'services.nodeports': '2', 'services.loadbalancers': '1' },
  },
  {
    name: 'a claim: by its class as well',
    kind: claimRow,
    object: claim('5Gi', { storageClassName: 'gold' }),
    usage: {
      'count/persistentvolumeclaims': '1',
      persistentvolumeclaims: '1',
      'gold.storageclass.storage.k8s.io/persistentvolumeclaims': '1',
      'requests.storage': '5Gi',
      'gold.storageclass.storage.k8s.io/requests.storage': '5Gi',
    },
  },
  {
    name: 'anything else, by its number',
    kind: row('example.com', 'widgets', 'Widget'),
    object: { metadata: meta('w') },
    usage: { 'count/widgets.example.com': '1' },
  },
]
for (const { name, kind, object, usage } of usages)
  void t.test(`a quota counts ${name}`, async t => t.same(amountTexts(usageOf(kind, object)), usage))

const quota = (hard: Record<string, string>, used: Record<string, string>, spec: object = {}): UnknownObject => ({
  metadata: meta('q'),
  spec: { hard, ...spec },
  status: { hard, used },
})
const asked = (more: Partial<AdmissionRequest>): AdmissionRequest => ({
  operation: 'create',
  kind: podRow,
  subresource: '',
  namespace: 'default',
  name: 'web',
  user: { name: 'me', groups: [] },
  object: pod(),
  old: undefined,
  dryRun: false,
  options: () => ({}),
  warn: () => {},
  annotate: () => {},
  ...more,
})
const small = pod({ requests: { cpu: '500m' } })

const charges: { name: string; request: AdmissionRequest; quota: UnknownObject; refused?: string; used?: object }[] = [
  {
    name: 'what fits is added to what is used',
    request: asked({ object: small }),
    quota: quota({ pods: '2', 'requests.cpu': '1' }, { pods: '1', 'requests.cpu': '250m' }),
    used: { pods: '2', 'requests.cpu': '750m' },
  },
  {
    name: 'what does not fit is refused, with what was asked, used and allowed',
    request: asked({ object: small }),
    quota: quota(
      { pods: '1', 'requests.cpu': '600m', secrets: '1' },
      { pods: '1', 'requests.cpu': '250m', secrets: '0' },
    ),
    refused:
      'exceeded quota: q, requested: pods=1,requests.cpu=500m, used: pods=1,requests.cpu=250m, limited: pods=1,requests.cpu=600m',
  },
  {
    name: 'a pod that does not say what it needs is refused where that is counted',
    request: asked({}),
    quota: quota({ 'limits.cpu': '1', memory: '1Gi' }, { 'limits.cpu': '0', memory: '0' }),
    refused: 'failed quota: q: must specify limits.cpu for: a; memory for: a',
  },
  {
    name: 'a quota that nobody has counted yet refuses',
    request: asked({ object: small }),
    quota: quota({ pods: '1' }, {}),
    refused: 'status unknown for quota: q, resources: pods',
  },
  {
    name: 'a quota of other things is left alone',
    request: asked({ object: small }),
    quota: quota({ secrets: '1' }, { secrets: '1' }),
  },
  {
    name: 'a quota for pods that end leaves others alone',
    request: asked({ object: small }),
    quota: quota({ pods: '0' }, { pods: '0' }, { scopes: ['Terminating'] }),
  },
  {
    name: 'a quota for pods that end counts them',
    request: asked({ object: pod({}, { activeDeadlineSeconds: 5 }) }),
    quota: quota({ pods: '0' }, { pods: '0' }, { scopes: ['Terminating'] }),
    refused: 'exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
  },
  {
    name: 'a quota for a priority class counts its pods',
    request: asked({ object: pod({}, { priorityClassName: 'high' }) }),
    quota: quota(
      { pods: '0' },
      { pods: '0' },
      { scopeSelector: { matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }] } },
    ),
    refused: 'exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
  },
  {
    name: 'a quota for pods that ask for something leaves those alone that do not',
    request: asked({}),
    quota: quota({ pods: '0' }, { pods: '0' }, { scopes: ['NotBestEffort'] }),
  },
  {
    name: 'an update counts by what it adds',
    request: asked({
      operation: 'update',
      kind: serviceRow,
      object: { metadata: meta('s'), spec: { type: 'NodePort', ports: [{ port: 80 }, { port: 81 }] } },
      old: { metadata: meta('s'), spec: { type: 'NodePort', ports: [{ port: 80 }] } },
    }),
    quota: quota({ services: '1', 'services.nodeports': '2' }, { services: '1', 'services.nodeports': '1' }),
    used: { services: '1', 'services.nodeports': '2' },
  },
]
for (const { name, request, quota: one, refused, used } of charges)
  void t.test(name, async t => {
    const plan = planCharge(request, [one])
    if (refused !== undefined) t.same(plan, { kind: 'refused', why: refused })
    else if (used === undefined) t.same(plan, { kind: 'charge', quotas: [] })
    else t.match(plan, { kind: 'charge', quotas: [{ status: { used } }] })
  })

const quotaKey = '/registry/core/resourcequotas/default/q'

void t.test('of many writes at once no more are let in than the quota allows', async t => {
  const { client, store } = await makeRegistry(t)
  const hard = { 'count/configmaps': '3', services: '1' }
  const object = quota(hard, { 'count/configmaps': '0', services: '0' })
  await store.transact([{ kind: 'put', key: quotaKey, object }])
  const used = () => (store.get(quotaKey)?.object['status'] as { used: Record<string, string> } | undefined)?.used
  await client.create(configMaps, configMap('dry'), { dryRun: true })
  t.same(used(), { 'count/configmaps': '0', services: '0' }, 'a dry run counts nothing')
  const outcomes = await Promise.allSettled(
    ['a', 'b', 'c', 'd', 'e'].map(name => client.create(configMaps, configMap(name))),
  )
  t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3)
  t.same(used(), { 'count/configmaps': '3', services: '0' })
  const refusal = outcomes.find(outcome => outcome.status === 'rejected')
  t.match(
    (refusal?.reason as ApiError | undefined)?.message,
    /^configmaps "[a-e]" is forbidden: exceeded quota: q, requested: count/,
  )
  await client.create(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta('s'),
    spec: { ports: [{ port: 80 }] },
  })
  t.equal(used()?.['services'], '1')
})

void t.test('a pod is counted as it is stored: with what a LimitRange gave it', async t => {
  const { client, store } = await makeRegistry(t)
  const limits = range({ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '300m' } })
  await store.transact([
    { kind: 'put', key: quotaKey, object: quota({ 'requests.cpu': '500m' }, { 'requests.cpu': '0' }) },
    { kind: 'put', key: '/registry/core/limitranges/default/limits', object: limits },
  ])
  await client.create(pods, wholePod('one') as Pod)
  await t.rejects(client.create(pods, wholePod('two') as Pod), {
    message:
      'pods "two" is forbidden: exceeded quota: q, requested: requests.cpu=300m, used: requests.cpu=300m, limited: requests.cpu=500m',
  })
})
