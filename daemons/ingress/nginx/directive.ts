import { SkiffError } from '../../../kube/errors.ts'

/** nginx's whole grammar: a name, words, and for some a block. */
export interface Directive {
  name: string
  words: readonly string[]
  block?: readonly Directive[]
}

export const directive = (name: string, ...words: string[]): Directive => ({ name, words })

export const block = (name: string, words: readonly string[], inner: readonly Directive[]): Directive => ({
  name,
  words,
  block: inner,
})

const bare = /^[A-Za-z0-9_.:/=~*$+@[\]-]+$/

/** Quotes a word where it needs it; what could end the quotes or the line is refused. */
export const renderNginxWord = (word: string): string => {
  if (bare.test(word)) return word
  if (word !== '' && !/^[ !#-~]+$/.test(word))
    throw new SkiffError('INTERNAL', `nginx's configuration cannot carry the word ${JSON.stringify(word)}`)
  // Within quotes nginx takes a backslash away before some characters: doubled ones always arrive as one.
  return `"${word.replaceAll('\\', '\\\\')}"`
}

export const renderDirectives = (directives: readonly Directive[], indent = ''): string =>
  directives
    .map(({ name, words, block: inner }) => {
      const head = [name, ...words.map(renderNginxWord)].join(' ')
      if (inner === undefined) return `${indent}${head};\n`
      return `${indent}${head} {\n${renderDirectives(inner, `${indent}  `)}${indent}}\n`
    })
    .join('')
