import { readsFirst } from '../cost.ts'
import type { FunctionTableBuilder } from '../function-table.ts'
import { fail } from '../function-table.ts'
import type { CelValue } from '../value.ts'
import { CelMap, CelOpaque } from '../value.ts'

const type = 'kubernetes.URL'

interface UrlParts {
  scheme: string
  /** With its port, and the brackets of an IPv6 address. */
  host: string
  path: string
  query: string
}

class CelUrl extends CelOpaque {
  readonly typeName = type
  readonly key: string
  readonly parts: UrlParts
  constructor(text: string, parts: UrlParts) {
    super()
    this.key = text
    this.parts = parts
  }
}

/** A whole URL, or an absolute path, as Go's url.ParseRequestURI takes them; else what is wrong with it. */
export const parseRequestUri = (text: string): UrlParts | string => {
  const wrong = (why: string): string => `parse ${JSON.stringify(text)}: ${why}`
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\x00-\x1f\x7f]/.test(text)) return wrong('net/url: invalid control character in URL')
  if (text === '') return wrong('empty url')
  if (text.startsWith(':')) return wrong('missing protocol scheme')
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1] ?? ''
  const rest = scheme === '' ? text : text.slice(scheme.length + 1)
  if (!rest.startsWith('/'))
    return scheme !== ''
      ? { scheme: scheme.toLowerCase(), host: '', path: '', query: '' }
      : wrong('invalid URI for request')
  const [before = '', ...queries] = rest.split('?')
  const authority = scheme !== '' || !before.startsWith('///') ? /^\/\/([^/]*)/.exec(before)?.[1] : undefined
  const path = authority === undefined || scheme === '' ? before : before.slice(authority.length + 2)
  const host = scheme === '' ? '' : (authority ?? '').slice((authority ?? '').lastIndexOf('@') + 1)
  const badEscape = /%(?![0-9A-Fa-f]{2}).{0,2}/.exec(path)
  if (badEscape !== null) return wrong(`invalid URL escape ${JSON.stringify(badEscape[0])}`)
  const badHost = /[ "<>\\^`{|}]/.exec(host)
  if (badHost !== null) return wrong(`invalid character ${JSON.stringify(badHost[0])} in host name`)
  const port = /:([^:\]]*)$/.exec(host)?.[1]
  if (port !== undefined && !/^\d*$/.test(port)) return wrong(`invalid port ${JSON.stringify(`:${port}`)} after host`)
  return { scheme: scheme.toLowerCase(), host, path, query: queries.join('?') }
}

const parse = (text: string): CelUrl => {
  const parts = parseRequestUri(text)
  return typeof parts === 'string'
    ? fail(`URL parse error during conversion from string: ${parts}`)
    : new CelUrl(text, parts)
}

const hostname = (host: string): string => /^\[(.*)\]/.exec(host)?.[1] ?? host.replace(/:\d*$/, '')

const port = (host: string): string => /:(\d*)$/.exec(host.replace(/^\[.*\]/, ''))?.[1] ?? ''

/** Whatever needs escaping is escaped, and nothing else. */
const escapedPath = (path: string): string =>
  path.replace(/[^A-Za-z0-9\-._~!$&'()*+,;=:@/%]+/gu, found => encodeURIComponent(found))

const query = (text: string): CelMap => {
  const values = new Map<string, CelValue[]>()
  for (const [name, value] of new URLSearchParams(text)) {
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else known.push(value)
  }
  return new CelMap(values)
}

/** Kubernetes' URL library. */
export const addUrls = (table: FunctionTableBuilder): void => {
  table
    .add(`url(string): ${type}`, parse, readsFirst)
    .add('isURL(string): bool', (text: string) => typeof parseRequestUri(text) !== 'string', readsFirst)
    .add(`[${type}].getScheme(): string`, (url: CelUrl) => url.parts.scheme)
    .add(`[${type}].getHost(): string`, (url: CelUrl) => url.parts.host)
    .add(`[${type}].getHostname(): string`, (url: CelUrl) => hostname(url.parts.host))
    .add(`[${type}].getPort(): string`, (url: CelUrl) => port(url.parts.host))
    .add(`[${type}].getEscapedPath(): string`, (url: CelUrl) => escapedPath(url.parts.path))
    .add(`[${type}].getQuery(): map<string, list<string>>`, (url: CelUrl) => query(url.parts.query))
}
