import { readFileSync } from 'node:fs'
import type { Clock } from '../../../../kube/clock.ts'
import { messageOf, SkiffError } from '../../../../kube/errors.ts'
import { readSigningKey, readVerificationKeys, type TokenKey } from '../../../../kube/json-web-token.ts'
import type { AdmissionReader } from '../../admission/plugin.ts'
import type { ApiServerOptions } from '../../options.ts'
import { type OpenIdDocument, openIdDocuments } from './openid-documents.ts'
import { ServiceAccountTokens } from './service-account-tokens.ts'
import { staticTokens } from './static-tokens.ts'
import { type TokenAuthenticator, tokenChain } from './token-authenticator.ts'

/** Everything that has to do with bearer tokens, as the flags say. */
export interface Tokens {
  authenticator: TokenAuthenticator
  serviceAccounts: ServiceAccountTokens
  /** Empty without keys: then there is nothing to discover. */
  documents: ReadonlyMap<string, OpenIdDocument>
}

type Files = Pick<
  ApiServerOptions,
  | 'serviceAccountIssuer'
  | 'serviceAccountKeyFile'
  | 'serviceAccountSigningKeyFile'
  | 'serviceAccountExtendTokenExpiration'
  | 'serviceAccountJwksUri'
  | 'apiAudiences'
  | 'tokenAuthFile'
>

const read = <T>(flag: string, file: string, parse: (text: string) => T): T => {
  try {
    return parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    if (cause instanceof SkiffError) throw cause
    throw new SkiffError('INVALID_INPUT', `--${flag} ${file}: ${messageOf(cause)}`, {
      cause,
      remedy: 'name a PEM file with an RSA key or an EC key of P-256, P-384 or P-521',
    })
  }
}

const verificationKeys = (files: Files): TokenKey[] => {
  const { serviceAccountKeyFile: named, serviceAccountSigningKeyFile: signing } = files
  const own = signing === '' ? [] : read('service-account-signing-key-file', signing, readVerificationKeys)
  const others = named.flatMap(file => read('service-account-key-file', file, readVerificationKeys))
  return [...new Map([...own, ...others].map(key => [key.kid, key])).values()]
}

/** Throws SkiffError INVALID_INPUT for files that cannot be read, and flags that do not go together. */
export const makeTokens = (files: Files, reader: Pick<AdmissionReader, 'get'>, clock: Clock): Tokens => {
  const { serviceAccountIssuer: issuers, serviceAccountSigningKeyFile: signing, tokenAuthFile } = files
  const [issuer] = issuers
  if (issuer === undefined || issuers.includes(''))
    throw new SkiffError('INVALID_INPUT', '--service-account-issuer needs a name, that of the cluster in its tokens')
  const keys = verificationKeys(files)
  const serviceAccounts = new ServiceAccountTokens({
    issuers,
    audiences: files.apiAudiences.length === 0 ? issuers : files.apiAudiences,
    signingKey: signing === '' ? undefined : read('service-account-signing-key-file', signing, readSigningKey),
    keys,
    extendExpiration: files.serviceAccountExtendTokenExpiration,
    reader,
    clock,
  })
  const fixed =
    tokenAuthFile === '' ? [] : [read('token-auth-file', tokenAuthFile, text => staticTokens(text, tokenAuthFile))]
  const jwksUri = files.serviceAccountJwksUri || `${issuer.replace(/\/$/, '')}/openid/v1/jwks`
  return {
    authenticator: tokenChain([...fixed, ...(keys.length === 0 ? [] : [serviceAccounts])]),
    serviceAccounts,
    documents: keys.length === 0 ? new Map() : openIdDocuments(issuer, jwksUri, keys),
  }
}
