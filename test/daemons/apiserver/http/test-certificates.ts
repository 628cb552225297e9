import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import * as x509 from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

export interface Pem {
  cert: string
  key: string
}

/** An authority that lives as long as a test, and what it signs. */
export interface Authority extends Pem {
  server(addresses: readonly string[]): Promise<Pem>
  /** CN is the user, each O a group. */
  client(user: string, groups: readonly string[]): Promise<Pem>
}

const keyPem = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')

const generate = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

export const makeAuthority = async (name = 'test-ca'): Promise<Authority> => {
  x509.cryptoProvider.set(webcrypto)
  const keys = await generate()
  const valid = { notBefore: new Date(Date.now() - 3_600_000), notAfter: new Date(Date.now() + 86_400_000) }
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: '01',
    name: `CN=${name}`,
    ...valid,
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 2, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign),
    ],
  })
  let serial = 1
  const sign = async (subject: x509.JsonName, extensions: x509.Extension[]): Promise<Pem> => {
    const own = await generate()
    serial++
    const cert = await x509.X509CertificateGenerator.create({
      serialNumber: serial.toString(16).padStart(2, '0'),
      subject,
      issuer: ca.subject,
      ...valid,
      signingAlgorithm: algorithm,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      extensions,
    })
    return { cert: cert.toString('pem'), key: await keyPem(own.privateKey) }
  }
  return {
    cert: ca.toString('pem'),
    key: await keyPem(keys.privateKey),
    server: addresses =>
      sign(
        [{ CN: ['server'] }],
        [
          new x509.SubjectAlternativeNameExtension(
            addresses.map(value => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value })),
          ),
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        ],
      ),
    client: (user, groups) =>
      sign(
        [{ CN: [user] }, ...groups.map(group => ({ O: [group] }))],
        [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth])],
      ),
  }
}
