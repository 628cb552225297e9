import t from 'tap'
import type { Container, PodSpec, Service } from 'kubernetes-types/core/v1.js'
import { containerSpec, sandboxSpec } from '../../../../daemons/kubelet/container/container-spec.ts'
import { fieldValue, resourceValue } from '../../../../daemons/kubelet/container/downward.ts'
import { containerEnv, type ConfigSource } from '../../../../daemons/kubelet/container/env.ts'
import { etcHosts, hostnameOf } from '../../../../daemons/kubelet/container/etc-hosts.ts'
import { expand } from '../../../../daemons/kubelet/container/expand.ts'
import { formatResolvConf, parseResolvConf, podResolvConf } from '../../../../daemons/kubelet/container/resolv-conf.ts'
import { engineResources, oomScoreAdj } from '../../../../daemons/kubelet/container/resources.ts'
import { securityOf } from '../../../../daemons/kubelet/container/security.ts'
import { serviceEnv } from '../../../../daemons/kubelet/container/service-env.ts'
import { localPod } from '../../../../daemons/kubelet/sync/local-pod.ts'

const podOf = (spec: Partial<PodSpec> = {}, metadata: object = {}) =>
  localPod({
    metadata: { name: 'web-0', namespace: 'shop', uid: 'u', ...metadata },
    spec: { containers: [{ name: 'app' }], ...spec },
  })

const facts = {
  nodeName: 'node-1',
  hostIP: '192.0.2.1',
  podIP: '10.244.0.9',
  allocatable: { cpuMilli: 2000, memoryBytes: 1 << 30, ephemeralStorageBytes: 1 << 30 },
}

const variables = new Map([['A', '1']])
for (const { name, text, gives } of [
  { name: 'a known reference is replaced', text: 'x$(A)y', gives: 'x1y' },
  { name: 'an unknown one stays', text: '$(B)', gives: '$(B)' },
  { name: 'two dollar signs are one', text: '$$(A)', gives: '$(A)' },
  { name: 'an unclosed one is text', text: '$(A', gives: '$(A' },
  { name: 'a bare dollar sign is text', text: '$A 5$', gives: '$A 5$' },
])
  void t.test(`expansion: ${name}`, async t =>
    t.equal(
      expand(text, n => variables.get(n)),
      gives,
    ),
  )

for (const { path, gives } of [
  { path: 'metadata.name', gives: 'web-0' },
  { path: "metadata.labels['app']", gives: 'web' },
  { path: 'metadata.labels', gives: 'a="1"\napp="web"' },
  { path: "metadata.annotations['none']", gives: '' },
  { path: 'status.hostIP', gives: '192.0.2.1' },
  { path: 'status.podIP', gives: '10.244.0.9' },
  { path: 'spec.nodeName', gives: 'node-1' },
])
  void t.test(`the downward API knows ${path}`, async t =>
    t.equal(fieldValue(path, podOf({}, { labels: { app: 'web', a: '1' } }), facts), gives),
  )

void t.test('a path that the downward API does not have is named', async t => {
  t.throws(() => fieldValue('spec.replicas', podOf(), facts), { code: 'INVALID_INPUT', message: /spec.replicas/ })
})

const limited: Container = {
  name: 'app',
  resources: { limits: { cpu: '250m', memory: '64Mi' }, requests: { cpu: '100m', memory: '64Mi' } },
}
for (const { ref, gives } of [
  { ref: { resource: 'limits.memory', divisor: '1Mi' }, gives: '64' },
  { ref: { resource: 'limits.cpu' }, gives: '1' },
  { ref: { resource: 'limits.cpu', divisor: '1m' }, gives: '250' },
  { ref: { resource: 'requests.memory' }, gives: '67108864' },
])
  void t.test(`${ref.resource} in units of ${ref.divisor ?? 1} is ${gives}`, async t =>
    t.equal(resourceValue(ref, limited, facts), gives),
  )
void t.test('a limit that is not set is the node’s', async t =>
  t.equal(resourceValue({ resource: 'limits.cpu' }, { name: 'x' }, facts), '2'),
)

