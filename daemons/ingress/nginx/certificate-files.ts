import { createHash, webcrypto, X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { Secret } from 'kubernetes-types/core/v1.js'
import { writeFileAtomic } from '../../../host/files.ts'

/** Certificate and key of a Secret in one PEM text; undefined when they are missing, unreadable or do not belong together. */
export const pemOf = (secret: Secret | undefined): string | undefined => {
  const decode = (key: string) => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8')
  const [cert, key] = [decode('tls.crt'), decode('tls.key')]
  if (cert === '' || key === '') return undefined
  try {
    createSecureContext({ cert, key })
    return `${cert.trimEnd()}\n${key.trimEnd()}\n`
  } catch {
    return undefined
  }
}

const selfSigned = async (): Promise<string> => {
  // Loaded only where TLS is used: most clusters on one machine never need it.
  // Its decorators need the polyfill first.
  await import('reflect-metadata')
  const { X509CertificateGenerator, SubjectAlternativeNameExtension } = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const day = 86_400_000
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'O=Skiff, CN=Skiff ingress fallback certificate',
    notBefore: new Date(Date.now() - day),
    notAfter: new Date(Date.now() + 365 * day),
    keys,
    signingAlgorithm: algorithm,
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: 'ingress.local' }])],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const key = (der.match(/.{1,64}/g) ?? []).join('\n')
  return `${certificate.toString('pem')}\n-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`
}

/** Certificates as files that only root reads; a file's name holds its content's hash, so that a new one is a new file. */
export class CertificateFiles {
  readonly #directory: string
  readonly #files = new Map<string, string>()
  constructor(prefix: string) {
    this.#directory = join(prefix, 'certificates')
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
  }

  /** Where the certificate of this Secret stands; undefined: none was put. */
  fileOf(secret: string): string | undefined {
    return this.#files.get(secret)
  }

  put(secret: string, pem: string): void {
    const hash = createHash('sha256').update(pem).digest('hex').slice(0, 16)
    const file = join(this.#directory, `${secret.replace('/', '_')}.${hash}.pem`)
    if (this.#files.get(secret) === file) return
    writeFileAtomic(file, pem, 0o600)
    this.#files.set(secret, file)
  }

  forget(secret: string): void {
    this.#files.delete(secret)
  }

  get fallback(): string {
    return join(this.#directory, 'fallback.pem')
  }

  /** Makes the certificate shown where no Secret has one, unless a good one is there. */
  async ensureFallback(): Promise<void> {
    try {
      const standing = new X509Certificate(readFileSync(this.fallback))
      if (Date.parse(standing.validTo) - Date.now() > 30 * 86_400_000) return
    } catch {
      // None, or one that cannot be read: made anew.
    }
    writeFileAtomic(this.fallback, await selfSigned(), 0o600)
  }

  /** Removes the files of certificates that no configuration in force names. */
  prune(): void {
    const kept = new Set([...this.#files.values(), this.fallback])
    for (const name of readdirSync(this.#directory)) {
      const file = join(this.#directory, name)
      if (!kept.has(file)) rmSync(file, { force: true })
    }
  }
}
