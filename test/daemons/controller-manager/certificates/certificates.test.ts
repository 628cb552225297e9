import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { X509Certificate, webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CertificateSigningRequest } from 'kubernetes-types/certificates/v1.js'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { endOf } from '../../../../daemons/controller-manager/certificates/csr-cleaner-controller.ts'
import { signerError, signers } from '../../../../daemons/controller-manager/certificates/signer-rules.ts'
import { options } from '../../../../daemons/controller-manager/options.ts'
import { start } from '../../../../daemons/controller-manager/start.ts'
import { FakeJournal } from '../../../../host/journal.ts'
import { systemClock } from '../../../../host/clock.ts'
import type { KubeClient } from '../../../../kube/client/client.ts'
import { resolveOptions } from '../../../../kube/options.ts'
import { certificateSigningRequests, clusterRoleBindings } from '../../../../kube/resources.ts'
import { createAuthority } from '../../../../provision/certificates/certificate-authority.ts'
import { startTestServer } from '../../apiserver/http/test-server.ts'

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const node = { commonName: 'system:node:n1', organizations: ['system:nodes'] }
const nothing = { dnsNames: [], ipAddresses: [], emailAddresses: [], uris: [] }
const clientUsages = ['digital signature', 'client auth']

for (const { name, signer, asked, usages, error } of [
  { name: 'a kubelet', signer: signers.kubeletClient, asked: node, usages: clientUsages, error: undefined },
  {
    name: 'a kubelet with a name of its host',
    signer: signers.kubeletClient,
    asked: { ...node, dnsNames: ['n1'] },
    usages: clientUsages,
    error: 'DNS subjectAltNames are not allowed',
  },
  {
    name: 'a kubelet that would be master',
    signer: signers.kubeletClient,
    asked: { ...node, organizations: ['system:masters'] },
    usages: clientUsages,
    error: 'organization in subject is not system:nodes',
  },
  {
    name: 'a kubelet that would be served',
    signer: signers.kubeletClient,
    asked: node,
    usages: ['server auth'],
    error: 'usages did not match [client auth digital signature key encipherment]',
  },
  {
    name: 'a kubelet that serves nowhere',
    signer: signers.kubeletServing,
    asked: node,
    usages: ['server auth'],
    error: 'DNS or IP subjectAltName is required',
  },
  {
    name: 'a kubelet that serves',
    signer: signers.kubeletServing,
    asked: { ...node, ipAddresses: ['192.0.2.1'] },
    usages: ['server auth'],
    error: undefined,
  },
  {
    name: 'a user',
    signer: signers.apiClient,
    asked: { commonName: 'ann', organizations: [] },
    usages: ['client auth'],
    error: undefined,
  },
])
  t.test(`${name} is ${error === undefined ? 'signed for' : 'refused'}`, async t => {
    t.equal(signerError(signer, { ...nothing, ...asked }, usages), error)
  })

t.test('requests go an hour after they were decided on, and a day after nobody did', async t => {
  const at = '2026-01-01T00:00:00Z'
  const csr = (status: object): CertificateSigningRequest => ({
    metadata: { creationTimestamp: at },
    spec: { request: '', signerName: '' },
    status,
  })
  t.equal(endOf(csr({})), Date.parse(at) + 24 * 3_600_000)
  const conditions = [{ type: 'Denied', status: 'True', lastUpdateTime: at }]
  t.equal(endOf(csr({ conditions })), Date.parse(at) + 3_600_000)
})

const setUp = async (test: Test) => {
  const server = await startTestServer(test)
  const authority = await createAuthority('test-ca')
  const directory = mkdtempSync(join(tmpdir(), 'skiff-signing-'))
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text)
    return join(directory, name)
  }
  const stop = new AbortController()
  const manager = await start(
    {
      ...resolveOptions(options),
      controllers: ['csrsigning', 'csrapproving'],
      securePort: 0,
      clusterSigningCertFile: file('ca.crt', authority.certificate),
      clusterSigningKeyFile: file('ca.key', authority.key),
    },
    {
      signal: stop.signal,
      log: pino({ level: 'silent' }),
      journal: new FakeJournal(),
      client: server.client({ name: 'system:kube-controller-manager', groups: ['system:authenticated'] }),
      clock: systemClock,
    },
  )
  test.teardown(async () => {
    stop.abort(new Error('the test is over'))
    await manager.done
    rmSync(directory, { recursive: true })
  })
  return { server, authority }
}

const request = async (name: string): Promise<string> => {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify'])
  const made = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: ecdsa })
  return Buffer.from(made.toString('pem')).toString('base64')
}

const ask = (client: KubeClient, name: string, spec: CertificateSigningRequest['spec']) =>
  client.create(certificateSigningRequests, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name },
    spec,
  })

/** Resolves with the first state of the request that has what is waited for. */
const until = async (client: KubeClient, name: string, done: (csr: CertificateSigningRequest) => boolean) => {
  const stop = new AbortController()
  for await (const { type, object } of client.watch(certificateSigningRequests, {
    fieldSelector: `metadata.name=${name}`,
    signal: stop.signal,
  }))
    if (type !== 'BOOKMARK' && done(object as CertificateSigningRequest)) return object as CertificateSigningRequest
  throw new Error('the watch ended')
}

t.test('a kubelet renews its own client certificate without anybody', async t => {
  const { server, authority } = await setUp(t)
  const kubelet = server.client({ name: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] })
  const admin = server.client({ name: 'admin', groups: ['system:masters'] })
  // As kubeadm does: the role is every cluster's, who has it is the administrator's matter.
  const role = 'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient'
  const rbac = 'rbac.authorization.k8s.io'
  await admin.create(clusterRoleBindings, {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'node-autoapprove-certificate-rotation' },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: rbac, kind: 'Group', name: 'system:nodes' }],
  })
  await ask(kubelet, 'n1', {
    request: await request('O=system:nodes, CN=system:node:n1'),
    signerName: signers.kubeletClient,
    usages: clientUsages,
    expirationSeconds: 3600,
  })
  const { status } = await until(admin, 'n1', csr => csr.status?.certificate !== undefined)
  t.match(status?.conditions, [{ type: 'Approved', reason: 'AutoApproved' }])
  const certificate = new X509Certificate(Buffer.from(status?.certificate ?? '', 'base64'))
  t.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey))
  t.equal(certificate.subject, 'O=system:nodes\nCN=system:node:n1')
  const lifeMs = Date.parse(certificate.validTo) - Date.now()
  t.ok(lifeMs > 3_500_000 && lifeMs <= 3_600_000)
})

t.test('what its signer must not sign fails, though it was approved', async t => {
  const { server } = await setUp(t)
  const admin = server.client({ name: 'admin', groups: ['system:masters'] })
  const spec = { request: await request('CN=ann'), signerName: signers.apiClient, usages: ['server auth'] }
  const made = await ask(admin, 'ann', spec)
  const conditions = [{ type: 'Approved', status: 'True', reason: 'Test' }]
  await admin.update(certificateSigningRequests, { ...made, status: { conditions } }, { subresource: 'approval' })
  const failed = await until(admin, 'ann', csr => (csr.status?.conditions ?? []).some(({ type }) => type === 'Failed'))
  t.match(failed.status?.conditions?.[1], { type: 'Failed', reason: 'SignerValidationFailure' })
  t.equal(failed.status?.certificate, undefined)
})