const service = (name: string, namespace: string, clusterIP: string): Service => ({
  metadata: { name, namespace },
  spec: { clusterIP, ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
})
const all = [
  service('my-db', 'shop', '10.96.0.5'),
  service('kubernetes', 'default', '10.96.0.1'),
  service('x', 'other', '10.96.0.6'),
  service('none', 'shop', 'None'),
]

void t.test('service variables are of the own namespace and the API, headless ones left out', async t => {
  const env = serviceEnv(all, 'shop', true)
  t.equal(env.get('MY_DB_SERVICE_HOST'), '10.96.0.5')
  t.equal(env.get('MY_DB_SERVICE_PORT_HTTP'), '80')
  t.equal(env.get('MY_DB_PORT'), 'tcp://10.96.0.5:80')
  t.equal(env.get('MY_DB_PORT_80_TCP_ADDR'), '10.96.0.5')
  t.equal(env.get('KUBERNETES_SERVICE_HOST'), '10.96.0.1')
  t.notOk([...env.keys()].some(k => k.startsWith('X_') || k.startsWith('NONE_')))
  t.notOk(serviceEnv(all, 'shop', false).has('MY_DB_SERVICE_HOST'))
})

const source: ConfigSource = {
  configMap: async (_, name) => (name === 'cfg' ? { data: { key: 'value', 'bad=key': 'x', GOOD: 'g' } } : undefined),
  secret: async (_, name) => (name === 'sec' ? { data: { pass: Buffer.from('word').toString('base64') } } : undefined),
}
const env = (container: Partial<Container>) =>
  containerEnv({
    pod: podOf(),
    container: { name: 'app', ...container },
    facts,
    serviceEnv: new Map([['SVC', 'from service']]),
    source,
  })

void t.test('env comes from every source, later values see earlier ones', async t => {
  const { env: list, skipped } = await env({
    envFrom: [{ prefix: 'P_', configMapRef: { name: 'cfg' } }],
    env: [
      { name: 'PASS', valueFrom: { secretKeyRef: { name: 'sec', key: 'pass' } } },
      { name: 'KEY', valueFrom: { configMapKeyRef: { name: 'cfg', key: 'key' } } },
      { name: 'BOTH', value: '$(PASS)-$(KEY)-$(SVC)-$(LATER)' },
      { name: 'LATER', value: 'l' },
      { name: 'MAYBE', valueFrom: { secretKeyRef: { name: 'none', key: 'x', optional: true } } },
    ],
  })
  const map = Object.fromEntries(list.map(({ name, value }) => [name, value]))
  t.match(map, { PASS: 'word', KEY: 'value', BOTH: 'word-value-from service-$(LATER)', P_GOOD: 'g' })
  t.notOk('MAYBE' in map)
  t.same(skipped, ['P_bad=key'])
})

void t.test('a reference that is not there is named', async t => {
  await t.rejects(env({ env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'no', key: 'k' } } }] }), {
    message: 'configmap "no" not found',
  })
  await t.rejects(env({ env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'sec', key: 'k' } } }] }), {
    message: "couldn't find key k in Secret shop/sec",
  })
  await t.rejects(env({ envFrom: [{ secretRef: { name: 'no' } }] }), { message: 'secret "no" not found' })
})

const node = {
  resolvConf: parseResolvConf('search corp.example\nnameserver 192.0.2.53\noptions edns0\n'),
  clusterDns: ['10.96.0.10'],
  clusterDomain: 'cluster.local',
}
for (const { name, spec, text } of [
  {
    name: 'ClusterFirst asks the cluster, its names first',
    spec: {},
    text: 'search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:5\n',
  },
  {
    name: 'ClusterFirst on the host network is Default',
    spec: { hostNetwork: true },
    text: 'search corp.example\nnameserver 192.0.2.53\noptions edns0\n',
  },
  {
    name: 'Default is the node’s',
    spec: { dnsPolicy: 'Default' as const },
    text: 'search corp.example\nnameserver 192.0.2.53\noptions edns0\n',
  },
  {
    name: 'None is what dnsConfig says',
    spec: {
      dnsPolicy: 'None' as const,
      dnsConfig: { nameservers: ['192.0.2.9'], searches: ['a.b'], options: [{ name: 'ndots', value: '2' }] },
    },
    text: 'search a.b\nnameserver 192.0.2.9\noptions ndots:2\n',
  },
  {
    name: 'dnsConfig adds to ClusterFirst and replaces its options',
    spec: { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } },
    text: 'search shop.svc.cluster.local svc.cluster.local cluster.local corp.example\nnameserver 10.96.0.10\noptions ndots:1\n',
  },
])
  void t.test(`resolv.conf: ${name}`, async t => t.equal(formatResolvConf(podResolvConf(podOf(spec), node)), text))

