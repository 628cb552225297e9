import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'

/** Algorithms of RFC 7518 that service account tokens are signed with. */
export type TokenAlgorithm = 'RS256' | 'ES256' | 'ES384' | 'ES512'

/** A key with the name it has in tokens: base64url of the SHA-256 of its public DER, as upstream derives it. */
export interface TokenKey {
  kid: string
  algorithm: TokenAlgorithm
  key: KeyObject
}

/** The claims of RFC 7519 and whatever else a token says. */
export type TokenClaims = Readonly<Record<string, unknown>>

/** A token taken apart, its signature not looked at yet. */
export interface DecodedToken {
  header: Readonly<Record<string, unknown>>
  claims: TokenClaims
  /** What the signature is of. */
  signed: string
  signature: Buffer
}

const curves: Readonly<Record<string, TokenAlgorithm>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

const algorithmOf = (key: KeyObject): TokenAlgorithm => {
  if (key.asymmetricKeyType === 'rsa') return 'RS256'
  const algorithm = curves[key.asymmetricKeyDetails?.namedCurve ?? '']
  if (algorithm === undefined) throw new TypeError('only RSA keys and EC keys of P-256, P-384 or P-521 sign tokens')
  return algorithm
}

const named = (key: KeyObject, of: KeyObject): TokenKey => ({
  kid: createHash('sha256')
    .update(of.export({ type: 'spki', format: 'der' }))
    .digest('base64url'),
  algorithm: algorithmOf(of),
  key,
})

/** A private key, PEM. Throws TypeError or OpenSSL's error for anything else. */
export const readSigningKey = (pem: string): TokenKey => {
  const key = createPrivateKey(pem)
  return named(key, createPublicKey(key))
}

/** Every key of a PEM file: public ones, those of certificates, and the public half of private ones. Throws as above. */
export const readVerificationKeys = (pem: string): TokenKey[] => {
  const blocks = pem.match(/-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g) ?? []
  const keys = blocks.filter(block => !block.startsWith('-----BEGIN EC PARAMETERS'))
  if (keys.length === 0) throw new TypeError('there is no PEM key in it')
  return keys.map(block => {
    const key = createPublicKey(block)
    return named(key, key)
  })
}

const digests: Readonly<Record<TokenAlgorithm, string>> = {
  RS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
}

/** RFC 7518, section 3.4: an EC signature is its two numbers one after the other, not DER. */
const withEncoding = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' as const })

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A signed token in compact form (RFC 7515). */
export const signToken = ({ kid, algorithm, key }: TokenKey, claims: TokenClaims): string => {
  const signed = `${encode({ alg: algorithm, kid })}.${encode(claims)}`
  const signature = sign(digests[algorithm], Buffer.from(signed), withEncoding(key))
  return `${signed}.${signature.toString('base64url')}`
}

const parse = (part: string): Readonly<Record<string, unknown>> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** The parts of a token in compact form; undefined for what is none. Nothing in it is to be believed yet. */
export const decodeToken = (token: string): DecodedToken | undefined => {
  const [head = '', body = '', signature = '', ...rest] = token.split('.')
  if (rest.length > 0 || signature === '') return undefined
  const header = parse(head)
  const claims = parse(body)
  if (header === undefined || claims === undefined) return undefined
  return { header, claims, signed: `${head}.${body}`, signature: Buffer.from(signature, 'base64url') }
}

/** Whether the key signed it. The algorithm is the key's: what the token says of it must agree, and decides nothing. */
export const isSignedBy = ({ header, signed, signature }: DecodedToken, { algorithm, key }: TokenKey): boolean =>
  header['alg'] === algorithm && verify(digests[algorithm], Buffer.from(signed), withEncoding(key), signature)

/** The key as RFC 7517 shows it to who checks tokens. */
export const publicJwk = ({ kid, algorithm, key }: TokenKey): Record<string, unknown> => ({
  use: 'sig',
  ...key.export({ format: 'jwk' }),
  kid,
  alg: algorithm,
})
