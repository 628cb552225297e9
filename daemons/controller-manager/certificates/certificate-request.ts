// @peculiar/x509 builds on decorators whose metadata this polyfill keeps; it must come first.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** What a request in PEM asks for. */
export interface RequestedCertificate {
  commonName: string
  organizations: readonly string[]
  dnsNames: readonly string[]
  ipAddresses: readonly string[]
  emailAddresses: readonly string[]
  uris: readonly string[]
}

export interface SigningOrder {
  /** The request, PEM. */
  request: string
  /** Kubernetes' words: `client auth`, `digital signature`, … */
  usages: readonly string[]
  notBefore: Date
  notAfter: Date
}

const keyUsages: Readonly<Record<string, x509.KeyUsageFlags>> = {
  signing: x509.KeyUsageFlags.digitalSignature,
  'digital signature': x509.KeyUsageFlags.digitalSignature,
  'content commitment': x509.KeyUsageFlags.nonRepudiation,
  'key encipherment': x509.KeyUsageFlags.keyEncipherment,
  'key agreement': x509.KeyUsageFlags.keyAgreement,
  'data encipherment': x509.KeyUsageFlags.dataEncipherment,
}
const extendedUsages: Readonly<Record<string, string>> = {
  'client auth': x509.ExtendedKeyUsage.clientAuth,
  'server auth': x509.ExtendedKeyUsage.serverAuth,
}

const namesOf = (request: x509.Pkcs10CertificateRequest): readonly x509.GeneralName[] =>
  request.extensions.find(extension => extension instanceof x509.SubjectAlternativeNameExtension)?.names.items ?? []

/** Throws where the text is no request. */
export const readRequest = (pem: string): RequestedCertificate => {
  const request = new x509.Pkcs10CertificateRequest(pem)
  const names = namesOf(request)
  const ofType = (type: string) => names.filter(name => name.type === type).map(({ value }) => value)
  return {
    commonName: request.subjectName.getField('CN')[0] ?? '',
    organizations: request.subjectName.getField('O'),
    dnsNames: ofType('dns'),
    ipAddresses: ofType('ip'),
    emailAddresses: ofType('email'),
    uris: ofType('url'),
  }
}

const hashOf = (curve: string): string => (curve === 'P-521' ? 'SHA-512' : curve === 'P-384' ? 'SHA-384' : 'SHA-256')

interface AuthorityKey {
  key: webcrypto.CryptoKey
  algorithm: { name: string; hash: string }
}

/** The CA's key (PKCS#8), of whichever of the two usual kinds it is. */
const importKey = async (pem: string, certificate: x509.X509Certificate): Promise<AuthorityKey> => {
  const der = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64')
  const { name, namedCurve = 'P-256' } = certificate.publicKey.algorithm as { name: string; namedCurve?: string }
  if (name.startsWith('RSA')) {
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
    return { key: await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']), algorithm }
  }
  const key = await webcrypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve }, false, ['sign'])
  return { key, algorithm: { name: 'ECDSA', hash: hashOf(namedCurve) } }
}

/** Signs with a certificate authority; files are read once. */
export const makeSigner = async (authority: { certificate: string; key: string }) => {
  const issuer = new x509.X509Certificate(authority.certificate)
  const { key, algorithm } = await importKey(authority.key, issuer)
  return async ({ request: pem, usages, notBefore, notAfter }: SigningOrder): Promise<string> => {
    const request = new x509.Pkcs10CertificateRequest(pem)
    const names = namesOf(request)
    const flags = usages.reduce((sum, usage) => sum | (keyUsages[usage] ?? 0), 0)
    const extended = usages.flatMap(usage => extendedUsages[usage] ?? [])
    const certificate = await x509.X509CertificateGenerator.create(
      {
        serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)).with(0, 0x4a)).toString('hex'),
        subject: request.subjectName,
        issuer: issuer.subjectName,
        notBefore,
        // No certificate outlives the one that vouches for it.
        notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
        signingAlgorithm: algorithm,
        publicKey: request.publicKey,
        signingKey: key,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          ...(flags === 0 ? [] : [new x509.KeyUsagesExtension(flags, true)]),
          ...(extended.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(extended)]),
          await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
          ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...names])]),
        ],
      },
      webcrypto,
    )
    return `${certificate.toString('pem')}\n`
  }
}
