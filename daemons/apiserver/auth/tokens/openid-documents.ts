import { publicJwk, type TokenKey } from '../../../../kube/json-web-token.ts'

export interface OpenIdDocument {
  contentType: string
  body: string
}

/**
 * What somebody needs to check tokens of this cluster without asking it: OpenID Connect Discovery 1.0 and the keys of
 * RFC 7517. The path of a document leads to it.
 */
export const openIdDocuments = (
  issuer: string,
  jwksUri: string,
  keys: readonly TokenKey[],
): ReadonlyMap<string, OpenIdDocument> => {
  const configuration = {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ algorithm }) => algorithm))].sort(),
  }
  return new Map([
    ['/.well-known/openid-configuration', { contentType: 'application/json', body: JSON.stringify(configuration) }],
    [
      '/openid/v1/jwks',
      { contentType: 'application/jwk-set+json', body: JSON.stringify({ keys: keys.map(publicJwk) }) },
    ],
  ])
}
