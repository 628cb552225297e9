import type { Location } from './ingress-config.ts'

/** Printable ASCII but quotes, backslash, braces, semicolons, blanks and `$`: nothing nginx reads as anything but a path. */
const plainPath = /^\/[A-Za-z0-9\-._~!&'()*+,=:@/%|^[\]?]*$/
/** Besides, what regular expressions need; quotes and blanks stay out, and nginx -t has the last word on the rest. */
const regexPath = /^\/[A-Za-z0-9\-._~!&()*+,=:@/%|^[\]?$\\{}]*$/

export type PathReading = { match: Location['match']; path: string } | { wrong: string }

const readRegex = (path: string): PathReading => {
  if (!regexPath.test(path)) return { wrong: 'has a character that paths cannot have' }
  // A backslash at the end would escape the closing quote.
  if (/(^|[^\\])(\\\\)*\\$/.test(path)) return { wrong: 'ends in a backslash' }
  try {
    // Only to see that it compiles: nginx's own expressions are near enough to these.
    void new RegExp(`^${path}`)
  } catch {
    return { wrong: 'is no regular expression' }
  }
  return { match: 'regex', path }
}

/**
 * A path of a rule, by its type. Exact compares the whole path; Prefix goes by path elements and does not care about
 * a slash at the end (networking/v1); ImplementationSpecific begins with the text, or is a regular expression where
 * the Ingress asks for it by use-regex or a rewrite-target with groups, as ingress-nginx has it.
 */
export const readPath = (text: string | undefined, type: string | undefined, regex: boolean): PathReading => {
  const path = text === undefined || text === '' ? '/' : text
  if (regex && type === 'ImplementationSpecific') return readRegex(path)
  if (!plainPath.test(path) || path.includes('//')) return { wrong: 'has a character that paths cannot have' }
  if (type === 'Exact') return { match: 'exact', path }
  if (type === 'Prefix') return { match: 'elements', path: path === '/' ? '/' : path.replace(/\/$/, '') }
  if (type === 'ImplementationSpecific' || type === undefined) return { match: 'text', path }
  return { wrong: `pathType ${JSON.stringify(type)} is not one of Exact, Prefix, ImplementationSpecific` }
}

/** A host of a rule: a DNS name, with `*` as its first label at most. Others are undefined. */
export const readHost = (host: string | undefined): string | undefined => {
  if (host === undefined || host === '') return ''
  const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
  return host.length <= 253 && new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`).test(host) ? host : undefined
}
