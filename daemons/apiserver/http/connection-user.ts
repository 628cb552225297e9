import type { TLSSocket } from 'node:tls'
import { anonymous, type UserInfo } from '../auth/user-info.ts'

/** The parts of a TLS connection that say who is at its other end. */
export type PeerSocket = Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>

/** A certificate was shown that is of another authority, or names nobody. */
export const refused = Symbol('refused')
const known = new WeakMap<object, UserInfo | typeof refused>()

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

/** Whose certificate a connection came with; worked out once for each. `connection`: what lives as long as it does. */
export const userOfConnection = (connection: object, socket: PeerSocket): UserInfo | typeof refused => {
  let user = known.get(connection)
  if (user === undefined) {
    user = identify(socket)
    known.set(connection, user)
  }
  return user
}
