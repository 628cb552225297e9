import { apiError } from '../../../kube/status.ts'
import { type Authorizer, requireAuthorized } from '../auth/authorizer.ts'
import { anonymous, parseServiceAccountName, serviceAccountGroups, type UserInfo } from '../auth/user-info.ts'

/** Headers as they came: several of one name stay several. Names in lower case. */
export interface RequestHeaders {
  /** Joined by commas where there are several. */
  get(name: string): string | undefined
  all(name: string): string[]
  /** Those that begin with the prefix. */
  names(prefix: string): string[]
}

const extraPrefix = 'impersonate-extra-'

/** A key may hold what a header's name may not, escaped as in a URL. */
const extraKey = (header: string): string => {
  const text = header.slice(extraPrefix.length)
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** `kubectl --as`, taken apart. */
interface Wanted {
  name: string
  groups: readonly string[]
  uid: string
  extra: Record<string, string[]>
}

const wantedOf = (headers: RequestHeaders): Wanted => {
  const extra: Record<string, string[]> = Object.create(null) as Record<string, string[]>
  for (const header of headers.names(extraPrefix)) extra[extraKey(header)] = headers.all(header)
  return {
    name: headers.get('impersonate-user') ?? '',
    groups: headers.all('impersonate-group'),
    uid: headers.get('impersonate-uid') ?? '',
    extra,
  }
}

/** Whoever acts for somebody must be allowed each thing that they say of them. Throws ApiError Forbidden. */
const requireAll = (authorizer: Authorizer, user: UserInfo, { name, groups, uid, extra }: Wanted): void => {
  const check = (
    plural: string,
    value: string,
    more: { group?: string; subresource?: string; namespace?: string } = {},
  ) =>
    requireAuthorized(authorizer, user, {
      kind: 'resource',
      verb: 'impersonate',
      group: '',
      subresource: '',
      namespace: '',
      ...more,
      plural,
      name: value,
    })
  const account = parseServiceAccountName(name)
  if (account === undefined) check('users', name)
  else check('serviceaccounts', account.name, { namespace: account.namespace })
  for (const group of groups) check('groups', group)
  const group = 'authentication.k8s.io'
  for (const [subresource, values] of Object.entries(extra))
    for (const value of values) check('userextras', value, { group, subresource })
  if (uid !== '') check('uids', uid, { group })
}

/** The group that says whether somebody is known is given to whoever has neither. */
const withKnownGroup = (name: string, groups: readonly string[]): string[] => {
  const [known, unknown] = ['system:authenticated', 'system:unauthenticated']
  if (name === anonymous.name) return groups.includes(unknown) ? [...groups] : [...groups, unknown]
  return groups.includes(known) || groups.includes(unknown) ? [...groups] : [...groups, known]
}

/**
 * Whom the request is made for: `user`, or whom its Impersonate headers name. Throws ApiError Forbidden for what `user`
 * may not impersonate, InternalError (as upstream) for headers that name no user.
 */
export const impersonated = (authorizer: Authorizer, user: UserInfo, headers: RequestHeaders): UserInfo => {
  const asked = ['impersonate-user', 'impersonate-group', 'impersonate-uid'].some(
    name => (headers.get(name) ?? '') !== '',
  )
  if (!asked) return user
  const wanted = wantedOf(headers)
  if (wanted.name === '')
    throw apiError('InternalError', 'Internal error occurred: groups or a uid are to be impersonated without a user')
  requireAll(authorizer, user, wanted)
  const account = parseServiceAccountName(wanted.name)
  const groups =
    wanted.groups.length === 0 && account !== undefined ? serviceAccountGroups(account.namespace) : wanted.groups
  return {
    name: wanted.name,
    ...(wanted.uid === '' ? {} : { uid: wanted.uid }),
    groups: withKnownGroup(wanted.name, groups),
    ...(Object.keys(wanted.extra).length === 0 ? {} : { extra: wanted.extra }),
  }
}
