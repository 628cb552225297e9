import { apiError } from '../../../kube/status.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import { type FrontProxy, userOfHeaders } from '../auth/front-proxy.ts'
import type { TokenAuthenticator } from '../auth/tokens/token-authenticator.ts'
import { anonymous, type UserInfo } from '../auth/user-info.ts'
import { type ConnectionUser, type PeerSocket, refused, userOfConnection } from './connection-user.ts'
import { webSocketTokenPrefix } from '../proxy/proxy-headers.ts'
import { impersonated, type RequestHeaders } from './impersonation.ts'

export interface Authentication {
  tokens: TokenAuthenticator
  authorizer: Authorizer
  /** Whether a request without credentials is answered at all. */
  anonymousAuth: boolean
  /** Undefined: nobody may speak for others but by impersonation. */
  frontProxy: FrontProxy | undefined
}

/**
 * The bearer token of a request; a browser's WebSocket can only send it as a subprotocol, beside those that it speaks.
 * Throws ApiError Unauthorized for one that stands alone: the browser would be answered with the token.
 */
const tokenOf = (headers: RequestHeaders): string | undefined => {
  const [scheme = '', token] = (headers.get('authorization') ?? '').trim().split(' ')
  if (scheme.toLowerCase() === 'bearer') return token
  const protocols = headers.get('sec-websocket-protocol')?.split(',') ?? []
  const bearer = protocols.map(text => text.trim()).find(text => text.startsWith(webSocketTokenPrefix))
  if (bearer !== undefined && protocols.length < 2) throw apiError('Unauthorized', 'Unauthorized')
  return bearer && Buffer.from(bearer.slice(webSocketTokenPrefix.length), 'base64url').toString()
}

/** Who is at the other end. A good certificate goes before a token, as upstream. Throws ApiError Unauthorized. */
const authenticated = (
  { tokens, anonymousAuth, frontProxy }: Authentication,
  connected: ConnectionUser,
  headers: RequestHeaders,
): UserInfo => {
  const { user: known, isFrontProxy } = connected
  if (isFrontProxy && frontProxy !== undefined) {
    const named = userOfHeaders(frontProxy.headers, headers)
    if (named !== undefined) return named
  }
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
  const connected = userOfConnection(connection.key, connection.socket, authentication.frontProxy)
  const user = authenticated(authentication, connected, headers)
  return impersonated(authentication.authorizer, user, headers)
}
