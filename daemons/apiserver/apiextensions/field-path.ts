import { childOf, type JsonSchema } from './json-schema.ts'

/**
 * A rule's fieldPath (`.spec.x`, `.map['a.b']`) as the steps it names; undefined where it is none or leads to what the
 * schema does not have. Lists cannot be indexed.
 */
export const parseFieldPath = (text: string, schema: JsonSchema): { path: string; names: string[] } | undefined => {
  const names: string[] = []
  let path = ''
  let at: JsonSchema | undefined = schema
  for (let rest = text.trim(); rest !== '';) {
    const match: RegExpExecArray | null =
      /^\.([A-Za-z_$][\w$-]*)|^\[(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")\]/.exec(rest)
    if (match === null || at === undefined) return undefined
    const plain: string | undefined = match[1]
    const name: string = plain ?? (match[2] ?? match[3] ?? '').replace(/\\(.)/g, '$1')
    const property: JsonSchema | undefined = at.properties?.[name]
    at = childOf(at, name)
    if (at === undefined) return undefined
    names.push(name)
    // Keys of maps stand in brackets, fields behind a dot.
    path += property === undefined ? `[${name}]` : `.${name}`
    rest = rest.slice(match[0].length)
  }
  return names.length === 0 ? undefined : { path, names }
}
