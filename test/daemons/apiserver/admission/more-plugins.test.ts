import t from 'tap'
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { alwaysPullImagesPlugin } from '../../../../daemons/apiserver/admission/always-pull-images.ts'
import {
  certificateApprovalPlugin,
  certificateSigningPlugin,
  certificateSubjectRestrictionPlugin,
} from '../../../../daemons/apiserver/admission/certificate-signers.ts'
import { defaultStorageClassPlugin } from '../../../../daemons/apiserver/admission/default-storage-class.ts'
import { extendedResourceTolerationPlugin } from '../../../../daemons/apiserver/admission/extended-resource-toleration.ts'
import { persistentVolumeClaimResizePlugin } from '../../../../daemons/apiserver/admission/persistent-volume-claim-resize.ts'
import type { AdmissionPlugin } from '../../../../daemons/apiserver/admission/plugin.ts'
import { runtimeClassPlugin } from '../../../../daemons/apiserver/admission/runtime-class.ts'
import { selectPlugins } from '../../../../daemons/apiserver/admission/select-plugins.ts'
import { storageObjectInUseProtectionPlugin } from '../../../../daemons/apiserver/admission/storage-object-in-use-protection.ts'
import { alwaysAllow, type Authorizer, noOpinion } from '../../../../daemons/apiserver/auth/authorizer.ts'
import type { UnknownObject } from '../../../../kube/object.ts'
import { admitBy, podRow, row } from './plugin-fixture.ts'

const claimRow = row('', 'persistentvolumeclaims', 'PersistentVolumeClaim')
const claim = (spec: object = {}, more: object = {}): UnknownObject => ({
  metadata: { name: 'data', namespace: 'default' },
  spec,
  ...more,
})
const defaultClass = { 'storageclass.kubernetes.io/is-default-class': 'true' }

void t.test('a claim that names no class gets the newest default one, an empty name is a choice', async t => {
  const storageclasses = [
    { metadata: { name: 'old', annotations: defaultClass, creationTimestamp: '2026-01-01T00:00:00Z' } },
    { metadata: { name: 'new', annotations: defaultClass, creationTimestamp: '2026-01-02T00:00:00Z' } },
    { metadata: { name: 'plain' } },
  ]
  const chosen = async (spec: object) =>
    (await admitBy(defaultStorageClassPlugin, { kind: claimRow, object: claim(spec) }, { stored: { storageclasses } }))
      .object?.['spec']
  t.same(await chosen({}), { storageClassName: 'new' })
  t.same(await chosen({ storageClassName: '' }), { storageClassName: '' })
})

void t.test('volumes and claims are protected once', async t => {
  const object = claim()
  await admitBy(storageObjectInUseProtectionPlugin, { kind: claimRow, object })
  await admitBy(storageObjectInUseProtectionPlugin, { kind: claimRow, object })
  t.same(object.metadata?.finalizers, ['kubernetes.io/pvc-protection'])
})

const sized = (storage: string, more: object = {}) =>
  claim({ storageClassName: 'gold', resources: { requests: { storage } } }, more)
const resizes: { name: string; from: UnknownObject; to: UnknownObject; expands: boolean; refusal?: string }[] = [
  { name: 'one of the same size', from: sized('1Gi'), to: sized('1024Mi'), expands: false },
  {
    name: 'one that is not bound',
    from: sized('1Gi'),
    to: sized('2Gi'),
    expands: true,
    refusal: 'Only bound persistent volume claims can be expanded',
  },
  {
    name: 'one of a class that cannot grow',
    from: sized('1Gi', { status: { phase: 'Bound' } }),
    to: sized('2Gi'),
    expands: false,
    refusal:
      'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize',
  },
  {
    name: 'one of a class that can grow',
    from: sized('1Gi', { status: { phase: 'Bound' } }),
    to: sized('2Gi'),
    expands: true,
  },
]
for (const { name, from, to, expands, refusal } of resizes)
  void t.test(`resizing ${name} is ${refusal === undefined ? 'let be' : 'refused'}`, async t => {
    const stored = { storageclasses: [{ metadata: { name: 'gold' }, allowVolumeExpansion: expands }] }
    const request = { kind: claimRow, operation: 'update', object: to, old: from } as const
    const outcome = await admitBy(persistentVolumeClaimResizePlugin, request, { stored })
    t.equal(outcome.refusal, refusal && `persistentvolumeclaims "data" is forbidden: ${refusal}`)
  })

