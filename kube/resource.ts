import type { KubeObject } from './object.ts'

/**
 * A resource as the API addresses it. `T` is the object's type and exists only at compile time.
 * The typed constants of every built-in resource stand in kube/resources.ts.
 */
export interface Resource<T = KubeObject> {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
  /** The plural, as in the URL. */
  readonly plural: string
  readonly namespaced: boolean
  readonly __type?: T
}

/** What an object says it is. */
export interface GroupVersionKind {
  /** '' for the core group. */
  readonly group: string
  readonly version: string
  readonly kind: string
}

/** `v1` or `apps/v1`. */
export const apiVersionOf = (resource: { group: string; version: string }): string =>
  resource.group === '' ? resource.version : `${resource.group}/${resource.version}`

/** `/api/v1/namespaces/default/pods/web/log`: the path the API serves it on. */
export const pathOf = (
  resource: Resource<unknown>,
  where: { namespace?: string | undefined; name?: string | undefined; subresource?: string | undefined } = {},
): string => {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const scope = resource.namespaced && where.namespace ? `/namespaces/${encodeURIComponent(where.namespace)}` : ''
  const name = where.name === undefined ? '' : `/${encodeURIComponent(where.name)}`
  const sub = where.subresource === undefined ? '' : `/${where.subresource}`
  return `${root}${scope}/${resource.plural}${name}${sub}`
}
