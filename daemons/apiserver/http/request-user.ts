import { apiError } from '../../../kube/status.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { TokenAuthenticator } from '../auth/tokens/token-authenticator.ts'
import { anonymous, type UserInfo } from '../auth/user-info.ts'
import { type PeerSocket, refused, userOfConnection } from './connection-user.ts'
import { impersonated, type RequestHeaders } from './impersonation.ts'

export interface Authentication {
  tokens: TokenAuthenticator
  authorizer: Authorizer
  /** Whether a request without credentials is answered at all. */
  anonymousAuth: boolean
}

const webSocketPrefix = 'base64url.bearer.authorization.k8s.io.'

/** The bearer token of a request; a browser's WebSocket can only send it as a subprotocol. */
const tokenOf = (headers: RequestHeaders): string | undefined => {
  const [scheme = '', token] = (headers.get('authorization') ?? '').trim().split(' ')
  if (scheme.toLowerCase() === 'bearer') return token
  const protocols = headers.get('sec-websocket-protocol')?.split(',') ?? []
  const bearer = protocols.map(text => text.trim()).find(text => text.startsWith(webSocketPrefix))
  return bearer && Buffer.from(bearer.slice(webSocketPrefix.length), 'base64url').toString()
}

/** Who is at the other end. A good certificate goes before a token, as upstream. Throws ApiError Unauthorized. */
const authenticated = (
  { tokens, anonymousAuth }: Authentication,
  known: UserInfo | typeof refused,
  headers: RequestHeaders,
): UserInfo => {
  if (known !== refused && known !== anonymous) return known
  const token = tokenOf(headers)
  const verdict = token ? tokens.authenticate(token, []) : undefined
  if (verdict?.kind === 'known') return verdict.user
  if (known === refused || verdict !== undefined || !anonymousAuth) throw apiError('Unauthorized', 'Unauthorized')
  return anonymous
}

/**
 * Who a request is made as: whoever is at the other end, or whom they say they act for. `connection`: what lives as
 * long as the connection does. Throws ApiError Unauthorized, Forbidden or InternalError.
 */
export const userOfRequest = (
  authentication: Authentication,
  connection: { key: object; socket: PeerSocket },
  headers: RequestHeaders,
): UserInfo => {
  const user = authenticated(authentication, userOfConnection(connection.key, connection.socket), headers)
  return impersonated(authentication.authorizer, user, headers)
}
