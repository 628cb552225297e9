import { SkiffError } from '../../../kube/errors.ts'

export interface Token {
  text: string
  file: string
  line: number
  /** Quoted words are never braces or comments. */
  quoted: boolean
}

/** `{$NAME}` and `{%NAME%}` become the environment's value, '' when it is not set. */
const substitute = (text: string, env: Readonly<Record<string, string | undefined>>): string =>
  text.replace(/\{\$(\w+)\}|\{%(\w+)%\}/g, (_, a: string | undefined, b: string | undefined) => env[a ?? b ?? ''] ?? '')

/** Words of a Corefile, with the line each stands on. Throws INVALID_INPUT for a quote that is not closed. */
export const lexCorefile = (
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>> = {},
): Token[] => {
  const tokens: Token[] = []
  let line = 1
  let at = 0
  while (at < text.length) {
    const char = text[at] ?? ''
    if (char === '\n') {
      line++
      at++
    } else if (/\s/.test(char)) at++
    else if (char === '#') {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else if (char === '"') {
      const word = /^"((?:[^"\\]|\\[\s\S])*)"/.exec(text.slice(at))
      if (word === null) throw new SkiffError('INVALID_INPUT', `${file}:${line}: a quote is not closed`)
      tokens.push({ text: (word[1] ?? '').replace(/\\(["\\])/g, '$1'), file, line, quoted: true })
      line += word[0].split('\n').length - 1
      at += word[0].length
    } else {
      const word = /^\S+/.exec(text.slice(at))?.[0] ?? ''
      tokens.push({ text: substitute(word, env), file, line, quoted: false })
      at += word.length
    }
  }
  return tokens.filter(token => token.quoted || token.text !== '')
}
