const reserved = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return var void ' +
    'while'
  ).split(' '),
)

const escapes: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
}
const unescapes: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(escapes).map(([text, escaped]) => [escaped, text]),
)

/**
 * How an expression names a field of a custom resource: `a-b` is `a__dash__b`, `namespace` is `__namespace__`.
 * Undefined where no expression can: it starts with a digit, say. (Upstream: cel.Escape.)
 */
export const escapeFieldName = (name: string): string | undefined => {
  if (reserved.has(name)) return `__${name}__`
  if (!/^[A-Za-z_][A-Za-z0-9_./-]*$/.test(name)) return undefined
  return name.replace(/__|[./-]/g, found => escapes[found] ?? found)
}

/** The field an expression means by `name`; undefined where no field is escaped so. */
export const unescapeFieldName = (name: string): string | undefined => {
  const word = /^__(.+)__$/.exec(name)?.[1]
  if (word !== undefined && reserved.has(word)) return word
  if (!name.includes('__')) return reserved.has(name) ? undefined : name
  const field = name.replace(/__(?:underscores|dot|dash|slash)__/g, found => unescapes[found] ?? found)
  return escapeFieldName(field) === name ? field : undefined
}
