import { apiError } from '../../../kube/status.ts'
import { type Authorizer, requireAuthorized } from '../auth/authorizer.ts'
import { anonymous, type UserInfo } from '../auth/user-info.ts'
import { userOfConnection, type PeerSocket } from './connection-user.ts'

/** The headers of a request, by their lower-case names; what is sent several times is joined by commas. */
export type HeaderReader = (name: string) => string | undefined

const listOf = (text: string | undefined): string[] => (text ?? '').split(',').flatMap(part => part.trim() || [])

/** A service account is in these groups without anybody saying so. */
const ownGroups = (name: string): string[] => {
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(name) ?? []
  return namespace === undefined ? [] : ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
}

/**
 * Who a request is made as: whoever is at the other end, or whom they say they act for (`kubectl --as`), which only
 * those may who may do everything. Throws ApiError Unauthorized, Forbidden or BadRequest.
 */
export const userOfRequest = (
  connection: object,
  socket: PeerSocket,
  header: HeaderReader,
  authorizer: Authorizer,
): UserInfo => {
  const user = userOfConnection(connection, socket, header('authorization'))
  const name = header('impersonate-user') ?? ''
  const asked = listOf(header('impersonate-group'))
  if (name === '') {
    if (asked.length > 0) throw apiError('BadRequest', 'Impersonate-Group is sent without Impersonate-User')
    return user
  }
  const wanted = { kind: 'resource', verb: 'impersonate', group: '', subresource: '', namespace: '' } as const
  requireAuthorized(authorizer, user, { ...wanted, plural: 'users', name })
  for (const group of asked) requireAuthorized(authorizer, user, { ...wanted, plural: 'groups', name: group })
  const groups = asked.length > 0 ? asked : ownGroups(name)
  const kept = name === anonymous.name ? 'system:unauthenticated' : 'system:authenticated'
  return { name, groups: groups.includes(kept) ? groups : [...groups, kept] }
}
