import { messageOf } from '../../../kube/errors.ts'
import { corefileError, type Directive, type ServerBlock, type ZoneKey } from './corefile.ts'
import { lexCorefile, type Token } from './lexer.ts'
import { parseZoneKey } from './zone-key.ts'

export interface CorefileInput {
  text: string
  /** As it is named in errors. */
  file: string
  defaultPort: number
  env?: Readonly<Record<string, string | undefined>>
  /** For `import FILE`; a relative path is relative to the importing file's directory, by the caller. */
  readFile?(path: string): string
}

const isBrace = (token: Token | undefined, brace: '{' | '}'): boolean => token?.text === brace && !token.quoted

class Parser {
  readonly #tokens: Token[]
  readonly #input: CorefileInput
  readonly #snippets = new Map<string, Token[]>()
  #at = 0
  #imports = 0
  constructor(input: CorefileInput) {
    this.#input = input
    this.#tokens = lexCorefile(input.text, input.file, input.env)
  }

  parse(): ServerBlock[] {
    const blocks: ServerBlock[] = []
    while (this.#at < this.#tokens.length) {
      if (this.#expandImport()) continue
      const block = this.#block()
      if (block !== undefined) blocks.push(block)
    }
    this.#refuseDoubles(blocks)
    return blocks
  }

  #block(): ServerBlock | undefined {
    const first = this.#tokens[this.#at]
    if (first === undefined) return undefined
    const snippet = /^\((.+)\)$/.exec(first.text)
    if (snippet?.[1] !== undefined) {
      this.#at++
      this.#snippets.set(snippet[1], this.#bracedTokens(first))
      return undefined
    }
    const keys: ZoneKey[] = []
    const line = first.line
    // Keys may go on over lines when a comma ends one.
    let continues = true
    while (this.#at < this.#tokens.length && !isBrace(this.#tokens[this.#at], '{')) {
      const token = this.#tokens[this.#at]
      if (token === undefined || isBrace(token, '}')) throw corefileError(token ?? first, 'a } without its {')
      if (token.line !== line && !continues) break
      continues = token.text.endsWith(',')
      for (const key of token.text.split(',').filter(part => part !== ''))
        keys.push(...parseZoneKey(key, this.#input.defaultPort, token))
      this.#at++
    }
    if (keys.length === 0) throw corefileError(first, 'a server block without a zone')
    if (isBrace(this.#tokens[this.#at], '{')) return { keys, directives: this.#body(first), file: first.file, line }
    // Without braces the whole file is this one block.
    const directives: Directive[] = []
    while (this.#at < this.#tokens.length) this.#directiveInto(directives)
    return { keys, directives, file: first.file, line }
  }

  /** What stands between braces; the cursor is on the opening one. */
  #body(owner: Token): Directive[] {
    this.#at++
    const directives: Directive[] = []
    while (!isBrace(this.#tokens[this.#at], '}')) {
      if (this.#at >= this.#tokens.length) throw corefileError(owner, `the { of ${owner.text} is not closed`)
      this.#directiveInto(directives)
    }
    this.#at++
    return directives
  }

  #directiveInto(directives: Directive[]): void {
    if (this.#expandImport()) return
    const head = this.#tokens[this.#at++]
    if (head === undefined) return
    if (isBrace(head, '{') || isBrace(head, '}')) throw corefileError(head, `unexpected ${head.text}`)
    const args: string[] = []
    for (;;) {
      const token = this.#tokens[this.#at]
      if (token === undefined || token.line !== head.line || token.file !== head.file || isBrace(token, '}')) break
      if (isBrace(token, '{')) {
        directives.push({ name: head.text, args, body: this.#body(head), file: head.file, line: head.line })
        return
      }
      args.push(token.text)
      this.#at++
    }
    directives.push({ name: head.text, args, body: [], file: head.file, line: head.line })
  }

  #bracedTokens(owner: Token): Token[] {
    if (!isBrace(this.#tokens[this.#at], '{')) throw corefileError(owner, `the snippet ${owner.text} has no body`)
    const start = ++this.#at
    for (let depth = 1; this.#at < this.#tokens.length; this.#at++) {
      if (isBrace(this.#tokens[this.#at], '{')) depth++
      if (isBrace(this.#tokens[this.#at], '}') && --depth === 0) return this.#tokens.slice(start, this.#at++)
    }
    throw corefileError(owner, `the { of ${owner.text} is not closed`)
  }

  /** Puts a snippet's or a file's words in the place of an `import`. */
  #expandImport(): boolean {
    const head = this.#tokens[this.#at]
    const what = this.#tokens[this.#at + 1]
    if (head?.text !== 'import' || head.quoted) return false
    if (what === undefined || what.line !== head.line)
      throw corefileError(head, 'import needs the name of a snippet or a file')
    if (++this.#imports > 100)
      throw corefileError(head, `import ${what.text}: more than 100 imports, one imports itself`)
    // An imported line keeps its own line number, but must not run on into the line of the import.
    const tokens = this.#snippets.get(what.text) ?? this.#fileTokens(what)
    this.#tokens.splice(this.#at, 2, ...tokens)
    return true
  }

  #fileTokens(what: Token): Token[] {
    const { readFile, env } = this.#input
    if (readFile === undefined) throw corefileError(what, `import ${what.text}: there is no such snippet`)
    let text: string
    try {
      text = readFile(what.text)
    } catch (cause) {
      throw corefileError(
        what,
        `import ${what.text}: no such snippet, and the file cannot be read: ${messageOf(cause)}`,
      )
    }
    return lexCorefile(text, what.text, env)
  }

  #refuseDoubles(blocks: readonly ServerBlock[]): void {
    const seen = new Map<string, ServerBlock>()
    for (const block of blocks)
      for (const { zone, port } of block.keys) {
        const other = seen.get(`${zone}:${port}`)
        // Two blocks may share a zone and port when they bind different addresses.
        const binds = (b: ServerBlock) => b.directives.some(directive => directive.name === 'bind')
        if (other !== undefined && !(binds(other) && binds(block)))
          throw corefileError(block, `${zone}:${port} is served already by the block at line ${other.line}`)
        seen.set(`${zone}:${port}`, block)
      }
  }
}

/** Reads a Corefile. Throws INVALID_INPUT that names file and line (NOT_IMPLEMENTED for server kinds Skiff lacks). */
export const parseCorefile = (input: CorefileInput): ServerBlock[] => new Parser(input).parse()
