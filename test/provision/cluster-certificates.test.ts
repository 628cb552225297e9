import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import t from 'tap'
import {
  certificateRows,
  ensureClusterCertificates,
  isStillGood,
} from '../../provision/certificates/cluster-certificates.ts'
import { kubeconfigPath, pkiPath } from '../../provision/certificates/pki-path.ts'

const cluster = { nodeName: 'one', nodeIp: '192.0.2.7', apiServiceIp: '10.96.0.1', clusterDomain: 'cluster.local' }
const server = 'https://127.0.0.1:6443'

t.test('the certificates of a cluster', async t => {
  const dataDir = mkdtempSync(join(tmpdir(), 'skiff-pki-'))
  t.teardown(() => rmSync(dataDir, { recursive: true }))
  const certificate = (name: string) => new X509Certificate(readFileSync(pkiPath(dataDir, name, 'crt')))
  const { made } = await ensureClusterCertificates(dataDir, cluster, server, Date.now())

  t.test('every row is made, signed by the authority, and its key is root’s alone', async t => {
    t.strictSame(made, ['sa', 'front-proxy-ca', 'front-proxy-client', 'ca', ...certificateRows.map(row => row.name)])
    const ca = certificate('ca')
    t.ok(ca.ca)
    for (const { name } of certificateRows) {
      t.ok(certificate(name).verify(ca.publicKey), name)
      t.notOk(certificate(name).ca, name)
      t.equal(statSync(pkiPath(dataDir, name, 'key')).mode & 0o777, 0o600, name)
    }
  })

  t.test('front proxies have an authority of their own', async t => {
    const ca = certificate('ca')
    t.ok(certificate('front-proxy-client').verify(certificate('front-proxy-ca').publicKey))
    t.notOk(certificate('front-proxy-client').verify(ca.publicKey))
  })

  for (const { name, subject } of [
    { name: 'admin', subject: 'O=system:masters\nCN=kubernetes-admin' },
    { name: 'kubelet', subject: 'O=system:nodes\nCN=system:node:one' },
    { name: 'kube-proxy', subject: 'CN=system:kube-proxy' },
  ])
    t.test(`${name} has upstream’s subject`, async t => {
      t.equal(certificate(name).subject, subject)
    })

  t.test('the API server is known by every name and address that clients use', async t => {
    const apiserver = certificate('apiserver')
    for (const host of ['localhost', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local', 'one'])
      t.ok(apiserver.checkHost(host), host)
    for (const ip of ['127.0.0.1', '10.96.0.1', '192.0.2.7']) t.ok(apiserver.checkIP(ip), ip)
    t.notOk(apiserver.checkIP('192.0.2.8'))
  })

  t.test('a kubeconfig carries what kubectl needs, and is root’s alone', async t => {
    const config = parse(readFileSync(kubeconfigPath(dataDir, 'admin'), 'utf8')) as {
      clusters: { cluster: { server: string } }[]
      'current-context': string
    }
    t.equal(config.clusters[0]?.cluster.server, server)
    t.equal(config['current-context'], 'skiff')
    t.equal(statSync(kubeconfigPath(dataDir, 'admin')).mode & 0o777, 0o600)
  })

  t.test(
    'what is good is kept; what no longer fits or soon expires is made anew, under the same authority',
    async t => {
      const before = certificate('ca').fingerprint256
      t.strictSame((await ensureClusterCertificates(dataDir, cluster, server, Date.now())).made, [])
      const moved = await ensureClusterCertificates(dataDir, { ...cluster, nodeIp: '192.0.2.8' }, server, Date.now())
      t.strictSame(moved.made, ['apiserver', 'kubelet-server'])
      rmSync(kubeconfigPath(dataDir, 'dns'))
      t.strictSame(
        (await ensureClusterCertificates(dataDir, { ...cluster, nodeIp: '192.0.2.8' }, server, Date.now())).made,
        ['dns'],
      )
      t.equal(certificate('ca').fingerprint256, before)
      const inElevenMonths = Date.now() + 340 * 86_400_000
      const admin = readFileSync(pkiPath(dataDir, 'admin', 'crt'), 'utf8')
      t.ok(isStillGood(admin, { commonName: 'kubernetes-admin', usages: ['client'] }, Date.now()))
      t.notOk(isStillGood(admin, { commonName: 'kubernetes-admin', usages: ['client'] }, inElevenMonths))
      t.notOk(isStillGood(admin, { commonName: 'somebody', usages: ['client'] }, Date.now()))
    },
  )
})
