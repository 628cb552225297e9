// @peculiar/x509 builds on decorators whose metadata this polyfill keeps; it must come first.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A certificate with its private key, both PEM. */
export interface KeyPair {
  certificate: string
  key: string
}

export interface Subject {
  /** The user, for a client certificate. */
  commonName: string
  /** The groups, for a client certificate. */
  organizations?: readonly string[]
}

export interface LeafRequest extends Subject {
  dnsNames?: readonly string[]
  ipAddresses?: readonly string[]
  usages: readonly ('client' | 'server')[]
  /** Default one year, as kubeadm's. */
  validDays?: number
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000

const pemOf = async (key: webcrypto.CryptoKey): Promise<string> => {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key))
  const body = der.toString('base64').replaceAll(/(.{64})/g, '$1\n')
  return `-----BEGIN PRIVATE KEY-----\n${body.trimEnd()}\n-----END PRIVATE KEY-----\n`
}

const keyFromPem = (pem: string): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey(
    'pkcs8',
    Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'),
    algorithm,
    true,
    ['sign'],
  )

const serial = () => Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)).with(0, 0x4a)).toString('hex')

// A clock that runs a little behind on another machine must not find the certificate "not yet valid".
const notBefore = () => new Date(Date.now() - 5 * 60_000)

/** A new self-signed certificate authority (ECDSA P-256, ten years). */
export const createAuthority = async (commonName: string): Promise<KeyPair> => {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serial(),
      name: [{ CN: [commonName] }],
      notBefore: notBefore(),
      notAfter: new Date(Date.now() + 3650 * dayMs),
      signingAlgorithm: algorithm,
      keys: keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  )
  return { certificate: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) }
}

/** A certificate for one daemon or user, signed by the authority. */
export const issueCertificate = async (authority: KeyPair, request: LeafRequest): Promise<KeyPair> => {
  const issuer = new x509.X509Certificate(authority.certificate)
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const names: x509.JsonGeneralName[] = [
    ...(request.dnsNames ?? []).map(value => ({ type: 'dns' as const, value })),
    ...(request.ipAddresses ?? []).map(value => ({ type: 'ip' as const, value })),
  ]
  const usages = request.usages.map(usage =>
    usage === 'client' ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth,
  )
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial(),
      subject: [
        ...(request.organizations ?? []).map(organization => ({ O: [organization] })),
        { CN: [request.commonName] },
      ],
      issuer: issuer.subject,
      notBefore: notBefore(),
      notAfter: new Date(Date.now() + (request.validDays ?? 365) * dayMs),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey: await keyFromPem(authority.key),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension(usages),
        await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ],
    },
    webcrypto,
  )
  return { certificate: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) }
}
