import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { stringify } from 'yaml'
import { writeFileAtomic } from '../../host/files.ts'
import type { KeyPair, LeafRequest } from './certificate-authority.ts'
import { kubeconfigPath, pkiPath } from './pki-path.ts'

export interface ClusterIdentity {
  nodeName: string
  nodeIp: string
  /** First address of the service range: the `kubernetes` Service. */
  apiServiceIp: string
  clusterDomain: string
}

/** What one certificate is for; `kubeconfig` names the file that carries it, when it is a client of the API. */
interface CertificateRow {
  name: string
  kubeconfig: boolean
  request(cluster: ClusterIdentity): LeafRequest
}

/** One row per certificate: adding a daemon is adding a row. Subjects as upstream's kubeadm issues them. */
export const certificateRows: readonly CertificateRow[] = [
  {
    name: 'apiserver',
    kubeconfig: false,
    request: c => ({
      commonName: 'kube-apiserver',
      usages: ['server'],
      dnsNames: [
        'localhost',
        c.nodeName,
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        `kubernetes.default.svc.${c.clusterDomain}`,
      ],
      ipAddresses: ['127.0.0.1', c.apiServiceIp, c.nodeIp],
    }),
  },
  {
    name: 'apiserver-kubelet-client',
    kubeconfig: false,
    request: () => ({
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['system:masters'],
      usages: ['client'],
    }),
  },
  {
    name: 'kubelet-server',
    kubeconfig: false,
    request: c => ({
      commonName: `system:node:${c.nodeName}`,
      organizations: ['system:nodes'],
      usages: ['server'],
      dnsNames: [c.nodeName],
      ipAddresses: [c.nodeIp, '127.0.0.1'],
    }),
  },
  {
    name: 'admin',
    kubeconfig: true,
    request: () => ({ commonName: 'kubernetes-admin', organizations: ['system:masters'], usages: ['client'] }),
  },
  {
    name: 'kubelet',
    kubeconfig: true,
    request: c => ({ commonName: `system:node:${c.nodeName}`, organizations: ['system:nodes'], usages: ['client'] }),
  },
  { name: 'scheduler', kubeconfig: true, request: () => ({ commonName: 'system:kube-scheduler', usages: ['client'] }) },
  {
    name: 'controller-manager',
    kubeconfig: true,
    request: () => ({ commonName: 'system:kube-controller-manager', usages: ['client'] }),
  },
  { name: 'kube-proxy', kubeconfig: true, request: () => ({ commonName: 'system:kube-proxy', usages: ['client'] }) },
  { name: 'dns', kubeconfig: true, request: () => ({ commonName: 'system:skiff:dns', usages: ['client'] }) },
  { name: 'ingress', kubeconfig: true, request: () => ({ commonName: 'system:skiff:ingress', usages: ['client'] }) },
]

const base64 = (text: string) => Buffer.from(text).toString('base64')

/** A kubeconfig with everything embedded, as kubectl and client libraries read it. */
export const kubeconfigText = (options: { server: string; ca: string; user: string; pair: KeyPair }): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      { name: 'skiff', cluster: { server: options.server, 'certificate-authority-data': base64(options.ca) } },
    ],
    users: [
      {
        name: options.user,
        user: {
          'client-certificate-data': base64(options.pair.certificate),
          'client-key-data': base64(options.pair.key),
        },
      },
    ],
    contexts: [{ name: 'skiff', context: { cluster: 'skiff', user: options.user } }],
    'current-context': 'skiff',
  })

