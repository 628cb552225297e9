import { type ApiError, apiError } from '../../../kube/status.ts'
import type { UserInfo } from './user-info.ts'

/** A resource and what is wanted of it; '' where the request names none. */
export interface ResourceAttributes {
  kind: 'resource'
  verb: string
  group: string
  plural: string
  subresource: string
  namespace: string
  name: string
  /** Of a list, a watch or a deletecollection, as it was sent. */
  fieldSelector?: string
}

/** What somebody wants to do: to a resource, or to a path that is none. */
export type Attributes = ResourceAttributes | { kind: 'path'; verb: string; path: string }

/** `deployments/scale`: how rules and messages name a resource. */
export const resourceText = ({ plural, subresource }: ResourceAttributes): string =>
  subresource === '' ? plural : `${plural}/${subresource}`

/** The value a field selector wants `field` to have; undefined when it does not say so. */
export const selectedField = (selector: string | undefined, field: string): string | undefined => {
  for (const part of (selector ?? '').split(',')) {
    const [, name, value] = /^([^=!]+)==?([^=]*)$/.exec(part.trim()) ?? []
    if (name === field) return value
  }
  return undefined
}

/**
 * The attributes of a request: one that selects by metadata.name asks for that object, as upstream's request info has
 * it, so that `resourceNames` hold for lists and watches of a single object.
 */
export const requestAttributes = (
  verb: string,
  where: Omit<ResourceAttributes, 'kind' | 'verb' | 'fieldSelector'>,
  fieldSelector: string | undefined,
): ResourceAttributes => {
  const { group, plural, subresource, namespace, name } = where
  const base = { kind: 'resource', verb, group, plural, subresource, namespace, name } as const
  if (!fieldSelector || (verb !== 'list' && verb !== 'watch' && verb !== 'deletecollection')) return base
  return { ...base, name: name || (selectedField(fieldSelector, 'metadata.name') ?? ''), fieldSelector }
}

const quote = (value: string): string => JSON.stringify(value)

/** 403 in upstream's words; `reason`: what an authorizer had to say, '' for nothing. */
export const refusal = (user: UserInfo, wanted: Attributes, reason = ''): ApiError => {
  const who = quote(user.name)
  const why = reason === '' ? '' : `: ${reason}`
  if (wanted.kind === 'path')
    return apiError('Forbidden', `forbidden: User ${who} cannot ${wanted.verb} path ${quote(wanted.path)}${why}`, {})
  const { verb, group, plural, namespace, name } = wanted
  const qualified = group === '' ? plural : `${plural}.${group}`
  const subject = name === '' ? qualified : `${qualified} ${quote(name)}`
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${quote(namespace)}`
  return apiError(
    'Forbidden',
    `${subject} is forbidden: User ${who} cannot ${verb} resource ${quote(resourceText(wanted))} in API group ${quote(group)} ${where}${why}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: plural },
  )
}
