import 'reflect-metadata'
import * as x509 from '@peculiar/x509'
import { webcrypto } from 'node:crypto'
import t from 'tap'
import { certificateRequestError } from '../../../../daemons/apiserver/kinds/certificate-request.ts'
import { startTestServer } from './test-server.ts'

const collection = '/apis/certificates.k8s.io/v1/certificatesigningrequests'

const usages = ['sign', 'verify'] as const
const publicExponent = new Uint8Array([1, 0, 1])
const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const rsa = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent, hash: 'SHA-256' } as const
const ed25519 = { name: 'Ed25519' } as const

const makeRequest = async (name: string, algorithm: typeof ecdsa | typeof rsa | typeof ed25519 = ecdsa) => {
  const keys = await webcrypto.subtle.generateKey(algorithm as typeof ecdsa, true, usages)
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: algorithm })
  return request.toString('pem')
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

for (const algorithm of [ecdsa, rsa, ed25519])
  t.test(`a request signed with ${algorithm.name} is whole, and broken where a byte of it changes`, async t => {
    const pem = await makeRequest('CN=ann', algorithm)
    t.equal(certificateRequestError(pem), undefined)
    const der = Buffer.from(new x509.Pkcs10CertificateRequest(pem).rawData)
    der.writeUInt8((der.at(-1) ?? 0) ^ 1, der.length - 1)
    const broken = new x509.Pkcs10CertificateRequest(der).toString('pem')
    t.equal(certificateRequestError(broken), 'x509: verification error')
  })

t.test('what is no request is told so, however it is cut', async t => {
  t.equal(certificateRequestError('hello'), 'PEM block type must be CERTIFICATE REQUEST')
  const der = Buffer.from(new x509.Pkcs10CertificateRequest(await makeRequest('CN=ann')).rawData)
  for (let length = 0; length < der.length; length++) {
    const body = der.subarray(0, length).toString('base64')
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${body}\n-----END CERTIFICATE REQUEST-----`
    t.type(certificateRequestError(pem), 'string')
  }
})

t.test('certificates are asked for, decided on and issued', async t => {
  const { ask, authority } = await startTestServer(t)
  const spec = {
    request: base64(await makeRequest('CN=ann')),
    signerName: 'kubernetes.io/kube-apiserver-client',
    usages: ['client auth'],
    username: 'somebody-else',
    groups: ['system:somebodies'],
    expirationSeconds: 3600,
  }
  const made = await ask(collection, {
    method: 'POST',
    body: { metadata: { name: 'ann' }, spec, status: { certificate: 'AA==' } },
  })
  const decide = (subresource: string, status: object) =>
    ask(`${collection}/ann/${subresource}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { status },
    })
  const approved = { type: 'Approved', status: 'True', reason: 'Test', message: 'by a test' }

  t.test('who asks is what the server knows, and nothing is decided', async t => {
    t.equal(made.status, 201, made.text)
    t.match(made.json['spec'], { username: 'kubernetes-admin', groups: ['system:masters', 'system:authenticated'] })
    t.same(made.json['status'], {})
  })

  t.test('what is no request is refused by its field', async t => {
    const body = { metadata: { name: 'bad' }, spec: { request: base64('x'), signerName: 'me', usages: ['x'] } }
    const { status, json } = await ask(collection, { method: 'POST', body })
    t.equal(status, 422)
    const { causes } = json['details'] as { causes: { field: string }[] }
    t.same(
      causes.map(({ field }) => field),
      ['spec.request', 'spec.usages[0]', 'spec.signerName'],
    )
  })

  t.test('approval and status write metadata on the way, and refuse what is none', async t => {
    const annotate = (subresource: string, annotations: object) =>
      ask(`${collection}/ann/${subresource}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/merge-patch+json' },
        body: { metadata: { annotations } },
      })
    t.match(await annotate('approval', { a: '1' }), { status: 200, json: { metadata: { annotations: { a: '1' } } } })
    t.match(await annotate('status', { b: '2' }), { status: 200, json: { metadata: { annotations: { b: '2' } } } })
    t.match(await annotate('status', { 'not a name': 'x' }), { status: 422 })
  })

  t.test('the status subresource decides nothing', async t => {
    const { status, text } = await decide('status', { conditions: [approved] })
    t.equal(status, 422)
    t.match(text, /updates may not add a condition of type/)
  })

  t.test('approval gets its times, and issues nothing', async t => {
    const { status, json } = await decide('approval', { conditions: [approved], certificate: base64(authority.cert) })
    t.equal(status, 200)
    const { conditions, certificate } = json['status'] as { conditions: Record<string, string>[]; certificate?: string }
    t.match(conditions[0], { ...approved, lastUpdateTime: /Z$/, lastTransitionTime: /Z$/ })
    t.equal(certificate, undefined)
  })

  t.test('an approved request is not denied as well', async t => {
    const { text } = await decide('approval', { conditions: [approved, { ...approved, type: 'Denied' }] })
    t.match(text, /Approved and Denied conditions are mutually exclusive/)
  })

  t.test('the signer puts the certificate in, once', async t => {
    const issued = await decide('status', { certificate: base64(authority.cert) })
    t.equal(issued.status, 200, issued.text)
    const again = await decide('status', { certificate: base64(`${authority.cert}${authority.cert}`) })
    t.match(again.text, /updates may not modify existing certificate content/)
    const table = await ask(`${collection}?fieldSelector=spec.signerName%3Dkubernetes.io%2Fkube-apiserver-client`, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    })
    const { rows } = table.json as unknown as { rows: { cells: unknown[] }[] }
    t.same(rows[0]?.cells.slice(2), [
      'kubernetes.io/kube-apiserver-client',
      'kubernetes-admin',
      '60m',
      'Approved,Issued',
    ])
  })

  t.test('what was asked for never changes', async t => {
    const { json } = await ask(`${collection}/ann`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { spec: { signerName: 'example.com/other' } },
    })
    t.match(json['spec'], { signerName: 'kubernetes.io/kube-apiserver-client' })
  })
})
