import { Lexer } from 'yaml'
import { apiError } from '../../../kube/status.ts'

/** Columns of indentation plus open brackets: far more than any object of the API has. */
const maxDepth = 200
/** A YAML node costs a hundred times its text in memory, and a map compares each key with all before it. */
const maxTokens = 100_000

/** The lexer's sign that the next token is the text of a scalar, whatever it looks like. */
const scalarFollows = '\x1f'

/** Signs of the lexer that stand for no text. */
const isSign = (token: string): boolean => token === '\x02' || token === '\x18' || token === '\ufeff'

/** How far into a line a block may begin: its indentation, and `- ` and `? ` that open collections on the same line. */
const isIndent = (token: string): boolean => token === '-' || token === '?' || /^[ \t]+$/.test(token)

/**
 * Refuses YAML that would exhaust the reader behind: it recurses for every level, and where the stack ends within one
 * of its regular expressions V8 ends the process. Only the lexer runs here, which has no recursion.
 * Throws ApiError BadRequest (too deep) or RequestEntityTooLarge (too many nodes).
 */
export const checkYamlBounds = (text: string): void => {
  let tokens = 0
  let brackets = 0
  let column = 0
  let atStart = true
  let scalar = false
  for (const token of new Lexer().lex(text)) {
    if (++tokens > maxTokens)
      throw apiError('RequestEntityTooLarge', `the YAML has more than ${maxTokens} tokens: send it as JSON`)
    if (scalar) scalar = false
    else if (token === scalarFollows) {
      scalar = true
      atStart = false
    } else if (token === '\n' || token === '\r\n') {
      column = 0
      atStart = true
    } else if (token === '[' || token === '{') brackets++
    else if (token === ']' || token === '}') brackets--
    else if (isSign(token)) continue
    else if (atStart && isIndent(token)) column += token.length
    else atStart = false
    if (brackets + column > maxDepth) throw apiError('BadRequest', `the YAML is nested deeper than ${maxDepth} levels`)
  }
}
