/**
 * Upstream's expansion of `$(NAME)` in env values, commands and arguments: `$$` is a dollar sign, a reference that
 * names nothing known stays as it was written. Pure.
 */
export const expand = (text: string, lookup: (name: string) => string | undefined): string => {
  let result = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? ''
    if (char !== '$' || i + 1 >= text.length) {
      result += char
      continue
    }
    const next = text[i + 1]
    if (next === '$') {
      result += '$'
      i++
      continue
    }
    const end = next === '(' ? text.indexOf(')', i + 2) : -1
    if (end < 0) {
      // An unclosed or bare dollar sign is text.
      result += char
      continue
    }
    const name = text.slice(i + 2, end)
    result += lookup(name) ?? `$(${name})`
    i = end
  }
  return result
}
