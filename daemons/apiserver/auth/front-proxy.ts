import { X509Certificate } from 'node:crypto'
import { SkiffError } from '../../../kube/errors.ts'
import type { UserInfo } from './user-info.ts'

/** Which headers a front proxy says who asks in, by upstream's flags `--requestheader-...`. Names in lower case. */
export interface RequestHeaderNames {
  username: readonly string[]
  uid: readonly string[]
  group: readonly string[]
  extraPrefix: readonly string[]
}

/** A proxy in front of this server that has authenticated its clients, known by a certificate of its own authority. */
export interface FrontProxy {
  /** Who signs its certificates; everybody they sign for may say they are anybody. */
  authorities: readonly X509Certificate[]
  /** Who signs clients' certificates: another authority, as a rule. */
  clientAuthorities: readonly X509Certificate[]
  /** CNs it may have; none: any. */
  allowedNames: readonly string[]
  headers: RequestHeaderNames
}

/** Headers as they came; names in lower case. */
interface Headers {
  get(name: string): string | undefined
  all(name: string): string[]
  names(prefix: string): string[]
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** Every certificate of a PEM text. Throws SkiffError INVALID_INPUT; `flag`: which names the file. */
export const parseCertificates = (flag: string, pem: string): X509Certificate[] => {
  try {
    const found = (pem.match(pemBlock) ?? []).map(text => new X509Certificate(text))
    if (found.length > 0) return found
  } catch (cause) {
    throw new SkiffError('INVALID_INPUT', `--${flag}: a certificate in it cannot be read`, { cause })
  }
  throw new SkiffError('INVALID_INPUT', `--${flag}: there is no certificate in it`)
}

const longestChain = 8

/** Whether one of the authorities has signed the certificate, or one of those that came along with it. */
export const isSignedBy = (certificate: X509Certificate, authorities: readonly X509Certificate[]): boolean => {
  const isIssued = (link: X509Certificate): boolean =>
    authorities.some(authority => link.checkIssued(authority) && link.verify(authority.publicKey))
  let link: X509Certificate | undefined = certificate
  for (let depth = 0; link !== undefined && depth < longestChain; depth++) {
    if (isIssued(link)) return true
    link = link.issuerCertificate
  }
  return false
}

/** CN of a subject, as Node writes them: a line each. */
const commonName = ({ subject }: X509Certificate): string => /^CN=(.*)$/m.exec(subject)?.[1] ?? ''

/** Whether who shows this certificate may speak for others. */
export const isFrontProxy = ({ authorities, allowedNames }: FrontProxy, certificate: X509Certificate): boolean =>
  isSignedBy(certificate, authorities) && (allowedNames.length === 0 || allowedNames.includes(commonName(certificate)))

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Whom the headers name; undefined where they name nobody: then whoever is connected speaks for themselves. */
export const userOfHeaders = (names: RequestHeaderNames, headers: Headers): UserInfo | undefined => {
  const first = (candidates: readonly string[]) => candidates.map(name => headers.get(name) ?? '').find(Boolean)
  const name = first(names.username)
  if (name === undefined) return undefined
  const uid = first(names.uid)
  const groups = names.group.flatMap(header => headers.all(header))
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  for (const prefix of names.extraPrefix)
    for (const header of headers.names(prefix)) extra[unescaped(header.slice(prefix.length))] = headers.all(header)
  return {
    name,
    ...(uid === undefined ? {} : { uid }),
    groups:
      groups.includes('system:authenticated') || groups.includes('system:unauthenticated')
        ? groups
        : [...groups, 'system:authenticated'],
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  }
}
