import t from 'tap'
import { serviceAccountPlugin } from '../../../../daemons/apiserver/admission/service-account.ts'
import { FakeClock } from '../../../../host/clock-fake.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { admitBy, podRow } from './plugin-fixture.ts'

interface Mount {
  name: string
  mountPath: string
  readOnly?: boolean
}
interface Container {
  name: string
  volumeMounts?: Mount[]
}
interface Spec {
  automountServiceAccountToken?: boolean
  containers: Container[]
  initContainers?: Container[]
  ephemeralContainers?: Container[]
  volumes?: { name: string; projected?: object; emptyDir?: object; secret?: object }[]
  [field: string]: unknown
}

const mountPath = '/var/run/secrets/kubernetes.io/serviceaccount'
const app: Container = { name: 'app' }

/** What a new pod comes to, or why it does not. */
const admit = async (
  spec: Partial<Spec>,
  {
    account = {},
    mountTokens = true,
    annotations = {},
  }: { account?: object; mountTokens?: boolean; annotations?: object },
): Promise<{ spec: Spec; refusal: string | undefined }> => {
  const object = { metadata: { name: 'web', namespace: 'default', annotations }, spec: { containers: [app], ...spec } }
  const serviceaccounts = ['default', 'robot'].map(name => ({ metadata: { name, namespace: 'default' }, ...account }))
  const plugin = serviceAccountPlugin(new FakeClock(), mountTokens)
  const request = { kind: podRow, object: structuredClone(object) as UnknownObject }
  const { object: admitted, refusal } = await admitBy(plugin, request, { stored: { serviceaccounts } })
  return { spec: admitted?.['spec'] as Spec, refusal }
}

const mountsOf = (containers: Container[] = []): string[] =>
  containers.map(({ name, volumeMounts = [] }) => `${name}: ${volumeMounts.map(mount => mount.mountPath).join(' ')}`)