const readPair = (dataDir: string, name: string): KeyPair | undefined => {
  const certificate = pkiPath(dataDir, name, 'crt')
  const key = pkiPath(dataDir, name, 'key')
  if (!existsSync(certificate) || !existsSync(key)) return undefined
  return { certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
}

/** A certificate is kept while it holds for another 30 days and still names every address it must. */
export const isStillGood = (certificate: string, request: LeafRequest, nowMs: number): boolean => {
  const parsed = new X509Certificate(certificate)
  const names = parsed.subjectAltName ?? ''
  const namesAll =
    (request.ipAddresses ?? []).every(ip => names.includes(`IP Address:${ip}`)) &&
    (request.dnsNames ?? []).every(name => names.includes(`DNS:${name}`))
  return (
    namesAll &&
    Date.parse(parsed.validTo) - nowMs > 30 * 86_400_000 &&
    parsed.subject.includes(`CN=${request.commonName}`)
  )
}

/** The key that service account tokens are signed with; it is kept for good, for a new one would end every token. */
const ensureSigningKey = (dataDir: string): string[] => {
  const path = pkiPath(dataDir, 'sa', 'key')
  if (existsSync(path)) return []
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileAtomic(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600)
  return ['sa']
}

const frontProxyRequest: LeafRequest = { commonName: 'front-proxy-client', usages: ['client'] }

type WritePair = (name: string, pair: KeyPair) => void

/** Whoever its authority signs for may say they are anybody: it is another than the cluster's, and signs only this one. */
const ensureFrontProxy = async (dataDir: string, nowMs: number, writePair: WritePair): Promise<void> => {
  const oldCa = readPair(dataDir, 'front-proxy-ca')
  const old = oldCa && readPair(dataDir, 'front-proxy-client')
  if (old !== undefined && isStillGood(old.certificate, frontProxyRequest, nowMs)) return
  const { createAuthority, issueCertificate } = await import('./certificate-authority.ts')
  const ca = oldCa ?? (await createAuthority('skiff-front-proxy-ca'))
  if (oldCa === undefined) writePair('front-proxy-ca', ca)
  writePair('front-proxy-client', await issueCertificate(ca, frontProxyRequest))
}

/**
 * Makes what is missing, expiring or no longer fits of the cluster's certificates and kubeconfigs under
 * `<dataDir>/pki` and `<dataDir>/kubeconfigs`; what is there and good is left as it is.
 */
export const ensureClusterCertificates = async (
  dataDir: string,
  cluster: ClusterIdentity,
  server: string,
  nowMs: number,
): Promise<{ made: string[] }> => {
  for (const directory of ['pki', 'kubeconfigs']) mkdirSync(join(dataDir, directory), { recursive: true, mode: 0o700 })
  const made = ensureSigningKey(dataDir)
  const writePair: WritePair = (name, pair) => {
    writeFileAtomic(pkiPath(dataDir, name, 'key'), pair.key, 0o600)
    writeFileAtomic(pkiPath(dataDir, name, 'crt'), pair.certificate, 0o644)
    made.push(name)
  }
  await ensureFrontProxy(dataDir, nowMs, writePair)
  const oldCa = readPair(dataDir, 'ca')
  const missing = certificateRows.filter(row => {
    const pair = oldCa === undefined ? undefined : readPair(dataDir, row.name)
    const unusable = row.kubeconfig && !existsSync(kubeconfigPath(dataDir, row.name))
    return pair === undefined || unusable || !isStillGood(pair.certificate, row.request(cluster), nowMs)
  })
  if (oldCa !== undefined && missing.length === 0) return { made }
  // Loaded only when something must be made: it costs a good part of a second of start-up otherwise.
  const { createAuthority, issueCertificate } = await import('./certificate-authority.ts')
  const ca = oldCa ?? (await createAuthority('skiff-ca'))
  if (oldCa === undefined) writePair('ca', ca)
  for (const row of missing) {
    const request = row.request(cluster)
    const pair = await issueCertificate(ca, request)
    writePair(row.name, pair)
    if (row.kubeconfig)
      writeFileAtomic(
        kubeconfigPath(dataDir, row.name),
        kubeconfigText({ server, ca: ca.certificate, user: request.commonName, pair }),
        0o600,
      )
  }
  return { made }
}