const pod = (spec: object): UnknownObject => ({ metadata: { name: 'web', namespace: 'default' }, spec })
const runtimeclasses: UnknownObject[] = [
  {
    metadata: { name: 'kata' },
    overhead: { podFixed: { cpu: '250m' } },
    scheduling: { nodeSelector: { kata: 'yes' }, tolerations: [{ key: 'kata', operator: 'Exists' }] },
  },
]
const runtimes: { name: string; spec: object; becomes?: object; refusal?: string }[] = [
  { name: 'none', spec: { a: 1 }, becomes: { a: 1 } },
  {
    name: 'one with costs and places',
    spec: { runtimeClassName: 'kata', nodeSelector: { disk: 'ssd' } },
    becomes: {
      runtimeClassName: 'kata',
      overhead: { cpu: '250m' },
      nodeSelector: { disk: 'ssd', kata: 'yes' },
      tolerations: [{ key: 'kata', operator: 'Exists' }],
    },
  },
  { name: 'an absent one', spec: { runtimeClassName: 'x' }, refusal: 'pod rejected: RuntimeClass "x" not found' },
  {
    name: 'one that costs something else',
    spec: { runtimeClassName: 'kata', overhead: { cpu: '1' } },
    refusal: "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
  },
  {
    name: 'none, and costs',
    spec: { overhead: { cpu: '1' } },
    refusal: 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
  },
  {
    name: 'one of other places',
    spec: { runtimeClassName: 'kata', nodeSelector: { kata: 'no' } },
    refusal:
      'pod rejected: conflict: runtimeClass.scheduling.nodeSelector[kata] = yes; pod.spec.nodeSelector[kata] = no',
  },
]
for (const { name, spec, becomes, refusal } of runtimes)
  void t.test(`a pod of a runtime class: ${name}`, async t => {
    const stored = { runtimeclasses }
    const outcome = await admitBy(runtimeClassPlugin, { kind: podRow, object: pod(spec) }, { stored })
    t.equal(outcome.refusal, refusal && `pods "web" is forbidden: ${refusal}`)
    if (becomes !== undefined) t.same(outcome.object?.['spec'], becomes)
  })

const csrRow = row('certificates.k8s.io', 'certificatesigningrequests', 'CertificateSigningRequest', false)
const csr = (spec: object, status: object = {}): UnknownObject => ({ metadata: { name: 'r' }, spec, status })
const mayUse = (...names: string[]): Authorizer => ({
  ...alwaysAllow,
  authorize: (_, wanted) =>
    wanted.kind === 'resource' && names.includes(`${wanted.verb} ${wanted.name}`)
      ? { decision: 'allow', reason: '' }
      : noOpinion,
})
const signer = { signerName: 'example.com/web' }
const signings: { name: string; plugin: AdmissionPlugin; part: string; after: UnknownObject; refusal?: string }[] = [
  {
    name: 'approves by name',
    plugin: certificateApprovalPlugin(mayUse('approve example.com/web')),
    part: 'approval',
    after: csr(signer),
  },
  {
    name: 'approves by domain',
    plugin: certificateApprovalPlugin(mayUse('approve example.com/*')),
    part: 'approval',
    after: csr(signer),
  },
  {
    name: 'does not approve without the right',
    plugin: certificateApprovalPlugin(mayUse('sign example.com/*')),
    part: 'approval',
    after: csr(signer),
    refusal: 'user not permitted to approve requests with signerName "example.com/web"',
  },
  { name: 'touches the status', plugin: certificateSigningPlugin(mayUse()), part: 'status', after: csr(signer) },
  {
    name: 'does not sign without the right',
    plugin: certificateSigningPlugin(mayUse()),
    part: 'status',
    after: csr(signer, { certificate: 'x' }),
    refusal: 'user not permitted to sign requests with signerName "example.com/web"',
  },
]
for (const { name, plugin, part, after, refusal } of signings)
  void t.test(`who ${name}`, async t => {
    const request = { kind: csrRow, operation: 'update', subresource: part, object: after, old: csr(signer) } as const
    const outcome = await admitBy(plugin, request)
    t.equal(outcome.refusal, refusal && `certificatesigningrequests.certificates.k8s.io "r" is forbidden: ${refusal}`)
  })