t.test('a pod gets a token, the certificate to trust and its namespace, read-only', async t => {
  const { spec } = await admit({}, {})
  const name = spec.volumes?.[0]?.name ?? ''
  t.match(name, /^kube-api-access-[bcdfghjklmnpqrstvwxz2456789]{5}$/)
  t.strictSame(spec.containers, [{ name: 'app', volumeMounts: [{ name, readOnly: true, mountPath }] }])
  t.strictSame(spec.volumes, [
    {
      name,
      projected: {
        defaultMode: 420,
        sources: [
          { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
          { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
          {
            downwardAPI: {
              items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
            },
          },
        ],
      },
    },
  ])
})

t.test('each pod has a name of its own for the volume', async t => {
  const names = new Set<string | undefined>()
  for (let n = 0; n < 20; n++) names.add((await admit({}, {})).spec.volumes?.[0]?.name)
  t.ok(names.size > 15, `${names.size} names`)
})

const choices: { name: string; pod?: boolean; account?: boolean; mounted: boolean }[] = [
  { name: 'nobody says anything: mounted', mounted: true },
  { name: 'the account says no', account: false, mounted: false },
  { name: 'the account says yes', account: true, mounted: true },
  { name: 'the pod says no', pod: false, mounted: false },
  { name: 'the pod says no, its account yes: the pod is heard', pod: false, account: true, mounted: false },
  { name: 'the pod says yes, its account no: the pod is heard', pod: true, account: false, mounted: true },
]
for (const { name, pod, account, mounted } of choices)
  t.test(name, async t => {
    const { spec } = await admit(pod === undefined ? {} : { automountServiceAccountToken: pod }, {
      account: account === undefined ? {} : { automountServiceAccountToken: account },
    })
    t.equal(spec.volumes?.length ?? 0, mounted ? 1 : 0)
    t.equal(spec.containers[0]?.volumeMounts?.length ?? 0, mounted ? 1 : 0)
  })

t.test('a server that issues no tokens mounts none, whatever pods and accounts say', async t => {
  const { spec } = await admit(
    { automountServiceAccountToken: true },
    { account: { automountServiceAccountToken: true }, mountTokens: false },
  )
  t.strictSame(spec.containers, [app])
  t.notOk(spec.volumes)
})

t.test('init containers get the mount, ephemeral ones do not', async t => {
  const { spec } = await admit({ initContainers: [{ name: 'init' }], ephemeralContainers: [{ name: 'debug' }] }, {})
  t.strictSame(mountsOf(spec.initContainers), [`init: ${mountPath}`])
  t.strictSame(mountsOf(spec.containers), [`app: ${mountPath}`])
  t.strictSame(mountsOf(spec.ephemeralContainers), ['debug: '])
  t.equal(spec.volumes?.length, 1, 'one volume serves them all')
})

t.test('what is mounted there already stays, and the others get theirs', async t => {
  const own = { name: 'own', mountPath }
  const volumes = [{ name: 'own', emptyDir: {} }]
  const containers = [{ name: 'app', volumeMounts: [own] }, { name: 'side' }]
  const { spec } = await admit({ containers, volumes }, {})
  t.strictSame(spec.containers[0]?.volumeMounts, [own])
  t.match(spec.containers[1]?.volumeMounts, [{ name: /^kube-api-access-/, mountPath }])
  t.equal(spec.volumes?.length, 2)
})

t.test('a pod whose containers all have something there gets no volume', async t => {
  const volumes = [{ name: 'own', emptyDir: {} }]
  const containers = [{ name: 'app', volumeMounts: [{ name: 'own', mountPath }] }]
  const { spec } = await admit({ containers, volumes }, {})
  t.strictSame(spec, { ...spec, containers, volumes })
})

t.test('a mount elsewhere, also one below, does not count', async t => {
  const volumeMounts = [{ name: 'own', mountPath: `${mountPath}/more` }]
  const { spec } = await admit(
    { containers: [{ name: 'app', volumeMounts }], volumes: [{ name: 'own', emptyDir: {} }] },
    {},
  )
  t.strictSame(mountsOf(spec.containers), [`app: ${mountPath}/more ${mountPath}`])
})

t.test('a second look after a webhook added a container uses the volume that is there', async t => {
  const once = (await admit({}, {})).spec
  const { spec } = await admit({ ...once, containers: [...once.containers, { name: 'late' }] }, {})
  t.strictSame(spec.volumes, once.volumes)
  t.strictSame(mountsOf(spec.containers), [`app: ${mountPath}`, `late: ${mountPath}`])
  const names = new Set(spec.containers.flatMap(c => (c.volumeMounts ?? []).map(mount => mount.name)))
  t.strictSame([...names], [once.volumes?.[0]?.name])
})

const mirror = { 'kubernetes.io/config.mirror': 'x' }
const forbidden = 'pods "web" is forbidden: a mirror pod may not '
const mirrors: { name: string; spec: Partial<Spec>; refusal: string | undefined }[] = [
  { name: 'a mirror pod stays as its node made it', spec: {}, refusal: undefined },
  {
    name: 'a mirror pod may not have an account',
    spec: { serviceAccountName: 'robot' },
    refusal: `${forbidden}reference service accounts`,
  },
  {
    name: 'a mirror pod may not mount a Secret',
    spec: { volumes: [{ name: 's', secret: { secretName: 's' } }] },
    refusal: `${forbidden}reference secrets`,
  },
  {
    name: 'a mirror pod may not be pulled with a Secret',
    spec: { imagePullSecrets: [{ name: 's' }] },
    refusal: `${forbidden}reference secrets`,
  },
  {
    name: 'a mirror pod may not ask for a token',
    spec: { volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }] },
    refusal: `${forbidden}use ServiceAccountToken volume projections`,
  },
]
for (const { name, spec, refusal } of mirrors)
  t.test(name, async t => {
    const outcome = await admit(spec, { annotations: mirror })
    t.equal(outcome.refusal, refusal)
    t.strictSame(outcome.spec, { containers: [app], ...spec })
  })