void t.test('hosts: the pod’s own name, its subdomain and its aliases', async t => {
  const text = etcHosts(podOf({ subdomain: 'web', hostAliases: [{ ip: '192.0.2.7', hostnames: ['a', 'b'] }] }), {
    podIP: '10.244.0.9',
    clusterDomain: 'cluster.local',
    nodeHosts: '',
  })
  t.match(text, /^# Kubernetes-managed hosts file\.\n127\.0\.0\.1\tlocalhost\n/)
  t.match(text, '10.244.0.9\tweb-0.web.shop.svc.cluster.local\tweb-0\n')
  t.match(text, '# Entries added by HostAliases.\n192.0.2.7\ta\tb\n')
  t.match(
    etcHosts(podOf({ hostNetwork: true }), { podIP: '', clusterDomain: '', nodeHosts: 'x\n' }),
    'host network).\nx\n',
  )
  t.equal(hostnameOf(podOf({}, { name: `${'a'.repeat(62)}-b` })), 'a'.repeat(62))
})

void t.test(
  'the host name is the full one where it is asked for, and what the kernel cannot hold is refused',
  async t => {
    const facts = { nodeName: 'n', attempt: 0, image: 'p', cgroupParent: '', clusterDomain: 'cluster.local' }
    const full = { subdomain: 'web', setHostnameAsFQDN: true }
    t.equal(sandboxSpec(podOf(full), facts).hostname, 'web-0.web.shop.svc.cluster.local')
    t.equal(sandboxSpec(podOf({ setHostnameAsFQDN: true }), facts).hostname, 'web-0')
    t.throws(() => sandboxSpec(podOf({ ...full, hostname: 'h'.repeat(60) }), facts), { code: 'INVALID_INPUT' })
  },
)

void t.test('limits: weight, quota, memory, and an oom score only where it is allowed', async t => {
  const host = { memoryBytes: 1 << 30, negativeOomScore: false }
  t.same(engineResources(podOf({ containers: [limited] }), limited, host), {
    cpuShares: 102,
    cpuQuotaUs: 25_000,
    memoryBytes: 64 << 20,
    oomScoreAdj: 938,
  })
  const guaranteed: Container = { name: 'app', resources: { limits: { cpu: '1', memory: '1Gi' } } }
  const pod = podOf({ containers: [guaranteed] })
  t.equal(oomScoreAdj(pod, guaranteed, 1 << 30), -997)
  t.notOk('oomScoreAdj' in engineResources(pod, guaranteed, host))
  t.equal(engineResources(pod, guaranteed, { ...host, negativeOomScore: true }).oomScoreAdj, -997)
  t.equal(oomScoreAdj(podOf(), { name: 'app' }, 1), 1000)
})

const security = (context: PodSpec['securityContext'], own: Container['securityContext'], imageUser = '') =>
  securityOf(
    podOf(context === undefined ? {} : { securityContext: context }),
    { name: 'app', ...(own === undefined ? {} : { securityContext: own }) },
    { imageUser, profileRoot: '/none' },
  )

void t.test('security: the container’s context wins over the pod’s', async t => {
  t.match(
    security(
      { runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4] },
      { runAsUser: 5, allowPrivilegeEscalation: false },
    ),
    {
      user: '5:2',
      supplementalGroups: [4, 3],
      noNewPrivileges: true,
      securityOptions: ['seccomp=unconfined'],
    },
  )
  t.same(security(undefined, { seccompProfile: { type: 'RuntimeDefault' } }).securityOptions, [])
  t.same(security(undefined, { privileged: true }).securityOptions, [])
})

for (const { name, own, user, message } of [
  { name: 'user 0', own: { runAsNonRoot: true, runAsUser: 0 }, user: '', message: /breaks non-root policy/ },
  { name: 'an image of root', own: { runAsNonRoot: true }, user: '', message: /image will run as root/ },
  { name: 'a user that is a name', own: { runAsNonRoot: true }, user: 'web', message: /non-numeric user \(web\)/ },
])
  void t.test(`runAsNonRoot refuses ${name}`, async t => t.throws(() => security(undefined, own, user), { message }))
void t.test('runAsNonRoot takes a numeric user', async t =>
  t.notOk(security(undefined, { runAsNonRoot: true }, '1000:1000').user),
)

void t.test('a container joins its sandbox; command and arguments are expanded', async t => {
  const container: Container = { name: 'app', image: 'i', command: ['$(A)'], args: ['$(B)'] }
  const given = {
    nodeName: 'n',
    attempt: 2,
    sandboxId: 's',
    env: [{ name: 'A', value: 'x' }],
    mounts: [],
    image: { id: 'i', tags: [], digests: [], sizeBytes: 0, user: '' },
    resources: {},
    profileRoot: '/none',
    cgroupParent: '',
  }
  t.match(containerSpec(podOf(), container, given), {
    name: 'k8s_app_web-0_shop_u_2',
    entrypoint: ['x'],
    args: ['$(B)'],
    network: 'container:s',
    ipc: 'container:s',
    pid: 'private',
  })
  t.match(containerSpec(podOf({ hostNetwork: true, shareProcessNamespace: true }), container, given), {
    network: 'host',
    pid: 'container:s',
  })
})

void t.test('a sandbox has a network of its own, the pod’s name and its sysctls', async t => {
  const pod = podOf({ securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] } })
  t.match(sandboxSpec(pod, { nodeName: 'n', attempt: 1, image: 'p', cgroupParent: 'c', clusterDomain: 'd' }), {
    name: 'k8s_POD_web-0_shop_u_1',
    network: 'none',
    ipc: 'shareable',
    hostname: 'web-0',
    sysctls: { 'net.core.somaxconn': '1' },
    cgroupParent: 'c',
  })
})