void t.test('no client certificate makes an administrator', async t => {
  const keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const request = async (organization: string, signerName: string) => {
    const made = await x509.Pkcs10CertificateRequestGenerator.create({
      name: `CN=me,O=${organization}`,
      keys,
      signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    })
    const object = csr({ signerName, request: Buffer.from(made.toString('pem')).toString('base64') })
    return (await admitBy(certificateSubjectRestrictionPlugin, { kind: csrRow, object })).refusal
  }
  const client = 'kubernetes.io/kube-apiserver-client'
  t.equal(
    await request('system:masters', client),
    `certificatesigningrequests.certificates.k8s.io "r" is forbidden: use of ${client} signer with system:masters group is not allowed`,
  )
  t.equal(await request('team', client), undefined)
  t.equal(await request('system:masters', 'example.com/web'), undefined)
})

void t.test('images are pulled anew, and special devices are tolerated, where the plugins are on', async t => {
  const object = pod({
    containers: [
      { name: 'a', imagePullPolicy: 'Never', resources: { requests: { 'example.com/gpu': '1', cpu: '1' } } },
    ],
  })
  await admitBy(alwaysPullImagesPlugin, { kind: podRow, object })
  await admitBy(extendedResourceTolerationPlugin, { kind: podRow, object })
  t.match(object['spec'], {
    containers: [{ imagePullPolicy: 'Always' }],
    tolerations: [{ key: 'example.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
  })
})

const plugins = ['Priority', 'AlwaysPullImages', 'ServiceAllocation'].map(name => ({ name }))
const selections: {
  name: string
  enable?: string[]
  disable?: string[]
  runs?: string[]
  error?: { code: string; message?: string }
}[] = [
  { name: 'by default', runs: ['Priority', 'ServiceAllocation'] },
  {
    name: 'what is switched on',
    enable: ['AlwaysPullImages'],
    runs: ['Priority', 'AlwaysPullImages', 'ServiceAllocation'],
  },
  { name: 'without what is switched off', disable: ['Priority', 'EventRateLimit'], runs: ['ServiceAllocation'] },
  {
    name: 'nothing unknown',
    disable: ['ServiceAllocation'],
    error: {
      code: 'INVALID_INPUT',
      message: '--disable-admission-plugins: admission plugin "ServiceAllocation" is unknown',
    },
  },
  {
    name: 'nothing that is not built',
    enable: ['EventRateLimit'],
    error: {
      code: 'NOT_IMPLEMENTED',
      message: '--enable-admission-plugins: admission plugin "EventRateLimit" is not built yet',
    },
  },
  {
    name: 'nothing that is on and off',
    enable: ['Priority'],
    disable: ['Priority'],
    error: { code: 'INVALID_INPUT' },
  },
]
for (const { name, enable = [], disable = [], runs, error } of selections)
  void t.test(`plugins that run: ${name}`, async t => {
    const select = () => selectPlugins(plugins, { enable, disable }).map(plugin => plugin.name)
    if (error === undefined) t.same(select(), runs)
    else t.throws(select, error)
  })
