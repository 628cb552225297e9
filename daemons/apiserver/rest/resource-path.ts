import { apiError } from '../../../kube/status.ts'

/** What a path under /api or /apis addresses. */
export interface ResourcePath {
  group: string
  version: string
  plural: string
  /** '' when the path names none. */
  namespace: string
  name: string
  subresource: string
}

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Throws ApiError BadRequest for a path with escapes that are no UTF-8. */
export const requireReadable = (path: string): void => {
  if (path.includes('%') && decode(path) === undefined)
    throw apiError('BadRequest', `the path ${path} has an escape that cannot be read`)
}

/** Subresources of a namespace; everything else behind a namespace's name is a resource in it. */
const namespaceSubresources = new Set(['status', 'finalize'])

/**
 * `/api/v1/namespaces/default/pods/web/log` and its like; undefined for anything else, discovery included.
 * What follows the subresource (`proxy/some/path`) is left to it.
 */
export const parseResourcePath = (path: string): ResourcePath | undefined => {
  const parts = path.split('/')
  if (parts.at(-1) === '') parts.pop()
  const core = parts[1] === 'api'
  if (!core && parts[1] !== 'apis') return undefined
  const [group = '', version = ''] = core ? ['', parts[2]] : [parts[2], parts[3]]
  const rest: string[] = []
  for (const part of parts.slice(core ? 3 : 4)) {
    // What is behind a proxy is another server's to read.
    if (rest.at(-1) === 'proxy' && (rest.length === 3 || rest.length === 5)) break
    const text = decode(part)
    if (text === undefined || text === '') return undefined
    rest.push(text)
  }
  const [first, second, third] = rest
  if (first === undefined || version === '') return undefined
  const inNamespace =
    first === 'namespaces' && third !== undefined && !(rest.length === 3 && namespaceSubresources.has(third))
  const [plural = '', name = '', subresource = ''] = inNamespace ? rest.slice(2) : rest
  return { group, version, plural, namespace: inNamespace ? (second ?? '') : '', name, subresource }
}

/** The verb that authorization and metrics know a request by. */
export const verbOf = (method: string, path: ResourcePath, watch: boolean): string => {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return watch ? 'watch' : path.name === '' ? 'list' : 'get'
    case 'POST':
      return 'create'
    case 'PUT':
      return 'update'
    case 'PATCH':
      return 'patch'
    case 'DELETE':
      return path.name === '' ? 'deletecollection' : 'delete'
    default:
      return method.toLowerCase()
  }
}
