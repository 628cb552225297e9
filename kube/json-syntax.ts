/**
 * Says what is wrong with a text that should be JSON, in the words of Go's encoding/json: people search for these
 * sentences, and clients show them. undefined: nothing is wrong. One pass, no recursion, whatever is nested. Go
 * looks at single bytes, and shows one as the character of that number.
 */
export const jsonSyntaxError = (bytes: Buffer): string | undefined => new Scanner(bytes.toString('latin1')).run()

const atEnd = 'unexpected end of JSON input'
const blank = /[ \t\r\n]/
const numberParts = /-?(?:(?:0|[1-9]\d*)(?:\.(?!\d)|(?:\.\d+)?(?:[eE][+-]?\d*)?))?/y

const escapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
}

/** A character as Go's quoteChar shows it. */
const shown = (char: string): string => {
  if (char === "'") return String.raw`'\''`
  if (char === '"') return `'"'`
  const number = char.charCodeAt(0)
  const escaped = escapes[char] ?? (char === '\\' ? String.raw`\\` : undefined)
  if (escaped !== undefined) return `'${escaped}'`
  const hex = number.toString(16)
  if (number < 0x20 || number === 0x7f) return `'\\x${hex.padStart(2, '0')}'`
  return (number >= 0x80 && number <= 0xa0) || number === 0xad ? `'\\u${hex.padStart(4, '0')}'` : `'${char}'`
}

type Place = 'value' | 'key or end' | 'key' | 'colon' | 'value or end' | 'after'

class Scanner {
  readonly #text: string
  /** The containers that are open, outermost first. */
  readonly #open: ('{' | '[')[] = []
  #at = 0
  #place: Place = 'value'
  constructor(text: string) {
    this.#text = text
  }

  run(): string | undefined {
    for (;;) {
      while (blank.test(this.#text[this.#at] ?? '')) this.#at++
      const char = this.#text[this.#at]
      if (char === undefined) return this.#place === 'after' && this.#open.length === 0 ? undefined : atEnd
      const wrong = this.#step(char)
      if (wrong !== undefined) return wrong
    }
  }

  #unexpected(where: string): string {
    const char = this.#text[this.#at]
    return char === undefined ? atEnd : `invalid character ${shown(char)} ${where}`
  }

  #step(char: string): string | undefined {
    switch (this.#place) {
      case 'value or end':
        if (char === ']') return this.#close()
        return this.#value(char)
      case 'value':
        return this.#value(char)
      case 'key or end':
        if (char === '}') return this.#close()
        return this.#key(char)
      case 'key':
        return this.#key(char)
      case 'colon':
        if (char !== ':') return this.#unexpected('after object key')
        this.#at++
        this.#place = 'value'
        return undefined
      case 'after':
        return this.#after(char)
    }
  }

  #close(): undefined {
    this.#open.pop()
    this.#at++
    this.#place = 'after'
  }

  #after(char: string): string | undefined {
    const inner = this.#open.at(-1)
    if (inner === undefined) return this.#unexpected('after top-level value')
    if (char === (inner === '{' ? '}' : ']')) return this.#close()
    if (char !== ',') return this.#unexpected(inner === '{' ? 'after object key:value pair' : 'after array element')
    this.#at++
    this.#place = inner === '{' ? 'key' : 'value'
    return undefined
  }

  #key(char: string): string | undefined {
    if (char !== '"') return this.#unexpected('looking for beginning of object key string')
    const wrong = this.#string()
    this.#place = 'colon'
    return wrong
  }

  #value(char: string): string | undefined {
    this.#place = 'after'
    switch (char) {
      case '{':
      case '[':
        this.#open.push(char)
        this.#at++
        this.#place = char === '{' ? 'key or end' : 'value or end'
        return undefined
      case '"':
        return this.#string()
      case 't':
        return this.#literal('true')
      case 'f':
        return this.#literal('false')
      case 'n':
        return this.#literal('null')
      default:
        return char === '-' || (char >= '0' && char <= '9')
          ? this.#number()
          : this.#unexpected('looking for beginning of value')
    }
  }

  #literal(word: string): string | undefined {
    for (const char of word) {
      if (this.#text[this.#at] !== char) return this.#unexpected(`in literal ${word} (expecting ${shown(char)})`)
      this.#at++
    }
    return undefined
  }

  #number(): string | undefined {
    numberParts.lastIndex = this.#at
    const found = numberParts.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    if (/[eE][+-]?$/.test(found)) return this.#unexpected('in exponent of numeric literal')
    if (found.endsWith('.')) return this.#unexpected('after decimal point in numeric literal')
    if (found === '-') return this.#unexpected('in numeric literal')
    return undefined
  }

  #string(): string | undefined {
    for (this.#at++; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at] ?? ''
      if (char === '"') {
        this.#at++
        return undefined
      }
      if (char < ' ') return this.#unexpected('in string literal')
      if (char !== '\\') continue
      const wrong = this.#escape()
      if (wrong !== undefined) return wrong
    }
    return atEnd
  }

  /** Leaves the place at the escape's last character. */
  #escape(): string | undefined {
    this.#at++
    if (this.#at >= this.#text.length) return atEnd
    const char = this.#text[this.#at] ?? ''
    if (!'bfnrt\\/"u'.includes(char)) return this.#unexpected('in string escape code')
    if (char !== 'u') return undefined
    for (let i = 0; i < 4; i++) {
      this.#at++
      if (!/[0-9a-fA-F]/.test(this.#text[this.#at] ?? ''))
        return this.#unexpected('in \\u hexadecimal character escape')
    }
    return undefined
  }
}
