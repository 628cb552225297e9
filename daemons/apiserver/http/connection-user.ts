import type { TLSSocket } from 'node:tls'
import { type FrontProxy, isFrontProxy, isSignedBy } from '../auth/front-proxy.ts'
import { anonymous, type UserInfo } from '../auth/user-info.ts'

/** The parts of a TLS connection that say who is at its other end. */
export type PeerSocket = Pick<TLSSocket, 'authorized' | 'getPeerCertificate' | 'getPeerX509Certificate'>

/** A certificate was shown that is of another authority, or names nobody. */
export const refused = Symbol('refused')

/** Whose certificate a connection came with. */
export interface ConnectionUser {
  user: UserInfo | typeof refused
  /** It may say whom it speaks for. */
  isFrontProxy: boolean
}

const known = new WeakMap<object, ConnectionUser>()

const listOf = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

/** CN is the user, each O a group (upstream's x509 authenticator); a certificate of another authority is refused. */
const identify = (socket: PeerSocket): UserInfo | typeof refused => {
  const { subject } = socket.getPeerCertificate()
  if (subject === undefined) return anonymous
  const name = listOf(subject.CN as string | string[] | undefined)[0]
  if (!socket.authorized || name === undefined || name === '') return refused
  return { name, groups: [...listOf(subject.O as string | string[] | undefined), 'system:authenticated'] }
}

/** The TLS layer trusts both authorities alike: which of them vouches for what is told apart here. */
const withFrontProxy = (socket: PeerSocket, frontProxy: FrontProxy | undefined): ConnectionUser => {
  const user = identify(socket)
  const certificate = frontProxy === undefined ? undefined : socket.getPeerX509Certificate()
  if (frontProxy === undefined || certificate === undefined || !socket.authorized) return { user, isFrontProxy: false }
  const isClient = isSignedBy(certificate, frontProxy.clientAuthorities)
  return { user: isClient ? user : refused, isFrontProxy: isFrontProxy(frontProxy, certificate) }
}

/** Worked out once for each connection. `connection`: what lives as long as it does. */
export const userOfConnection = (
  connection: object,
  socket: PeerSocket,
  frontProxy: FrontProxy | undefined,
): ConnectionUser => {
  let user = known.get(connection)
  if (user === undefined) {
    user = withFrontProxy(socket, frontProxy)
    known.set(connection, user)
  }
  return user
}
