import { Transform } from 'node:stream'

/** What links must be rewritten for: a page that believes to be at the root of its server, and is below `prepend`. */
export interface LinkScope {
  /** `/api/v1/namespaces/default/pods/web/proxy` */
  prepend: string
  /** The host that the page's server believes to be: `10.0.0.1:80`. */
  sourceHost: string
  /** The host that the client has asked. */
  requestHost: string
}

const urlParts = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/s

/** A link as it leads back through the proxy; links to other hosts, and relative ones, stay as they are. */
export const rewriteUrl = (text: string, { prepend, sourceHost, requestHost }: LinkScope): string => {
  const [, scheme = '', host = '', path = '', rest = ''] = urlParts.exec(text) ?? []
  if ((host !== '' && host !== sourceHost && host !== requestHost) || !path.startsWith('/')) return text
  const origin = host === requestHost && host !== '' ? `${scheme === '' ? '' : `${scheme}:`}//${host}` : ''
  const prefixed = path.startsWith(prepend) ? path : `${prepend}${path}`
  return `${origin}${prefixed}${rest}`
}

/** Attributes that hold links, by element: upstream's list. */
const linkAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
}

const attribute = /(\s)([^\s=>/"']+)(\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g

const rewriteTag = (tag: string, name: string, scope: LinkScope): string => {
  const wanted = linkAttributes[name]
  if (wanted === undefined) return tag
  return tag.replace(
    attribute,
    (whole: string, space: string, key: string, equals: string, double?: string, single?: string, bare?: string) => {
      if (!wanted.includes(key.toLowerCase())) return whole
      const quote = double !== undefined ? '"' : single !== undefined ? "'" : ''
      return `${space}${key}${equals}${quote}${rewriteUrl(double ?? single ?? bare ?? '', scope)}${quote}`
    },
  )
}

/** A tag, a comment, or the beginning of either at the end of what has come so far. */
const next =
  /<!--|<([a-zA-Z][^\s/>]*)((?:"[^"]*"|'[^']*'|[^'">])*)>|<(?=[a-zA-Z!](?:"[^"]*"|'[^']*'|[^'">])*(?:"[^"]*|'[^']*)?$)|<$/g
const rawElements = new Set(['script', 'style', 'textarea', 'title'])
/** A tag that is longer is none: what waits for its end is let go. */
const longestTag = 64 * 1024

/** Rewrites the links of a page while it passes. Bytes are taken for latin1, so that every other encoding stays whole. */
export class LinkRewriter extends Transform {
  readonly #scope: LinkScope
  #rest = ''
  /** What ends the comment, or the script, that is being passed over. */
  #until = ''
  constructor(scope: LinkScope) {
    super()
    this.#scope = scope
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.push(this.#rewrite(this.#rest + chunk.toString('latin1'), false), 'latin1')
    done()
  }

  override _flush(done: () => void): void {
    this.push(this.#rewrite(this.#rest, true), 'latin1')
    done()
  }

  #rewrite(text: string, last: boolean): string {
    let output = ''
    let from = 0
    this.#rest = ''
    for (;;) {
      if (this.#until !== '') {
        const end = text.toLowerCase().indexOf(this.#until, from)
        if (end < 0) {
          // The end may have begun.
          const kept = last ? 0 : Math.min(text.length - from, this.#until.length)
          this.#rest = text.slice(text.length - kept)
          return output + text.slice(from, text.length - kept)
        }
        output += text.slice(from, end)
        from = end
        this.#until = ''
        if (text.startsWith('-->', from)) {
          output += '-->'
          from += 3
        }
      }
      next.lastIndex = from
      const match = next.exec(text)
      if (match === null) return output + text.slice(from)
      const [whole, name, inside] = match
      output += text.slice(from, match.index)
      if (whole === '<') {
        const rest = text.slice(match.index)
        if (last || rest.length > longestTag) return output + rest
        this.#rest = rest
        return output
      }
      from = match.index + whole.length
      if (name === undefined) {
        output += whole
        this.#until = '-->'
      } else {
        const element = name.toLowerCase()
        output += `<${name}${rewriteTag(inside ?? '', element, this.#scope)}>`
        if (rawElements.has(element)) this.#until = `</${element}`
      }
    }
  }
}
